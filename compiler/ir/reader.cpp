#include "compiler/ir/reader.h"

#include <algorithm>
#include <array>

#include "compiler/ir/reader_state.h"
#include "compiler/ir/verifier.h"

namespace jade::ir {
namespace {

using types::TypeId;
using types::TypeTable;

constexpr int kMaxTypeDepth = 64;

std::optional<FunctionKind> FunctionKindOf(std::string_view word) {
  for (int i = 0; i <= static_cast<int>(FunctionKind::kPure); ++i) {
    if (FunctionKindName(static_cast<FunctionKind>(i)) == word) return static_cast<FunctionKind>(i);
  }
  return std::nullopt;
}

template <typename Kind>
std::optional<Kind> KindOf(std::string_view word, Kind last, std::string_view (*name)(Kind)) {
  for (int i = 0; i <= static_cast<int>(last); ++i) {
    if (name(static_cast<Kind>(i)) == word) return static_cast<Kind>(i);
  }
  return std::nullopt;
}

// First pass: declares types, functions and callees, so that the second may meet their names in any order.
class Scanner {
 public:
  Scanner(std::string_view text, ReaderState& state) : lexer_(text), state_(state) {}

  void Run() {
    int depth = 0;
    token_ = lexer_.Next();
    while (token_.kind != TokenKind::kEnd && token_.kind != TokenKind::kError && !state_.failed()) {
      if (depth == 0 && token_.first_on_line && token_.kind == TokenKind::kWord) {
        Declare();
        continue;
      }
      if (token_.kind == TokenKind::kPunct && token_.spelling == "{") ++depth;
      if (token_.kind == TokenKind::kPunct && token_.spelling == "}" && depth > 0) --depth;
      token_ = lexer_.Next();
    }
  }

 private:
  void Declare() {
    std::string keyword = token_.text;
    uint32_t line = token_.line;
    token_ = lexer_.Next();
    if (token_.kind != TokenKind::kWord && token_.kind != TokenKind::kString) return;
    if (keyword == "type" || keyword == "record" || keyword == "enum") {
      DeclareType(keyword, line);
    } else if (KindOf(keyword, CalleeKind::kTool, CalleeKindName)) {
      Callee callee;
      callee.name = token_.text;
      if (!state_.callees.emplace(callee.name, CalleeId{state_.module->callee_count()}).second) Duplicate(line);
      state_.module->AddCallee(std::move(callee));
    } else if (FunctionKindOf(keyword)) {
      if (state_.module->FindFunction(token_.text).valid()) Duplicate(line);
      Function function;
      function.name = token_.text;
      state_.module->AddFunction(std::move(function));
    }
  }

  void DeclareType(std::string_view keyword, uint32_t line) {
    std::string spelled = token_.text;
    std::string name = spelled.substr(0, spelled.find('~'));
    Token name_token = token_;
    token_ = lexer_.Next();
    std::string origin;
    if (token_.kind == TokenKind::kWord && token_.spelling == "in") {
      token_ = lexer_.Next();
      origin = token_.text;
    }
    TypeTable& types = *state_.types;
    TypeId type = keyword == "type"     ? types.DeclareNominal(origin, name)
                  : keyword == "record" ? types.DeclareRecord(origin, name)
                                        : types.DeclareEnum(origin, name);
    if (!state_.type_names.emplace(spelled, type).second) {
      token_ = name_token;
      Duplicate(line);
    }
  }

  void Duplicate(uint32_t line) {
    state_.error = Error(ErrorCode::kCorrupt, fmt::format("line {}: `{}` is declared twice", line, token_.text));
  }

  Lexer lexer_;
  ReaderState& state_;
  Token token_;
};

class ModuleReader {
 public:
  ModuleReader(ReaderState& state, const std::vector<source::SourceFilePtr>& files) : state_(state), files_(files) {}

  void Run() {
    if (!state_.TakeWord("jir")) return state_.FailExpecting("`jir 1`");
    state_.Integer("version 1", 1, 1);
    while (!state_.failed() && state_.token.kind != TokenKind::kEnd) ReadDeclaration();
    if (!state_.failed()) CheckNominalChains();
  }

 private:
  void ReadDeclaration() {
    if (state_.token.kind != TokenKind::kWord || !state_.token.first_on_line) {
      return state_.FailExpecting("a declaration at the start of a line");
    }
    std::string keyword = state_.token.text;
    state_.Advance();
    if (keyword == "type") return ReadNominal();
    if (keyword == "record") return ReadRecord();
    if (keyword == "enum") return ReadEnum();
    if (keyword == "file") return ReadFile();
    if (keyword == "param") return ReadParam();
    if (keyword == "main") return state_.module->SetMain(state_.Function("a workflow"));
    if (auto kind = KindOf(keyword, CalleeKind::kTool, CalleeKindName)) return ReadCallee(*kind);
    if (auto kind = FunctionKindOf(keyword)) return ReadFunction(state_, *kind);
    state_.Fail(fmt::format("`{}` is no declaration", keyword));
  }

