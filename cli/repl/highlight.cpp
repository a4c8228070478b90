#include "cli/repl/highlight.h"

#include <algorithm>

#include "cli/repl/input.h"
#include "compiler/parse/parse.h"

namespace jade::repl {
namespace {

constexpr std::string_view kKeyword = "\033[1;34m";
constexpr std::string_view kTypeName = "\033[36m";
constexpr std::string_view kNumber = "\033[33m";
constexpr std::string_view kText = "\033[32m";
constexpr std::string_view kComment = "\033[2m";
constexpr std::string_view kCommand = "\033[35m";

std::string_view ColourOf(const parse::Token& token, std::string_view text, bool declares, const Workspace& workspace) {
  switch (token.kind) {
    case parse::TokenKind::kReserved:
    case parse::TokenKind::kClause:
      return kKeyword;
    case parse::TokenKind::kNumber:
      return kNumber;
    case parse::TokenKind::kTemplate:
      return kText;
    case parse::TokenKind::kComment:
      return kComment;
    case parse::TokenKind::kName:
      if (declares) return kKeyword;
      return workspace.program()->checked().root().types.contains(text) ? kTypeName : std::string_view();
    case parse::TokenKind::kPunctuation:
      break;
  }
  return {};
}

}  // namespace

std::vector<line::Coloured> Highlight(std::string_view text, const Workspace& workspace) {
  std::vector<line::Coloured> colours;
  const InputKind kind = KindOf(text);
  size_t begin = 0;
  if (kind == InputKind::kCommand) {
    const size_t colon = text.find(':');
    begin = std::min(text.find_first_of(" \t\n", colon), text.size());
    colours.push_back({colon, begin, kCommand});
    const std::string_view word = text.substr(colon + 1, begin - colon - 1);
    if (word != "type" && word != "time") return colours;
  }
  diag::Diagnostics ignored;
  const auto file = std::make_shared<const source::SourceFile>("", std::string(text.substr(begin)));
  bool declares = kind == InputKind::kDeclaration;  // of the first word that is no comment
  for (const parse::Token& token : parse::Tokens(file, ignored)) {
    const std::string_view code = ColourOf(token, file->Text(token.span), declares, workspace);
    if (token.kind != parse::TokenKind::kComment) declares = false;
    if (!code.empty()) colours.push_back({begin + token.span.begin, begin + token.span.end, code});
  }
  return colours;
}

}  // namespace jade::repl
