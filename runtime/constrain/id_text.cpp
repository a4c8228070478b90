#include <fmt/format.h>

#include <charconv>
#include <optional>

#include "runtime/constrain/spec.h"

namespace jade::constrain {
namespace {

constexpr std::string_view kVersion = "constraint/1";

// Bytes outside printable ASCII as \xNN, so that an id is one line of ASCII whatever a prefill holds.
std::string Quote(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20 || byte >= 0x7F) {
      out += fmt::format("\\x{:02x}", byte);
    } else {
      out += c;
    }
  }
  return out + '"';
}

std::string_view ValueName(ValueKind kind) {
  switch (kind) {
    case ValueKind::kText:
      return "text";
    case ValueKind::kInt:
      return "int";
    case ValueKind::kFloat:
      return "float";
    case ValueKind::kBool:
      return "bool";
    case ValueKind::kWord:
      return "word";
    case ValueKind::kNothing:
      return "nothing";
  }
  JADE_UNREACHABLE("value kind {}", static_cast<int>(kind));
}

std::string ValueText(const ValueSpec& value) {
  std::string text(ValueName(value.kind));
  if (value.kind == ValueKind::kWord) {
    text += " (";
    for (const std::string& word : value.words) text += ' ' + Quote(word);
    text += " )";
  }
  return text + (value.optional ? " optional" : "");
}

std::string NumberOr(uint32_t number) {
  return number == PlanScope::kNone ? "-" : std::to_string(number);
}

std::string ScopeText(const PlanScope& scope) {
  std::string text = fmt::format(" from {} to {} types (", scope.argument, scope.result);
  for (const PlanScope::Type& type : scope.types) {
    text += fmt::format(" ( {} {} {} {} {}", static_cast<int>(type.shape), static_cast<int>(type.literal),
                        type.key ? 1 : 0, NumberOr(type.element), NumberOr(type.result));
    for (const uint32_t from : type.accepts) text += fmt::format(" {}", from);
    text += " )";
  }
  text += " ) stages (";
  for (const PlanScope::Stage& stage : scope.stages) {
    text += fmt::format(" ( {} {}", Quote(stage.name), stage.result);
    for (const PlanScope::Parameter& parameter : stage.parameters) {
      text += fmt::format(" ( {}{}{} )", parameter.type, parameter.has_default ? " default" : "",
                          parameter.from_input ? " input" : "");
    }
    text += " )";
  }
  text += " ) grammars (";
  for (const PlanScope::Grammar& grammar : scope.grammars) {
    text += fmt::format(" ( {} {}", grammar.states, grammar.accept);
    for (const PlanScope::Edge& edge : grammar.edges) {
      text += fmt::format(" ( {} {} {} {} )", edge.from, edge.to, NumberOr(edge.stage), NumberOr(edge.sub_plan));
    }
    text += " )";
  }
  return text + fmt::format(" ) input {}", Quote(scope.input));
}

