#include "runtime/constrain/block_machine.h"

#include <algorithm>

namespace jade::constrain {
namespace {

using Shape = PlanScope::Shape;
using Literal = PlanScope::Literal;

// Reserved and soft words of grammar/JadeLexer.g4, sorted.
constexpr std::array<std::string_view, 57> kWords = {
    "and",    "as",        "assistant", "check",   "each",    "else",   "emits",  "end",   "enum",    "executor",
    "expect", "false",     "fold",      "for",     "from",    "if",     "in",     "input", "invalid", "let",
    "main",   "malformed", "match",     "max",     "new",     "none",   "not",    "on",    "or",      "overrun",
    "param",  "penalty",   "plan",      "planner", "prefill", "record", "repeat", "reply", "reward",  "run",
    "sample", "stages",    "subset",    "system",  "test",    "text",   "to",     "tool",  "true",    "type",
    "until",  "up",        "use",       "user",    "uses",    "with",   "within"};
static_assert(std::is_sorted(kWords.begin(), kWords.end()));

constexpr std::string_view kEqualsText = " = ";

std::string_view View(const BlockMachine::Name& name) {
  return {name.data(), static_cast<size_t>(std::find(name.begin(), name.end(), '\0') - name.begin())};
}

bool IsDigit(uint8_t byte) {
  return byte >= '0' && byte <= '9';
}

}  // namespace

BlockMachine::BlockMachine(std::shared_ptr<const PlanScope> scope) : scope_(std::move(scope)) {
  const size_t types = scope_->types.size();
  accepts_.assign(types, std::vector<bool>(types, false));
  for (size_t wanted = 0; wanted < types; ++wanted) {
    for (const uint32_t type : scope_->types[wanted].accepts) accepts_[wanted][type] = true;
  }
  for (const PlanScope::Stage& stage : scope_->stages) {
    uint32_t required = 0;
    for (uint32_t i = 0; i < stage.parameters.size(); ++i) {
      if (!stage.parameters[i].has_default) required = i + 1;
    }
    required_.push_back(required);
  }
  for (uint32_t open = 0; open <= kDepth; ++open) {
    calls_[open].assign(scope_->stages.size(), kNever);
    any_call_[open] = kNever;
    for (uint32_t stage = 0; open > 0 && stage < scope_->stages.size(); ++stage) {
      uint64_t cost = 2;
      for (uint32_t i = 0; i < required_[stage]; ++i) {
        cost += costs_[open - 1][scope_->stages[stage].parameters[i].type] + (i > 0 ? 2U : 0U);
      }
      calls_[open][stage] = static_cast<uint32_t>(std::min<uint64_t>(cost, kNever));
      any_call_[open] = std::min<uint32_t>(
          any_call_[open], static_cast<uint32_t>(scope_->stages[stage].name.size()) + calls_[open][stage]);
    }
    costs_[open].resize(types);
    for (uint32_t type = 0; type < types; ++type) costs_[open][type] = CostOf(type, open);
  }
  size_t free_letters = 0;
  for (char letter = 'a'; letter <= 'z'; ++letter) free_letters += IsTaken({}, {&letter, 1}) ? 0 : 1;
  lets_ = free_letters > kLets;
}

uint32_t BlockMachine::Bare(uint32_t type) const {
  return scope_->types[type].shape == Shape::kOptional ? scope_->types[type].element : type;
}

bool BlockMachine::Accepts(uint32_t wanted, uint32_t type) const {
  return wanted == kAny || accepts_[wanted][type];
}

// The shortest expression of a type, of what is in scope from the beginning.
uint32_t BlockMachine::CostOf(uint32_t wanted, uint32_t open) const {
  const PlanScope::Type& type = scope_->types[wanted];
  uint32_t cost = kNever;
  if (Accepts(wanted, scope_->argument)) cost = static_cast<uint32_t>(scope_->input.size());
  if (type.shape == Shape::kOptional) cost = std::min(cost, 4U);
  switch (type.literal) {
    case Literal::kNoLiteral:
      break;
    case Literal::kText:
      cost = std::min(cost, 2U);
      break;
    case Literal::kInt:
      cost = std::min(cost, 1U);
      break;
    case Literal::kFloat:
      cost = std::min(cost, 3U);
      break;
    case Literal::kBool:
      cost = std::min(cost, 4U);
      break;
  }
  if (open == 0) return cost;
  if (scope_->types[Bare(wanted)].shape == Shape::kList) cost = std::min(cost, 2U);
  for (uint32_t stage = 0; stage < scope_->stages.size(); ++stage) {
    if (!Accepts(wanted, scope_->stages[stage].result)) continue;
    cost = std::min(cost, static_cast<uint32_t>(scope_->stages[stage].name.size()) + calls_[open][stage]);
  }
  return std::min(cost, kNever);
}

uint32_t BlockMachine::Wanted(const State& state) const {
  if (state.depth == 0) return state.in_let != 0 ? kAny : scope_->result;
  const Frame& frame = state.frames[state.depth - 1U];
  if (frame.list != 0) return frame.id;
  const std::vector<PlanScope::Parameter>& parameters = scope_->stages[frame.id].parameters;
  return parameters.empty() ? kAny : parameters[frame.argument].type;
}

std::string_view BlockMachine::TextOf(const State& state, uint16_t candidate) const {
  switch (candidate) {
    case kLet:
      return "let";
    case kTrue:
      return "true";
    case kFalse:
      return "false";
    case kNone:
      return "none";
    case kInput:
      return scope_->input;
    default:
      return candidate < kStages ? View(state.locals[candidate - kLocals].name)
                                 : std::string_view(scope_->stages[candidate - kStages].name);
  }
}

uint32_t BlockMachine::TailOf(const State& state, uint16_t candidate, uint32_t wanted) const {
  const auto if_true = [](bool fits) { return fits ? 0 : kNever; };
  const bool statement = state.depth == 0 && state.in_let == 0;
  if (candidate == kLet) {
    if (!statement || !lets_ || state.lets == kLets) return kNever;
    // A blank, a name of one letter, ` = `, a call, `; ` and the result.
    return std::min(1 + 1 + 3 + any_call_[kDepth] + 2 + costs_[kDepth][scope_->result], kNever);
  }
  if (candidate >= kStages) {
    const uint32_t stage = candidate - kStages;
    return Accepts(wanted, scope_->stages[stage].result) ? calls_[Open(state)][stage] : kNever;
  }
  if (wanted == kAny) return kNever;
  const PlanScope::Type& type = scope_->types[wanted];
  if (candidate == kTrue || candidate == kFalse) return if_true(type.literal == Literal::kBool);
  if (candidate == kNone) return if_true(type.shape == Shape::kOptional);
  if (candidate == kInput) return if_true(Accepts(wanted, scope_->argument));
  const uint32_t local = candidate - kLocals;
  return if_true(local < state.lets && Accepts(wanted, state.locals[local].type));
}

uint32_t BlockMachine::Rest(const State& state) const {
  uint32_t rest = state.in_let != 0 ? 2 + costs_[kDepth][scope_->result] : 0;
  for (uint32_t level = 0; level < state.depth; ++level) {
    const Frame& frame = state.frames[level];
    rest += 1;
    if (frame.list != 0) continue;
    for (uint32_t i = frame.argument + 1U; i < required_[frame.id]; ++i) {
      rest += 2 + costs_[kDepth - level - 1][scope_->stages[frame.id].parameters[i].type];
    }
  }
  return rest;
}

bool BlockMachine::IsTaken(const State& state, std::string_view name) const {
  if (name == scope_->input || std::binary_search(kWords.begin(), kWords.end(), name)) return true;
  for (uint32_t i = 0; i < state.lets; ++i) {
    if (View(state.locals[i].name) == name) return true;
  }
  return std::any_of(scope_->stages.begin(), scope_->stages.end(),
                     [name](const PlanScope::Stage& stage) { return stage.name == name; });
}

bool BlockMachine::IsDeadEnd(const State& state, std::string_view name) const {
  return IsTaken(state, name) && (name.size() == kMaxNameBytes || IsTaken(state, std::string(name) + "_"));
}

uint32_t BlockMachine::Missing(const State& state) const {
  return state.length == 0 || IsTaken(state, View(state.locals[state.lets].name)) ? 1 : 0;
}

uint32_t BlockMachine::Distance(const State& state) const {
  const uint32_t wanted = Wanted(state);
  const auto expression = [&] { return wanted == kAny ? any_call_[Open(state)] : costs_[Open(state)][wanted]; };
  uint32_t here = 0;
  switch (state.phase) {
    case kExpression:
      here = expression();
      break;
    case kFirst: {
      const Frame& frame = state.frames[state.depth - 1U];
      const bool may_be_empty = frame.list != 0 || required_[frame.id] == 0;
      here = may_be_empty ? 0 : expression();
      break;
    }
    case kWord: {
      here = kNever;
      const std::string_view read = TextOf(state, state.word).substr(0, state.length);
      for (uint16_t i = state.word; i < CandidateEnd(); ++i) {
        const std::string_view text = TextOf(state, i);
        if (!text.starts_with(read)) continue;
        here = std::min(here, static_cast<uint32_t>(text.size() - read.size()) + TailOf(state, i, wanted));
      }
      break;
    }
    case kLetName:
      here = Missing(state) + 3 + any_call_[kDepth];
      break;
    case kEquals:
      here = static_cast<uint32_t>(kEqualsText.size()) - state.length + any_call_[kDepth];
      break;
    case kBlank:
      here = 1 + expression();
      break;
    case kNumber:
      here = 0;
      if (scope_->types[wanted].literal == Literal::kFloat) {
        here = state.word == kWhole ? 2 : (state.length == 0 ? 1 : 0);
      }
      break;
    case kString:
      here = 1 + BytesMissing(static_cast<Utf8>(state.utf8));
      break;
    default:
      break;
  }
  return here >= kNever ? kNever : std::min(here + Rest(state), kNever);
}

FreeText BlockMachine::FreeName(const State& state) const {
  FreeText free;
  free.text_class = state.length == 0 ? TextClass::kNewName : TextClass::kName;
  free.distance = Distance(state) - Missing(state) + 1;
  free.room = kMaxNameBytes - state.length;
  const std::string_view name = View(state.locals[state.lets].name);
  const auto heat = [&](std::string_view taken) {
    if (taken.size() > name.size() && taken.starts_with(name) && IsDeadEnd(state, taken)) {
      free.hot.set(static_cast<uint8_t>(taken[name.size()]) & 0x7FU);
    }
  };
  for (const std::string_view word : kWords) heat(word);
  for (const PlanScope::Stage& stage : scope_->stages) heat(stage.name);
  for (uint32_t i = 0; i < state.lets; ++i) heat(View(state.locals[i].name));
  heat(scope_->input);
  return free;
}

FreeText BlockMachine::Free(const State& state) const {
  if (state.phase == kLetName) return FreeName(state);
  const bool let = state.phase == kWord && state.word == kLet && state.length == 3;
  if (let && TailOf(state, kLet, Wanted(state)) < kNever) {
    State named = state;
    (void)Next(&named, ' ');
    FreeText free = FreeName(named);
    if (free.hot.any()) return {};
    free.text_class = TextClass::kBlankName;
    return free;
  }
  FreeText free;
  if (state.phase != kString || state.utf8 != 0) return free;
  free.text_class = TextClass::kQuoted;
  free.distance = Distance(state);
  return free;
}

bool BlockMachine::Next(State* state, uint8_t byte) const {
  switch (state->phase) {
    case kExpression:
      return BeginExpression(state, byte);
    case kFirst: {
      const Frame& frame = state->frames[state->depth - 1U];
      const bool may_be_empty = frame.list != 0 || required_[frame.id] == 0;
      if (byte == Closing(frame)) return may_be_empty && After(state, byte);
      return (frame.list != 0 || !scope_->stages[frame.id].parameters.empty()) && BeginExpression(state, byte);
    }
    case kWord:
      return Word(state, byte);
    case kLetName:
      return LetName(state, byte);
    case kEquals:
      if (byte != static_cast<uint8_t>(kEqualsText[state->length])) return false;
      if (++state->length < kEqualsText.size()) return true;
      state->phase = kExpression;
      state->length = 0;
      return true;
    case kBlank:
      state->phase = kExpression;
      return byte == ' ';
    case kNumber:
      return Number(state, byte);
    case kString: {
      if (state->utf8 == 0 && byte == '"') {
        state->phase = kAfter;
        return true;
      }
      auto utf8 = static_cast<Utf8>(state->utf8);
      if (!IsPlainByte(TextClass::kQuoted, byte) || !StepUtf8(&utf8, byte)) return false;
      state->utf8 = static_cast<uint8_t>(utf8);
      return true;
    }
    default:
      return After(state, byte);
  }
}

bool BlockMachine::BeginExpression(State* state, uint8_t byte) const {
  const uint32_t wanted = Wanted(*state);
  if (wanted != kAny) {
    const PlanScope::Type& type = scope_->types[wanted];
    if (byte == '"' && type.literal == Literal::kText) {
      state->phase = kString;
      return true;
    }
    if (IsDigit(byte) && (type.literal == Literal::kInt || type.literal == Literal::kFloat)) {
      state->phase = kNumber;
      state->word = kWhole;
      state->length = byte == '0' ? kDigits : 1;  // nothing follows a zero
      return true;
    }
    const uint32_t bare = Bare(wanted);
    if (byte == '[' && scope_->types[bare].shape == Shape::kList && state->depth < kDepth) {
      state->frames[state->depth++] = {static_cast<uint16_t>(scope_->types[bare].element), 1, 0};
      state->phase = kFirst;
      return true;
    }
  }
  state->length = 0;
  state->word = 0;
  return FindWord(state, byte);
}

// Reads one more byte of a word, of which `length` bytes are those of candidate `word`.
bool BlockMachine::FindWord(State* state, uint8_t byte) const {
  const std::string_view read = TextOf(*state, state->word).substr(0, state->length);
  const uint32_t wanted = Wanted(*state);
  for (uint16_t i = state->word; i < CandidateEnd(); ++i) {
    const std::string_view text = TextOf(*state, i);
    if (text.size() <= read.size() || static_cast<uint8_t>(text[read.size()]) != byte || !text.starts_with(read)) {
      continue;
    }
    if (TailOf(*state, i, wanted) >= kNever) continue;
    state->phase = kWord;
    state->word = i;
    ++state->length;
    return true;
  }
  return false;
}

bool BlockMachine::Word(State* state, uint8_t byte) const {
  if (FindWord(state, byte)) return true;
  const std::string_view read = TextOf(*state, state->word).substr(0, state->length);
  const uint32_t wanted = Wanted(*state);
  for (uint16_t i = state->word; i < CandidateEnd(); ++i) {
    if (TextOf(*state, i) != read || TailOf(*state, i, wanted) >= kNever) continue;
    state->word = 0;
    state->length = 0;
    if (i == kLet) {
      state->phase = kLetName;
      state->in_let = 1;
      return byte == ' ';
    }
    if (i < kStages) return After(state, byte);
    if (byte != '(') return false;
    const uint32_t stage = i - kStages;
    if (state->depth == 0 && state->in_let != 0) state->locals[state->lets].type = scope_->stages[stage].result;
    state->frames[state->depth++] = {static_cast<uint16_t>(stage), 0, 0};
    state->phase = kFirst;
    return true;
  }
  return false;
}

bool BlockMachine::LetName(State* state, uint8_t byte) const {
  Name& name = state->locals[state->lets].name;
  if (byte == ' ') {
    if (Missing(*state) != 0) return false;
    state->phase = kEquals;
    state->length = 1;
    return true;
  }
  if (!IsNameByte(byte, state->length == 0) || state->length + 1U >= kNameBytes) return false;
  name[state->length++] = static_cast<char>(byte);
  return !IsDeadEnd(*state, View(name));
}

bool BlockMachine::Number(State* state, uint8_t byte) const {
  const bool real = scope_->types[Wanted(*state)].literal == Literal::kFloat;
  if (IsDigit(byte)) {
    if (state->length >= kDigits) return false;
    ++state->length;
    return true;
  }
  if (state->word == kWhole && real) {
    state->word = kFraction;
    state->length = 0;
    return byte == '.';
  }
  if (real && state->length == 0) return false;
  state->word = 0;
  state->length = 0;
  return After(state, byte);
}

// An expression is complete; `byte` goes on behind it.
bool BlockMachine::After(State* state, uint8_t byte) const {
  if (state->depth == 0) {
    if (state->in_let == 0 || byte != ';') return false;
    state->in_let = 0;
    ++state->lets;
    state->phase = kBlank;
    return true;
  }
  Frame& frame = state->frames[state->depth - 1U];
  const bool first = state->phase == kFirst;  // nothing stands in it
  if (byte == ',') {
    const uint32_t next = frame.argument + 1U;
    if (frame.list != 0 ? next >= kListItems : next >= scope_->stages[frame.id].parameters.size()) return false;
    const uint32_t wanted = frame.list != 0 ? frame.id : scope_->stages[frame.id].parameters[next].type;
    if (costs_[Open(*state)][wanted] >= kNever) return false;
    frame.argument = static_cast<uint8_t>(next);
    state->phase = kBlank;
    return true;
  }
  if (byte != Closing(frame)) return false;
  if (frame.list == 0 && !first && frame.argument + 1U < required_[frame.id]) return false;
  frame = {};
  --state->depth;
  state->phase = kAfter;
  return true;
}

}  // namespace jade::constrain