  TypeId DeclaredType() {
    auto found = state_.type_names.find(state_.Name("the name of a type"));
    if (found == state_.type_names.end()) return state_.Fail("the type is not declared here"), TypeTable::Error();
    if (state_.TakeWord("in")) state_.Name("a module");
    return found->second;
  }

  void ReadNominal() {
    TypeId type = DeclaredType();
    state_.Expect("=");
    if (!state_.TakeWord("new")) state_.FailExpecting("`new`");
    TypeId base = state_.Type();
    if (!state_.failed()) state_.types->CompleteNominal(type, base);
  }

  std::vector<types::Field> Fields(std::string_view close) {
    std::vector<types::Field> fields;
    while (!state_.failed() && !state_.AtPunct(close)) {
      if (!fields.empty()) state_.Expect(",");
      types::Field field;
      field.name = state_.Name("a field");
      state_.Expect(":");
      field.type = state_.Type();
      fields.push_back(std::move(field));
    }
    state_.Expect(close);
    return fields;
  }

  void ReadRecord() {
    TypeId type = DeclaredType();
    state_.Expect("{");
    std::vector<types::Field> fields = Fields("}");
    if (!state_.failed()) state_.types->CompleteRecord(type, std::move(fields));
  }

  void ReadEnum() {
    TypeId type = DeclaredType();
    std::vector<types::EnumCase> cases;
    state_.Expect("{");
    while (!state_.failed() && !state_.AtPunct("}")) {
      if (!cases.empty()) state_.Expect(",");
      types::EnumCase enum_case;
      enum_case.name = state_.Name("a case");
      if (state_.Take("(")) enum_case.payload = Fields(")");
      cases.push_back(std::move(enum_case));
    }
    state_.Expect("}");
    if (!state_.failed()) state_.types->CompleteEnum(type, std::move(cases));
  }

  // A nominal type that is its own base would have no end; the rest of the compiler follows bases without counting.
  void CheckNominalChains() {
    for (const auto& [name, id] : state_.type_names) {
      TypeId type = id;
      size_t steps = 0;
      while ((*state_.types)[type].kind == types::TypeKind::kNominal && steps <= state_.type_names.size()) {
        type = (*state_.types)[type].element;
        ++steps;
      }
      if (steps > state_.type_names.size()) return state_.Fail(fmt::format("type `{}` is its own base", name));
    }
  }

  void ReadFile() {
    std::string name = state_.String("the name of a file");
    if (state_.failed()) return;
    for (const source::SourceFilePtr& file : files_) {
      if (file->name() == name) return void(state_.module->AddFile(file));
    }
    state_.module->AddFile(std::make_shared<source::SourceFile>(name, ""));
  }

  void ReadParam() {
    ParamDecl param;
    param.name = state_.Name("a param");
    state_.Expect(":");
    param.type = state_.Type();
    if (state_.Take("=")) param.default_value = state_.Function("the function of the default");
    if (state_.failed()) return;
    if (state_.module->FindParam(param.name) >= 0) return state_.Fail("the param is declared twice");
    state_.module->AddParam(std::move(param));
  }

  void ReadCallee(CalleeKind kind) {
    CalleeId id = state_.Callee();
    if (state_.failed()) return;
    Callee callee;
    callee.kind = kind;
    callee.name = state_.module->callee(id).name;
    state_.Expect("(");
    while (!state_.failed() && !state_.AtPunct(")")) {
      if (!callee.signature.parameters.empty()) state_.Expect(",");
      types::Parameter parameter;
      parameter.name = state_.Name("a parameter");
      state_.Expect(":");
      parameter.type = state_.Type();
      parameter.from_input = state_.TakeWord("input");
      parameter.has_default = state_.TakeWord("default");
      callee.signature.parameters.push_back(std::move(parameter));
    }
    state_.Expect(")");
    state_.Expect("->");
    callee.signature.result = state_.Type();
    callee.file = state_.File();
    callee.span = state_.Span();
    state_.Expect("{");
    while (!state_.failed() && !state_.AtPunct("}")) ReadClause(callee);
    state_.Expect("}");
    if (!state_.failed()) state_.module->MutableCallee(id) = std::move(callee);
  }