// Words, quoted texts and parentheses, separated by blanks.
class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) { Advance(); }

  bool failed() const { return failed_; }
  size_t at() const { return at_; }
  bool AtEnd() const { return kind_ == Kind::kEnd; }
  bool Is(std::string_view word) const { return kind_ == Kind::kWord && token_ == word; }
  bool Take(std::string_view word) {
    if (!Is(word)) return false;
    Advance();
    return true;
  }
  void Expect(std::string_view word) {
    if (!Take(word)) Fail();
  }
  std::string Quoted() {
    if (kind_ != Kind::kQuoted) return Fail(), "";
    std::string text = std::move(token_);
    Advance();
    return text;
  }
  uint32_t Number() {
    uint32_t number = 0;
    const auto [end, error] = std::from_chars(token_.data(), token_.data() + token_.size(), number);
    if (kind_ != Kind::kWord || error != std::errc() || end != token_.data() + token_.size()) return Fail(), 0;
    Advance();
    return number;
  }
  uint32_t NumberOr() { return Take("-") ? PlanScope::kNone : Number(); }
  // True for each element until the closing parenthesis, which is taken.
  bool More() { return !failed_ && !Take(")"); }
  void Fail() {
    failed_ = true;
    kind_ = Kind::kEnd;
    token_.clear();
  }

 private:
  enum class Kind : uint8_t { kWord, kQuoted, kEnd };

  void Advance() {
    token_.clear();
    while (at_ < text_.size() && text_[at_] == ' ') ++at_;
    if (failed_ || at_ == text_.size()) {
      kind_ = Kind::kEnd;
      return;
    }
    if (text_[at_] == '"') return Quotation();
    kind_ = Kind::kWord;
    while (at_ < text_.size() && text_[at_] != ' ') token_ += text_[at_++];
  }

  void Quotation() {
    kind_ = Kind::kQuoted;
    for (++at_; at_ < text_.size() && text_[at_] != '"'; ++at_) {
      if (text_[at_] != '\\') {
        token_ += text_[at_];
      } else if (!Escape()) {
        return Fail();
      }
    }
    if (at_ == text_.size()) return Fail();
    ++at_;
  }

  bool Escape() {
    if (++at_ == text_.size()) return false;
    if (text_[at_] != 'x') return token_ += text_[at_], true;
    unsigned byte = 0;
    if (text_.size() - at_ < 3) return false;
    const char* digits = text_.data() + at_ + 1;
    const auto [end, error] = std::from_chars(digits, digits + 2, byte, 16);
    if (error != std::errc() || end != digits + 2) return false;
    token_ += static_cast<char>(byte);
    at_ += 2;
    return true;
  }

  std::string_view text_;
  size_t at_ = 0;
  Kind kind_ = Kind::kEnd;
  std::string token_;
  bool failed_ = false;
};

ValueSpec ReadValue(Reader& in) {
  ValueSpec value;
  bool known = false;
  for (const ValueKind kind : {ValueKind::kText, ValueKind::kInt, ValueKind::kFloat, ValueKind::kBool, ValueKind::kWord,
                               ValueKind::kNothing}) {
    if (known || !in.Take(ValueName(kind))) continue;
    value.kind = kind;
    known = true;
  }
  if (!known) in.Fail();
  if (value.kind == ValueKind::kWord) {
    in.Expect("(");
    while (in.More()) value.words.push_back(in.Quoted());
  }
  value.optional = in.Take("optional");
  return value;
}

template <typename Enum>
Enum ReadEnum(Reader& in, Enum last) {
  const uint32_t number = in.Number();
  if (number > static_cast<uint32_t>(last)) in.Fail();
  return in.failed() ? Enum{} : static_cast<Enum>(number);
}

PlanScope::Type ReadType(Reader& in) {
  PlanScope::Type type;
  in.Expect("(");
  type.shape = ReadEnum(in, PlanScope::Shape::kPlan);
  type.literal = ReadEnum(in, PlanScope::Literal::kBool);
  type.key = in.Number() != 0;
  type.element = in.NumberOr();
  type.result = in.NumberOr();
  while (in.More()) type.accepts.push_back(in.Number());
  return type;
}

PlanScope::Stage ReadStage(Reader& in) {
  PlanScope::Stage stage;
  in.Expect("(");
  stage.name = in.Quoted();
  stage.result = in.Number();
  while (in.More()) {
    PlanScope::Parameter parameter;
    in.Expect("(");
    parameter.type = in.Number();
    parameter.has_default = in.Take("default");
    parameter.from_input = in.Take("input");
    in.Expect(")");
    stage.parameters.push_back(parameter);
  }
  return stage;
}

PlanScope::Grammar ReadGrammar(Reader& in) {
  PlanScope::Grammar grammar;
  in.Expect("(");
  grammar.states = in.Number();
  grammar.accept = in.Number();
  while (in.More()) {
    PlanScope::Edge edge;
    in.Expect("(");
    edge.from = in.Number();
    edge.to = in.Number();
    edge.stage = in.NumberOr();
    edge.sub_plan = in.NumberOr();
    in.Expect(")");
    grammar.edges.push_back(edge);
  }
  return grammar;
}

