// Masks against the slow way to them, their numbers, ids that are read back, and vocabularies nobody would want.

#include <gtest/gtest.h>

#include <unordered_map>

#include "runtime/constrain/bound.h"
#include "runtime/constrain/library.h"
#include "runtime/constrain/plan_machine.h"
#include "runtime/constrain/plan_scope.h"
#include "runtime/constrain/subset_machine.h"
#include "runtime/constrain/tag_machine.h"
#include "runtime/constrain/walk_fixtures.h"
#include "runtime/session/program.h"

namespace jade::constrain {
namespace {

constexpr char kTeam[] = R"(
use std.rag
planner P(question: Query) -> Plan<Query, Answer> { user "{question}"
  emits <plan> plan
  uses QR, R, DS, AG, QDS
  malformed QDS }
)";

VocabularyPtr Nano() {
  auto tokenizer = tokenizer::Tokenizer::LoadTokenizerJson(JADE_SOURCE_DIR "/models/nano/tokenizer.json");
  return tokenizer.ok() ? VocabularyOf(*tokenizer) : nullptr;
}

std::vector<Spec> Specs() {
  std::vector<Spec> specs(7);
  specs[0].kind = SpecKind::kText;
  specs[1].kind = SpecKind::kTag;
  specs[1].tag = "query";
  specs[2] = specs[1];
  specs[2].value = {.kind = ValueKind::kWord, .optional = true, .words = {"yes", "yesterday"}};
  specs[3].kind = SpecKind::kNumbered;
  specs[3].tag = "q";
  specs[3].max = 20;
  specs[4].kind = SpecKind::kSubset;
  specs[4].tag = "id";
  specs[4].documents = 15;
  specs[5].kind = SpecKind::kAlternatives;
  specs[5].alternatives = {{"ask", {.words = {}}}, {"n", {.kind = ValueKind::kFloat, .words = {}}}};
  const session::Loaded team = session::Program::LoadText("team.jade", kTeam);
  const uint32_t planners[] = {team.program->checked().Find("P"), team.program->checked().Find("MakePlan")};
  specs[6] = *PlanSpecOf(team.program->checked(), planners[0]);
  specs.push_back(*PlanSpecOf(team.program->checked(), planners[1]));
  return specs;
}

// Token by token, byte by byte.
template <typename Machine>
engine::TokenMask SlowMask(const Core<Machine>& core, const typename Core<Machine>::Key& key) {
  const engine::Vocabulary& vocabulary = core.trie().vocabulary();
  engine::TokenMask mask(core.trie().size());
  const uint32_t here = core.machine().Distance(key.state);
  for (size_t id = 0; id < vocabulary.bytes.size(); ++id) {
    typename Machine::State state = key.state;
    bool fits = !vocabulary.bytes[id].empty() && !core.trie().IsEnd(static_cast<int32_t>(id));
    for (const char c : vocabulary.bytes[id]) fits = fits && core.machine().Next(&state, static_cast<uint8_t>(c));
    if (!fits) continue;
    const uint32_t there = core.machine().Distance(state);
    const bool in_time = key.slack == 0 || there + 2 <= key.slack || (here + 1 > key.slack && there < here);
    if (in_time) mask.Add(static_cast<int32_t>(id));
  }
  if (here == 0) mask.Add(vocabulary.end_ids[0]);
  return mask;
}

// A random walk that compares each mask with the slow one, for tight limits and none.
template <typename Machine>
void CompareMasks(Machine machine, const typename Machine::State& start, const VocabularyPtr& vocabulary,
                  std::mt19937_64* random) {
  const Core<Machine> core(std::make_shared<const Machine>(std::move(machine)),
                           std::make_shared<const TokenTrie>(vocabulary));
  typename Machine::State state = start;
  for (int step = 0; step < 40; ++step) {
    const uint32_t distance = core.machine().Distance(state);
    for (const uint32_t slack : {0U, 1U, distance + 1, distance + 2 + static_cast<uint32_t>((*random)() % 12)}) {
      const typename Core<Machine>::Key key{state, slack};
      ASSERT_EQ(core.Compute(key).tokens.words(), SlowMask(core, key).words()) << "step " << step << " slack " << slack;
    }
    std::vector<int32_t> allowed;
    const engine::TokenMask mask = core.Compute({state, 0}).tokens;
    for (int32_t id = 0; id < mask.size(); ++id) {
      if (mask.Has(id) && !core.trie().IsEnd(id)) allowed.push_back(id);
    }
    if (allowed.empty()) return;
    for (const char c : vocabulary->bytes[static_cast<size_t>(allowed[(*random)() % allowed.size()])]) {
      const typename Machine::State before = state;
      ASSERT_TRUE(core.machine().Next(&state, static_cast<uint8_t>(c)));
      // The shortest way to the end goes on byte by byte.
      uint32_t nearest = UINT32_MAX;
      for (int byte = 0; byte < 256; ++byte) {
        typename Machine::State next = before;
        if (core.machine().Next(&next, static_cast<uint8_t>(byte))) {
          nearest = std::min(nearest, core.machine().Distance(next));
        }
      }
      const uint32_t here = core.machine().Distance(before);
      ASSERT_TRUE(here == 0 || nearest < here) << here << " bytes from the end, then " << nearest;
    }
  }
}

TEST(Masks, AreThoseFoundTokenByToken) {
  const VocabularyPtr vocabulary = Nano();
  ASSERT_NE(vocabulary, nullptr);
  std::mt19937_64 random(7);
  for (const Spec& spec : Specs()) {
    for (int round = 0; round < 6; ++round) {
      if (spec.kind == SpecKind::kSubset) {
        SubsetMachine machine = *SubsetMachine::Make(spec);
        CompareMasks(machine, machine.Start(spec.documents), vocabulary, &random);
      } else if (spec.kind == SpecKind::kPlan) {
        PlanMachine machine = *PlanMachine::Make(spec);
        const PlanMachine::State start = machine.Start();
        CompareMasks(std::move(machine), start, vocabulary, &random);
      } else {
        TagMachine machine = *TagMachine::Make(spec);
        const TagMachine::State start = machine.Start();
        CompareMasks(std::move(machine), start, vocabulary, &random);
      }
    }
  }
}

TEST(Masks, EqualNumbersMeanEqualMasks) {
  const VocabularyPtr vocabulary = Nano();
  const Library library;
  for (Spec spec : Specs()) {
    std::unordered_map<uint32_t, std::vector<uint64_t>> known;
    Walker walker(vocabulary, 3);
    for (int round = 0; round < 30; ++round) {
      spec.limit = round % 2 == 0 ? 0 : 50;
      const auto bound = *(*library.Make(spec))->Bind(vocabulary);
      const Walk walk = walker.Run(*bound, 80);
      ASSERT_EQ(walk.problem, "");
      const auto state = bound->Start(engine::kAnyLength);
      for (size_t i = 0; i < walk.ids.size(); ++i) {
        ASSERT_EQ(state->number(), walk.states[i]);
        const auto [at, added] = known.emplace(state->number(), state->Allowed().words());
        ASSERT_TRUE(added || at->second == state->Allowed().words());
        ASSERT_TRUE(state->Accept(walk.ids[i]));
      }
    }
  }
}

TEST(Ids, SayEverything) {
  const VocabularyPtr vocabulary = Nano();
  const VocabularyPtr copy = std::make_shared<const engine::Vocabulary>(*vocabulary);
  const Library library;
  std::set<std::string> ids;
  for (Spec spec : Specs()) {
    spec.limit = 90;
    if (spec.kind == SpecKind::kTag) spec.prefix = "\n <query>";
    const ConstraintPtr constraint = *library.Make(spec);
    EXPECT_TRUE(ids.insert(constraint->id()).second);
    const auto read = ParseId(constraint->id());
    ASSERT_TRUE(read.ok()) << read.error().ToString();
    EXPECT_EQ(IdText(*read), constraint->id());
    const auto again = FromId(constraint->id());
    ASSERT_TRUE(again.ok()) << again.error().ToString();
    EXPECT_EQ((*again)->id(), constraint->id());
    // Where it was recorded and where it is read: the same states and masks.
    const Walk walk = Walker(vocabulary, 11).Run(**constraint->Bind(vocabulary), 90);
    const auto here = (*constraint->Bind(vocabulary))->Start(engine::kAnyLength);
    const auto there = (*(*again)->Bind(copy))->Start(engine::kAnyLength);
    for (const int32_t id : walk.ids) {
      ASSERT_EQ(here->number(), there->number());
      ASSERT_EQ(here->Allowed().words(), there->Allowed().words());
      ASSERT_TRUE(here->Accept(id) && there->Accept(id));
    }
  }
}

TEST(Ids, BrokenOnesAreRefused) {
  const std::string whole = (*Library().Make(Specs()[6]))->id();
  for (size_t length = 0; length < whole.size(); length += 1 + whole.size() / 400) {
    EXPECT_FALSE(FromId(whole.substr(0, length)).ok()) << whole.substr(0, length);
  }
  std::mt19937_64 random(5);
  for (int round = 0; round < 2000; ++round) {
    std::string text = whole;
    for (int change = 0; change < 3; ++change) text[random() % text.size()] = "0123456789()- \"\\"[random() % 16];
    (void)FromId(text);  // refused or not, it must not fall over
  }
  for (const char* text : {"", "constraint/2 text text", "constraint/1 tag \"a\" word ( )", "constraint/1 tag \"a",
                           "constraint/1 tag \"\\xz\" text", "constraint/1 subset \"id\" of 99999999999",
                           "constraint/1 text text prefix", "constraint/1 text text limit -1"}) {
    const auto made = FromId(text);
    ASSERT_FALSE(made.ok()) << text;
    EXPECT_EQ(made.error().code(), ErrorCode::kInvalidArgument);
  }
  EXPECT_FALSE(FromId("constraint/1 text text" + std::string(kMaxIdBytes, ' ')).ok());
}

TEST(Vocabularies, ThatCannotSpellTheFormatAreRefused) {
  Spec spec = Specs()[1];
  auto vocabulary = std::make_shared<engine::Vocabulary>(*Bytes());
  vocabulary->bytes['<'].clear();
  vocabulary->bytes['q'] = "qq";
  auto bound = (*Library().Make(spec))->Bind(vocabulary);
  ASSERT_FALSE(bound.ok());
  EXPECT_EQ(bound.error().code(), ErrorCode::kInvalidArgument);
  EXPECT_NE(bound.error().message().find("`<`, `q`"), std::string::npos) << bound.error().message();
  auto endless = std::make_shared<engine::Vocabulary>(*Bytes());
  endless->end_ids = {-1, 5000};
  bound = (*Library().Make(spec))->Bind(endless);
  ASSERT_FALSE(bound.ok());
  EXPECT_NE(bound.error().message().find("ends a reply"), std::string::npos);
  EXPECT_FALSE((*Library().Make(spec))->Bind(std::make_shared<engine::Vocabulary>()).ok());
}

TEST(Vocabularies, PiecesOfCodePointsAreAllowedWhereTheyCanEnd) {
  Spec spec = Specs()[1];
  const std::string piece = "\xF0\x9F";
  const std::string broken = "\x9F\x9F";
  const VocabularyPtr all = Bytes({piece, broken, std::string(300, 'x'), "</query>", "a</query>b"});
  const auto at = [&](const VocabularyPtr& vocabulary) {
    auto state = (*(*Library().Make(spec))->Bind(vocabulary))->Start(engine::kAnyLength);
    for (const char c : std::string("<query>")) EXPECT_TRUE(state->Accept(static_cast<uint8_t>(c)));
    return state;
  };
  auto state = at(all);
  EXPECT_TRUE(state->Allowed().Has(258));
  EXPECT_FALSE(state->Allowed().Has(259));
  EXPECT_FALSE(state->Allowed().Has(260));  // longer than any token is
  EXPECT_TRUE(state->Allowed().Has(261));
  EXPECT_FALSE(state->Allowed().Has(262));
  EXPECT_FALSE(state->Allowed().Has(256));  // the empty token
  EXPECT_FALSE(state->Accept(256));
  EXPECT_FALSE(state->Accept(-1));
  EXPECT_FALSE(state->Accept(1 << 30));
  EXPECT_TRUE(state->Accept(258));
  EXPECT_FALSE(state->Allowed().Has('<'));
  EXPECT_TRUE(state->Allowed().Has(0x99));
  // Without bytes that go on with it, the piece would never end.
  auto few = std::make_shared<engine::Vocabulary>(*all);
  for (int byte = 0x80; byte < 0xC0; ++byte) few->bytes[static_cast<size_t>(byte)].clear();
  EXPECT_FALSE(at(few)->Allowed().Has(258));
}

TEST(Limits, ALongReplyIsBroughtToItsEnd) {
  const VocabularyPtr vocabulary = Bytes({std::string(200, 'x')});
  for (size_t index : {size_t{1}, size_t{3}, size_t{6}}) {
    const auto bound = *(*Library().Make(Specs()[index]))->Bind(vocabulary);
    const auto state = bound->Start(engine::kAnyLength);
    size_t bytes = 0;
    std::mt19937_64 random(index);
    bool ended = false;
    for (int step = 0; step < 1'000'000 && !ended; ++step) {
      const engine::TokenMask& mask = state->Allowed();
      // The longest way: the big token where it may come, else any byte that is not the end.
      int32_t id = mask.Has(258) ? 258 : -1;
      for (int32_t byte = static_cast<int32_t>(random() % 128); id < 0 && byte < 1000; ++byte) {
        if (byte % 258 != 256 && mask.Has(byte % 258)) id = byte % 258;
      }
      ended = id == 257;
      ASSERT_TRUE(state->Accept(id));
      bytes += ended ? 0 : vocabulary->bytes[static_cast<size_t>(id)].size();
    }
    EXPECT_TRUE(ended) << index;
    EXPECT_LT(bytes, index == 6 ? size_t{8192} : size_t{1} << 20);
  }
}

TEST(Limits, AMillionStepsKeepAFewMasks) {
  const VocabularyPtr vocabulary = Bytes();
  const auto machine = std::make_shared<const TagMachine>(*TagMachine::Make(Specs()[1]));
  const auto core = std::make_shared<const Core<TagMachine>>(machine, std::make_shared<const TokenTrie>(vocabulary));
  Follower<TagMachine> state(core, machine->Start(), 0, 0);
  for (const char c : std::string("<query>")) ASSERT_TRUE(state.Accept(static_cast<uint8_t>(c)));
  std::set<uint32_t> numbers;
  for (int step = 0; step < 1'000'000; ++step) {
    numbers.insert(state.number());
    ASSERT_TRUE(state.Accept("who wrote </quDune?"[step % 19]));
  }
  EXPECT_LT(numbers.size(), 20u);
  MaskCache cache(49'152);
  for (uint32_t key = 0; key < 20'000; ++key) {
    cache.Add({reinterpret_cast<const char*>(&key), sizeof key}, {engine::TokenMask(64), 0});
  }
  EXPECT_LE(cache.size(), cache.capacity());
  EXPECT_LT(cache.capacity(), 20'000u);
}

TEST(Limits, TheSmallerOfTheFormatsAndTheEnginesHolds) {
  Spec spec = Specs()[1];
  for (const auto& [own, engines] :
       {std::pair<uint32_t, int64_t>{0, 40}, {40, 100}, {100, 40}, {40, engine::kAnyLength}}) {
    spec.limit = own;
    const auto state = (*(*Library().Make(spec))->Bind(Bytes()))->Start(engines);
    int tokens = 0;
    // Goes on for as long as anything but the closing tag may come.
    for (bool ended = false; !ended; ++tokens) {
      const engine::TokenMask& mask = state->Allowed();
      int32_t id = mask.Has('x') ? 'x' : -1;
      for (int32_t next = 0; id < 0 && next < mask.size(); ++next) id = mask.Has(next) ? next : -1;
      ASSERT_TRUE(state->Accept(id));
      ended = id >= 256;
    }
    EXPECT_LE(tokens, 40);
    EXPECT_GE(tokens, 38);
  }
}

TEST(Limits, TooFewTokensForAnyReplyStillEndIt) {
  Spec spec = Specs()[1];
  spec.limit = 3;
  const auto state = (*(*Library().Make(spec))->Bind(Bytes()))->Start(engine::kAnyLength);
  for (const char c : std::string("<query></query>")) {
    EXPECT_TRUE(state->Allowed().Has(static_cast<uint8_t>(c)));
    EXPECT_FALSE(state->Allowed().Has('x') && c != 'x');
    ASSERT_TRUE(state->Accept(static_cast<uint8_t>(c)));
  }
  EXPECT_TRUE(state->Accept(257));
  EXPECT_FALSE(state->Accept(257));
}

}  // namespace
}  // namespace jade::constrain
