#include "runtime/data/demonstrations.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <regex>
#include <set>
#include <sstream>

#include "runtime/data/atlas.h"
#include "runtime/data/contexts.h"
#include "runtime/data/follow_ups.h"
#include "runtime/data/names.h"
#include "runtime/data/pretend.h"
#include "runtime/data/scene.h"

namespace jade::data {
namespace {

const std::string kFacts = std::string(JADE_SOURCE_DIR) + "/data/atlas";

std::vector<Demonstration> Make(const DemonstrationOptions& options) {
  std::vector<Demonstration> made;
  Status status = MakeDemonstrations(options, [&](const Demonstration& demonstration) -> Status {
    made.push_back(demonstration);
    return {};
  });
  EXPECT_TRUE(status.ok());
  return made;
}

std::string Inside(const std::string& reply, const std::string& tag) {
  std::string open = "<" + tag + ">", close = "</" + tag + ">";
  if (!reply.starts_with(open) || !reply.ends_with(close)) return "not in <" + tag + ">";
  return reply.substr(open.size(), reply.size() - open.size() - close.size());
}

// The first user message without the question on its last line.
std::string Given(const Demonstration& demonstration) {
  const auto& messages = demonstration.messages;
  const auto user = std::find_if(messages.begin(), messages.end(), [](const Message& m) { return m.role == "user"; });
  return user->content.substr(0, user->content.rfind("Question: "));
}

// The last question, the one that `reply` answers.
std::string Asked(const Demonstration& demonstration) {
  const std::string& text = demonstration.messages.back().content;
  return text.substr(text.rfind("Question: ") + 10);
}

// The replies of all trained turns, the first question's first.
std::vector<std::string> Replies(const Demonstration& demonstration) {
  std::vector<std::string> replies;
  for (const Message& message : demonstration.messages) {
    if (message.weight > 0) replies.push_back(message.content);
  }
  replies.push_back(demonstration.reply);
  return replies;
}

size_t Count(const std::string& text, const std::string& part) {
  size_t count = 0;
  for (size_t at = text.find(part); at != text.npos; at = text.find(part, at + 1)) ++count;
  return count;
}

TEST(Demonstrations, EveryRoleAppearsInTheFullMix) {
  std::map<std::string, int> counts;
  for (const Demonstration& demonstration : Make({.count = 2000, .seed = 3})) ++counts[demonstration.role];
  for (int role = 0; role < kRoleCount; ++role) {
    EXPECT_GT(counts[std::string(RoleName(static_cast<Role>(role)))], 20) << RoleName(static_cast<Role>(role));
  }
}

TEST(Demonstrations, TheSameSeedGivesTheSameLines) {
  auto once = Make({.count = 400, .seed = 7}), again = Make({.count = 400, .seed = 7});
  auto other = Make({.count = 400, .seed = 8});
  int same = 0;
  for (size_t i = 0; i < once.size(); ++i) {
    EXPECT_EQ(ToJsonLine(once[i]), ToJsonLine(again[i]));
    same += ToJsonLine(once[i]) == ToJsonLine(other[i]);
  }
  EXPECT_LT(same, 10);
}

TEST(Demonstrations, AnswersStandInTheirPassages) {
  int unknown = 0, answered = 0;
  for (const Demonstration& demonstration : Make({.count = 4000, .seed = 5})) {
    if (demonstration.role != "AG" || Count(Given(demonstration), "Document") == 0) continue;
    ++answered;
    unknown += Inside(Replies(demonstration).front(), "answer") == "unknown";
    for (const std::string& reply : Replies(demonstration)) {
      const std::string answer = Inside(reply, "answer");
      if (answer == "yes" || answer == "no" || answer == "unknown") continue;
      EXPECT_THAT(Given(demonstration), testing::HasSubstr(answer)) << ToJsonLine(demonstration);
    }
  }
  EXPECT_GT(unknown, answered / 50);
  EXPECT_LT(unknown, answered / 10);
}

TEST(Demonstrations, OneContextCarriesSeveralQuestions) {
  size_t turns = 0, contexts = 0;
  for (const Demonstration& demonstration : Make({.count = 2000, .seed = 5})) {
    if (demonstration.role != "AG" || Count(Given(demonstration), "Document") < 3) continue;
    ++contexts;
    turns += Replies(demonstration).size();
    std::set<std::string> asked;
    for (const Message& message : demonstration.messages) {
      if (message.role != "user") continue;
      EXPECT_TRUE(asked.insert(message.content.substr(message.content.rfind("Question: "))).second)
          << ToJsonLine(demonstration);
    }
  }
  EXPECT_GT(turns, 3 * contexts);
  for (const Demonstration& demonstration : Make({.count = 500, .seed = 5, .pool = NamePool::kGate})) {
    EXPECT_EQ(Replies(demonstration).size(), 1U) << ToJsonLine(demonstration);
  }
}

// The last line of the first message asks; those before it state the pairs.
std::map<std::string, std::string> PairsOf(std::string text) {
  std::map<std::string, std::string> pairs;
  text.resize(text.rfind('\n') + 1);
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const size_t colon = line.find(": ");
    pairs[line.substr(0, colon)] = line.substr(colon + 2);
  }
  return pairs;
}

TEST(Demonstrations, JudgementsAreRight) {
  std::map<std::string, int> seen;
  for (const Demonstration& demonstration : Make({.count = 3000, .seed = 5, .stage = Stage::kCopying})) {
    if (demonstration.role != "judge") continue;
    const auto pairs = PairsOf(demonstration.messages[0].content);
    for (size_t i = 0; i < demonstration.messages.size(); i += 2) {
      std::string asked = demonstration.messages[i].content;
      asked = asked.substr(asked.rfind('\n') + 1);
      const std::string& reply =
          i + 1 < demonstration.messages.size() ? demonstration.messages[i + 1].content : demonstration.reply;
      std::string expected;
      std::smatch part;
      if (std::regex_match(asked, part, std::regex("(More|Less), (\\d+) or (\\d+)\\?"))) {
        const bool first = std::stoi(part[2]) > std::stoi(part[3]);
        expected = part[first == (part[1] == "More") ? 2 : 3];
      } else if (std::regex_match(asked, part, std::regex("(More|Less), (.*) or (.*)\\?"))) {
        const bool first = std::stoi(pairs.at(part[2])) > std::stoi(pairs.at(part[3]));
        expected = part[first == (part[1] == "More") ? 2 : 3];
      } else {
        for (const auto& [name, value] : pairs) {
          if (asked == "Is " + name + " " + value + "?") expected = "yes";
          for (const auto& [other, same] : pairs) {
            if (asked == "Same, " + name + " and " + other + "?") expected = value == same ? "yes" : "no";
            if (asked == "Same, " + value + " and " + same + "?") expected = value == same ? "yes" : "no";
          }
        }
        if (expected.empty()) expected = "no";
      }
      EXPECT_EQ(reply, expected) << ToJsonLine(demonstration);
      ++seen[asked.substr(0, 4) + (expected == "yes" || expected == "no" ? " " + expected : "")];
    }
  }
  for (const char* kind : {"More", "Less", "Same yes", "Same no", "Is "}) {
    const auto first = seen.lower_bound(kind);
    EXPECT_TRUE(first != seen.end() && first->first.starts_with(kind)) << kind;
  }
  EXPECT_GT(seen["Same yes"], seen["Same no"] / 5);
}

// "A and B", with A and B alike or not.
bool SameHalves(const std::string& text) {
  constexpr std::string_view kAnd = " and ";
  if (text.size() < kAnd.size() || (text.size() - kAnd.size()) % 2 != 0) return false;
  const size_t half = (text.size() - kAnd.size()) / 2;
  return text.substr(half, kAnd.size()) == kAnd && text.substr(0, half) == text.substr(half + kAnd.size());
}

TEST(Demonstrations, DrillsAreRight) {
  std::map<std::string, int> seen;
  for (const Demonstration& demonstration : Make({.count = 2000, .seed = 5, .stage = Stage::kCopying})) {
    if (demonstration.role != "drill") continue;
    const std::vector<std::string> replies = Replies(demonstration);
    EXPECT_EQ(replies.size(), 12U);
    for (size_t i = 0; i < replies.size(); ++i) {
      const std::string& asked = demonstration.messages[2 * i].content;
      std::smatch part;
      std::string expected;
      if (std::regex_match(asked, part, std::regex("(More|Less), (\\d+) or (\\d+)\\?"))) {
        const bool first = std::stoi(part[2]) > std::stoi(part[3]);
        expected = part[first == (part[1] == "More") ? 2 : 3];
        ++seen[part[1]];
      } else {
        ASSERT_TRUE(asked.starts_with("Same, ")) << asked;
        expected = SameHalves(asked.substr(6, asked.size() - 7)) ? "yes" : "no";
        ++seen[expected];
      }
      EXPECT_EQ(replies[i], expected) << asked;
    }
  }
  for (const char* kind : {"More", "Less", "yes", "no"}) EXPECT_GT(seen[kind], 200) << kind;
}

TEST(Demonstrations, NearMissesShareWordsAndAreNeverNamesOfTheGate) {
  size_t shared = 0, lists = 0;
  for (const Demonstration& demonstration : Make({.count = 3000, .seed = 5, .stage = Stage::kCopying})) {
    if (demonstration.role != "recall") continue;
    std::map<std::string, int> last_words;
    for (const auto& [name, value] : PairsOf(demonstration.messages[0].content)) {
      EXPECT_EQ(PoolOf(name), NamePool::kTraining) << name;
      ++last_words[name.substr(name.rfind(' ') + 1)];
    }
    ++lists;
    shared += std::any_of(last_words.begin(), last_words.end(), [](const auto& word) { return word.second > 1; });
  }
  EXPECT_GT(shared, lists / 5);
}

TEST(Demonstrations, FollowUpsAskWhatIsShown) {
  PretendOptions options;
  options.seed = 9;
  const Scene scene(MakePretendWorld(options), 1, std::nullopt, 100, 2);
  Rng rng(3);
  std::map<std::string, int> answers;
  for (const Question& question : scene.singles()) {
    const Docs docs = WithEvidence(scene, rng, question.text, question.support, 5);
    std::set<std::string> texts;
    const std::vector<FollowUp> follow_ups = FollowUps(scene, rng, docs, question.text, 8);
    EXPECT_LE(follow_ups.size(), 8U);
    for (const FollowUp& next : follow_ups) {
      EXPECT_NE(next.text, question.text);
      EXPECT_TRUE(texts.insert(next.text).second);
      ++answers[next.answer == "yes" || next.answer == "no" ? next.answer : "other"];
      for (PassageId id : next.support) {
        EXPECT_NE(std::find(docs.begin(), docs.end(), &scene.library().At(id)), docs.end()) << next.text;
      }
    }
  }
  EXPECT_GT(answers["yes"], answers["no"] / 3);
  EXPECT_GT(answers["no"], answers["yes"] / 3);
  EXPECT_GT(answers["other"], answers["yes"] + answers["no"]);
}

TEST(Demonstrations, FollowUpsThatJudgeHoldBothAnswersAboutAsOften) {
  PretendOptions options;
  options.seed = 9;
  const Scene scene(MakePretendWorld(options), 1, std::nullopt, 400, 2);
  Rng rng(3);
  int yes = 0, no = 0, all = 0;
  for (const Question& question : scene.parallels()) {
    const Docs docs = WithEvidence(scene, rng, question.text, question.support, 3);
    for (const FollowUp& next : FollowUps(scene, rng, docs, question.text, 8, Focus::kJudgements)) {
      ++all;
      yes += next.answer == "yes";
      no += next.answer == "no";
    }
  }
  EXPECT_GT(yes + no, all / 4);
  EXPECT_GT(yes, no / 2);
  EXPECT_GT(no, yes / 2);
}

TEST(Demonstrations, ContextsHaveTheSizesOfTheirStage) {
  std::map<size_t, int> shorter, fuller;
  for (const Demonstration& demonstration : Make({.count = 2000, .seed = 5, .stage = Stage::kShort})) {
    if (demonstration.role == "AG") ++shorter[Count(Given(demonstration), "Document")];
  }
  for (const Demonstration& demonstration : Make({.count = 2000, .seed = 5})) {
    if (demonstration.role == "AG") ++fuller[Count(Given(demonstration), "Document")];
  }
  EXPECT_GT(shorter[1], 100);
  EXPECT_GT(shorter[2], 100);
  EXPECT_GT(fuller[5], 250);
  EXPECT_GT(fuller[3], 30);
  EXPECT_EQ(fuller.rbegin()->first, 5u);
}

TEST(Demonstrations, RepliesAreValid) {
  const std::set<std::string> plans = {"R,AG", "R,DS,AG", "QR,R,AG", "QR,R,DS,AG", "QDS", "QDP"};
  const std::set<std::string> sub_plans = {"R,AG", "R,DS,AG"};
  for (const Demonstration& demonstration : Make({.count = 6000, .seed = 6})) {
    SCOPED_TRACE(ToJsonLine(demonstration));
    const std::string& role = demonstration.role;
    if (role == "MakePlan" || role == "SubPlan") {
      EXPECT_TRUE((role == "SubPlan" ? sub_plans : plans).contains(Inside(demonstration.reply, "workflow")));
    }
    if (role == "QR") {
      std::string query = Inside(demonstration.reply, "query");
      EXPECT_THAT(query, testing::Not(testing::HasSubstr("that ")));
      EXPECT_THAT(demonstration.messages.back().content, testing::Not(testing::HasSubstr("Root: " + query + "\n")));
    }
    if (role == "DecomposeSerial" || role == "DecomposeParallel") {
      static const std::regex kNumbered("<q1>[^<]+</q1><q2>[^<]+</q2>(<q3>[^<]+</q3>)?");
      EXPECT_TRUE(std::regex_match(demonstration.reply, kNumbered));
      EXPECT_THAT(demonstration.reply, testing::Not(testing::HasSubstr(">" + Asked(demonstration) + "<")));
    }
    if (role == "DS") {
      std::istringstream ids(Inside(demonstration.reply, "id"));
      size_t docs = Count(Given(demonstration), "\nDocument") + 1, last = 0;
      for (std::string id; std::getline(ids, id, ',');) {
        ASSERT_TRUE(id.starts_with("Document"));
        size_t at = std::stoul(id.substr(8));
        EXPECT_LT(at, docs);
        EXPECT_GE(at + 1, last + 1);
        last = at + 1;
      }
    }
  }
}

// The gate's names are never seen in training, nor are those of the atlas pretended.
TEST(Pretend, PoolsAreDisjointAndAtlasNamesAreNeverPretended) {
  Result<World> atlas = LoadAtlas(kFacts, kAtlasSeed);
  ASSERT_TRUE(atlas.ok());
  std::unordered_set<std::string> taken;
  for (const Entity& entity : atlas->entities) taken.insert(entity.name);
  std::set<std::string> training, gate;
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    for (NamePool pool : {NamePool::kTraining, NamePool::kGate}) {
      World world = MakePretendWorld({.seed = seed, .pool = pool, .taken = &taken});
      for (const Entity& entity : world.entities) {
        EXPECT_FALSE(taken.contains(entity.name)) << entity.name;
        (pool == NamePool::kGate ? gate : training).insert(entity.name);
      }
    }
  }
  EXPECT_GT(training.size(), 3000u);
  EXPECT_GT(gate.size(), 3000u);
  for (const std::string& name : gate) EXPECT_FALSE(training.contains(name)) << name;
}