std::shared_ptr<const PlanScope> ReadScope(Reader& in) {
  auto scope = std::make_shared<PlanScope>();
  in.Expect("from");
  scope->argument = in.Number();
  in.Expect("to");
  scope->result = in.Number();
  in.Expect("types");
  in.Expect("(");
  while (in.More()) scope->types.push_back(ReadType(in));
  in.Expect("stages");
  in.Expect("(");
  while (in.More()) scope->stages.push_back(ReadStage(in));
  in.Expect("grammars");
  in.Expect("(");
  while (in.More()) scope->grammars.push_back(ReadGrammar(in));
  in.Expect("input");
  scope->input = in.Quoted();
  return scope;
}

void ReadFormat(Reader& in, Spec& spec) {
  if (in.Take("text")) {
    spec.kind = SpecKind::kText;
    spec.value = ReadValue(in);
  } else if (in.Take("tag")) {
    spec.kind = SpecKind::kTag;
    spec.tag = in.Quoted();
    spec.value = ReadValue(in);
  } else if (in.Take("numbered")) {
    spec.kind = SpecKind::kNumbered;
    spec.tag = in.Quoted();
    spec.value = ReadValue(in);
    spec.max = in.Number();
  } else if (in.Take("subset")) {
    spec.kind = SpecKind::kSubset;
    spec.tag = in.Quoted();
  } else if (in.Take("choice")) {
    spec.kind = SpecKind::kAlternatives;
    in.Expect("(");
    while (in.More()) {
      std::string tag = in.Quoted();
      spec.alternatives.push_back({std::move(tag), ReadValue(in)});
    }
  } else {
    in.Expect("plan");
    spec.kind = SpecKind::kPlan;
    spec.tag = in.Quoted();
    spec.plan = ReadScope(in);
  }
}

}  // namespace

std::string MachineText(const Spec& spec) {
  switch (spec.kind) {
    case SpecKind::kText:
      return fmt::format("{} text {}", kVersion, ValueText(spec.value));
    case SpecKind::kTag:
      return fmt::format("{} tag {} {}", kVersion, Quote(spec.tag), ValueText(spec.value));
    case SpecKind::kNumbered:
      return fmt::format("{} numbered {} {} {}", kVersion, Quote(spec.tag), ValueText(spec.value), spec.max);
    case SpecKind::kSubset:
      return fmt::format("{} subset {}", kVersion, Quote(spec.tag));
    case SpecKind::kAlternatives: {
      std::string text = fmt::format("{} choice (", kVersion);
      for (const AlternativeSpec& one : spec.alternatives) {
        text += fmt::format(" {} {}", Quote(one.tag), ValueText(one.value));
      }
      return text + " )";
    }
    case SpecKind::kPlan:
      return fmt::format("{} plan {}{}", kVersion, Quote(spec.tag), ScopeText(*spec.plan));
  }
  JADE_UNREACHABLE("spec kind {}", static_cast<int>(spec.kind));
}

std::string IdText(const Spec& spec) {
  std::string text = MachineText(spec);
  if (spec.kind == SpecKind::kSubset) text += fmt::format(" of {}", spec.documents);
  if (spec.limit != 0) text += fmt::format(" limit {}", spec.limit);
  if (!spec.prefix.empty()) text += " prefix " + Quote(spec.prefix);
  return text;
}

Result<Spec> ParseId(std::string_view text) {
  if (text.size() > kMaxIdBytes) return Error(ErrorCode::kInvalidArgument, "the id of a constraint is too long");
  Reader in(text);
  if (!in.Take(kVersion)) {
    return Error(ErrorCode::kInvalidArgument, fmt::format("the id of a constraint begins with `{}`", kVersion));
  }
  Spec spec;
  ReadFormat(in, spec);
  if (spec.kind == SpecKind::kSubset) {
    in.Expect("of");
    spec.documents = in.Number();
  }
  if (in.Take("limit")) spec.limit = in.Number();
  if (in.Take("prefix")) spec.prefix = in.Quoted();
  if (in.failed() || !in.AtEnd()) {
    return Error(ErrorCode::kInvalidArgument, fmt::format("the id of a constraint is broken at byte {}", in.at()));
  }
  return spec;
}

}  // namespace jade::constrain
