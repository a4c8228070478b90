#pragma once
// What the parts of the reader share: the token at hand, names seen, and the first error. After an error every Expect
// fails and Peek stays at the end, so parsing runs out by itself. Private to this room.

#include <fmt/format.h>

#include <charconv>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "compiler/ir/lexer.h"
#include "compiler/ir/module.h"

namespace jade::ir {

struct ReaderState {
  ReaderState(std::string_view source, std::shared_ptr<types::TypeTable> type_table)
      : lexer(source), types(std::move(type_table)), module(std::make_shared<Module>(types)) {
    Advance();
  }

  void Advance() {
    taken_line = token.line;
    token = failed() ? Token{} : lexer.Next();
  }

  bool failed() const { return error.has_value(); }
  // What was taken last is wrong.
  void Fail(std::string_view message) { FailAt(taken_line, message); }
  void FailAt(uint32_t line, std::string_view message) {
    if (!failed()) error = Error(ErrorCode::kCorrupt, fmt::format("line {}: {}", line, message));
    token = Token{};
  }
  // The token at hand is wrong.
  void FailExpecting(std::string_view what) {
    uint32_t line = token.line;
    if (token.kind == TokenKind::kError) return FailAt(line, std::string(token.text));
    bool at_end = token.kind == TokenKind::kEnd;
    FailAt(line, at_end ? fmt::format("expected {}, got the end", what)
                        : fmt::format("expected {}, got `{}`", what, token.spelling.substr(0, 40)));
  }

  bool AtPunct(std::string_view punct) const { return token.kind == TokenKind::kPunct && token.spelling == punct; }
  bool AtWord(std::string_view word) const { return token.kind == TokenKind::kWord && token.spelling == word; }
  bool Take(std::string_view punct) {
    if (!AtPunct(punct)) return false;
    Advance();
    return true;
  }
  bool TakeWord(std::string_view word) {
    if (!AtWord(word)) return false;
    Advance();
    return true;
  }
  void Expect(std::string_view punct) {
    if (!Take(punct)) FailExpecting(fmt::format("`{}`", punct));
  }

  // A name, quoted or plain; a string.
  std::string Name(std::string_view what) {
    if (token.kind != TokenKind::kWord && token.kind != TokenKind::kString) return FailExpecting(what), std::string();
    std::string name = std::move(token.text);
    Advance();
    return name;
  }
  std::string String(std::string_view what) {
    if (token.kind != TokenKind::kString) return FailExpecting(what), std::string();
    std::string text = std::move(token.text);
    Advance();
    return text;
  }
  int64_t Integer(std::string_view what, int64_t least, int64_t greatest) {
    int64_t value = 0;
    const char* end = token.spelling.data() + token.spelling.size();
    auto parsed = std::from_chars(token.spelling.data(), end, value);
    if (token.kind != TokenKind::kNumber || parsed.ec != std::errc() || parsed.ptr != end || value < least ||
        value > greatest) {
      return FailExpecting(what), least;
    }
    Advance();
    return value;
  }
  double Float(std::string_view what) {
    double value = 0;
    const char* end = token.spelling.data() + token.spelling.size();
    auto parsed = std::from_chars(token.spelling.data(), end, value);
    bool number = token.kind == TokenKind::kNumber || AtWord("inf") || AtWord("nan");
    if (!number || parsed.ec != std::errc() || parsed.ptr != end) return FailExpecting(what), 0;
    Advance();
    return value;
  }

  FunctionId Function(std::string_view what) {
    std::string name = Name(what);
    FunctionId id = failed() ? FunctionId{} : module->FindFunction(name);
    if (!failed() && !id.valid()) Fail(fmt::format("no function is called `{}`", name));
    return id;
  }
  CalleeId Callee() {
    std::string name = Name("a callee");
    auto found = callees.find(name);
    if (found != callees.end()) return found->second;
    Fail(fmt::format("no executor, planner or tool is called `{}`", name));
    return {};
  }

  types::TypeId Type(int depth = 0);
  source::Span Span() {  // ` ~12..30`, or nothing
    source::Span span;
    if (!Take("~")) return span;
    span.begin = static_cast<uint32_t>(Integer("a byte offset", 0, UINT32_MAX));
    Expect("..");
    span.end = static_cast<uint32_t>(Integer("a byte offset", span.begin, UINT32_MAX));
    return span;
  }
  uint32_t File() {  // ` file 0`, or nothing
    if (!TakeWord("file")) return kInvalidIndex;
    if (module->file_count() == 0) return Fail("no file is declared"), kInvalidIndex;
    return static_cast<uint32_t>(Integer("the number of a file", 0, module->file_count() - 1));
  }

  Lexer lexer;
  Token token;
  uint32_t taken_line = 1;
  std::optional<Error> error;
  std::shared_ptr<types::TypeTable> types;
  std::shared_ptr<Module> module;
  std::unordered_map<std::string, types::TypeId> type_names;
  std::unordered_map<std::string, CalleeId> callees;
};

// One function from its kind word on; its name was declared before.
void ReadFunction(ReaderState& state, FunctionKind kind);

}  // namespace jade::ir