TEST(Pretend, NamesAreUniqueWithinAWorldAndSomeAreAlike) {
  World world = MakePretendWorld({.seed = 11});
  std::set<std::string> names;
  std::map<std::string, int> surnames;
  for (const Entity& entity : world.entities) {
    EXPECT_TRUE(names.insert(entity.name).second) << entity.name;
    if (entity.kind == Kind::kAuthor || entity.kind == Kind::kScientist) {
      ++surnames[entity.name.substr(entity.name.rfind(' ') + 1)];
    }
  }
  int relatives = 0;
  for (const auto& [surname, count] : surnames) relatives += count > 1;
  EXPECT_GT(relatives, 0);
}

TEST(Demonstrations, RealOnesAskOnlyAboutTheirSplit) {
  Result<World> atlas = LoadAtlas(kFacts, kAtlasSeed);
  ASSERT_TRUE(atlas.ok());
  std::vector<std::string> hidden;
  for (const Entity& entity : atlas->entities) {
    // Names that are part of a training name ("Niger" of "Nigeria") may be seen, and short ones hide in words.
    bool part =
        entity.name.size() < 8 || std::any_of(atlas->entities.begin(), atlas->entities.end(), [&](const Entity& e) {
          return e.split == Split::kTrain && ("The " + e.name).find(entity.name) != std::string::npos;
        });
    if (entity.split != Split::kTrain && !part) hidden.push_back(entity.name);
  }
  ASSERT_GT(hidden.size(), 100u);
  for (const Demonstration& demonstration : Make({.count = 1500, .seed = 2, .real = 1.0, .atlas = &*atlas})) {
    for (const std::string& name : hidden) {
      EXPECT_THAT(demonstration.messages.back().content, testing::Not(testing::HasSubstr(name)));
    }
  }
}