  void ReadClause(Callee& callee) {
    std::string word = state_.token.kind == TokenKind::kWord ? state_.token.text : std::string();
    if (word.empty()) return state_.FailExpecting("a clause");
    state_.Advance();
    constexpr int64_t kMost = INT64_MAX;
    if (auto role = KindOf(word, MessageRole::kPrefill, types::MessageRoleName)) {
      callee.messages.push_back({*role, state_.Function("a template")});
    } else if (word == "format") {
      ReadFormat(callee.format);
    } else if (word == "alternative") {
      Alternative alternative;
      alternative.tag = state_.Name("a tag");
      alternative.case_index = static_cast<uint32_t>(state_.Integer("a case", 0, UINT16_MAX));
      alternative.type = state_.Type();
      callee.format.alternatives.push_back(std::move(alternative));
    } else if (word == "check") {
      callee.check = state_.Function("a function");
    } else if (word == "malformed") {
      callee.malformed = state_.Function("a function");
    } else if (word == "invalid") {
      callee.invalid = state_.Function("a function");
    } else if (word == "penalty") {
      callee.penalty = state_.Float("a number");
    } else if (word == "overrun") {
      callee.overrun = state_.Float("a number");
    } else if (word == "temperature") {
      callee.sampling.temperature = state_.Float("a number");
    } else if (word == "top_p") {
      callee.sampling.top_p = state_.Float("a number");
    } else if (word == "top_k") {
      callee.sampling.top_k = state_.Integer("a number", 0, kMost);
    } else if (word == "max_tokens") {
      callee.sampling.max_tokens = state_.Integer("a number", 0, kMost);
    } else if (word == "stop") {
      callee.sampling.stop.push_back(state_.String("a string"));
    } else if (word == "stages") {
      callee.stages = state_.String("the admitted plans");
    } else if (word == "uses") {
      callee.uses.push_back(state_.Name("a name"));
    } else if (word == "retry") {
      callee.retries = static_cast<uint32_t>(state_.Integer("a count", 0, UINT32_MAX));
    } else if (word == "timeout_us") {
      callee.timeout_us = state_.Integer("microseconds", 0, kMost);
    } else {
      state_.Fail(fmt::format("`{}` is no clause", word));
    }
  }

  void ReadFormat(OutputFormat& format) {
    std::string word = state_.Name("a format");
    auto kind = KindOf(word, FormatKind::kPlan, FormatKindName);
    if (!kind) return state_.Fail(fmt::format("`{}` is no format", word));
    format.kind = *kind;
    if (*kind != FormatKind::kText && *kind != FormatKind::kAlternatives) format.tag = state_.Name("a tag");
    if (*kind == FormatKind::kText || *kind == FormatKind::kTag || *kind == FormatKind::kNumbered) {
      format.type = state_.Type();
    }
    if (*kind == FormatKind::kNumbered) {
      if (!state_.TakeWord("max")) state_.FailExpecting("`max`");
      format.max = static_cast<uint32_t>(state_.Integer("a count", 0, UINT32_MAX));
    }
    if (*kind == FormatKind::kSubset) format.subject = state_.Function("a function");
  }

  ReaderState& state_;
  const std::vector<source::SourceFilePtr>& files_;
};

}  // namespace

types::TypeId ReaderState::Type(int depth) {
  if (depth > kMaxTypeDepth) return Fail("types are nested too deeply"), TypeTable::Error();
  TypeId type = TypeTable::Error();
  if (Take("[")) {
    type = types->List(Type(depth + 1));
    Expect("]");
  } else {
    std::string name = Name("a type");
    static constexpr std::array<std::pair<std::string_view, TypeId>, 6> kBasic = {{{"Never", TypeTable::Never()},
                                                                                   {"Text", TypeTable::Text()},
                                                                                   {"Int", TypeTable::Int()},
                                                                                   {"Float", TypeTable::Float()},
                                                                                   {"Bool", TypeTable::Bool()},
                                                                                   {"Error", TypeTable::Error()}}};
    auto declared = type_names.find(name);
    if (declared != type_names.end()) {
      type = declared->second;
    } else if (name == "Plan" && AtPunct("<")) {
      Advance();
      TypeId argument = Type(depth + 1);
      Expect(",");
      TypeId result = Type(depth + 1);
      Expect(">");
      type = types->Plan(argument, result);
    } else {
      const auto* basic =
          std::find_if(kBasic.begin(), kBasic.end(), [&](const auto& entry) { return entry.first == name; });
      if (basic == kBasic.end()) return Fail(fmt::format("no type is called `{}`", name)), TypeTable::Error();
      type = basic->second;
    }
  }
  while (!failed() && Take("?")) type = types->Optional(type);
  return type;
}

Result<std::shared_ptr<Module>> Read(std::string_view text, const std::vector<source::SourceFilePtr>& files) {
  if (text.size() > kMaxJirBytes) {
    return Error(ErrorCode::kCorrupt,
                 fmt::format("the text has {} bytes; at most {} are read", text.size(), kMaxJirBytes));
  }
  ReaderState state(text, std::make_shared<TypeTable>());
  Scanner(text, state).Run();
  if (!state.failed()) ModuleReader(state, files).Run();
  if (state.failed()) return std::move(*state.error).Wrap("reading JIR");
  JADE_TRY(Verify(*state.module));
  return state.module;
}

}  // namespace jade::ir