TEST(Demonstrations, GateGivesExactlyTheRightPassages) {
  for (const Demonstration& demonstration : Make({.count = 500, .seed = 2, .stage = Stage::kGate})) {
    EXPECT_EQ(demonstration.role, "AG");
    ASSERT_FALSE(demonstration.answers.empty());
    EXPECT_EQ(Inside(demonstration.reply, "answer"), demonstration.answers[0]);
    if (demonstration.type == "single" || demonstration.type == "step") {
      EXPECT_EQ(Count(Given(demonstration), "Document"), 1u) << ToJsonLine(demonstration);
    }
  }
}

TEST(Demonstrations, ContradictingOptionsAreErrors) {
  auto sink = [](const Demonstration&) -> Status { return {}; };
  EXPECT_FALSE(MakeDemonstrations({.count = -1}, sink).ok());
  EXPECT_FALSE(MakeDemonstrations({.real = 0.5}, sink).ok());
  EXPECT_FALSE(MakeDemonstrations({.real = 1.5}, sink).ok());
  EXPECT_FALSE(ParseStage("d").ok());
  EXPECT_TRUE(ParseStage("gate5").ok());
}

TEST(Demonstrations, TheFileIsWrittenWholeOrNotAtAll) {
  std::string path = testing::TempDir() + "demonstrations.jsonl";
  WriteOptions options{.path = path, .facts = kFacts, .demonstrations = {.count = 50}};
  progress::SilentSink silent;
  std::atomic<bool> cancel = false;
  ASSERT_TRUE(WriteDemonstrations(options, silent, cancel).ok());
  std::ifstream in(path);
  int lines = 0;
  for (std::string line; std::getline(in, line); ++lines) EXPECT_TRUE(nlohmann::json::parse(line).contains("reply"));
  EXPECT_EQ(lines, 50);
  std::remove(path.c_str());
  cancel = true;
  EXPECT_EQ(WriteDemonstrations(options, silent, cancel).error().code(), ErrorCode::kCancelled);
  EXPECT_FALSE(std::filesystem::exists(path));
  cancel = false;
  options.path = testing::TempDir() + "no/such/folder/demonstrations.jsonl";
  EXPECT_FALSE(WriteDemonstrations(options, silent, cancel).ok());
}

}  // namespace
}  // namespace jade::data
