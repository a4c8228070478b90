// Templates: parts, escapes, indentation.

#include "compiler/parse/builder.h"

namespace jade::parse {

using ast::PartKind;
using ast::Span;
using ast::TemplatePart;

namespace {

// ---- Indentation

// The texts of a template in order, with null where something else stands between them.
void Flatten(std::vector<TemplatePart>& parts, std::vector<TemplatePart*>& flat) {
  for (TemplatePart& part : parts) {
    if (part.kind == PartKind::kText) {
      flat.push_back(&part);
      continue;
    }
    flat.push_back(nullptr);
    Flatten(part.parts, flat);
    for (ast::TemplateArm& arm : part.arms) {
      Flatten(arm.parts, flat);
      flat.push_back(nullptr);
    }
    if (part.kind == PartKind::kFor) flat.push_back(nullptr);
  }
}

bool IsBlank(char c) {
  return c == ' ' || c == '\t';
}

void RemoveCarriageReturns(std::string& text) {
  std::string clean;
  clean.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\r' && i + 1 < text.size() && text[i + 1] == '\n') continue;
    clean += text[i];
  }
  text = std::move(clean);
}

class CommonIndentation {
 public:
  std::string Find(const std::vector<TemplatePart*>& flat) {
    for (const TemplatePart* part : flat) {
      if (part == nullptr) {
        Commit();
      } else {
        for (const char c : part->text) Take(c);
      }
    }
    return common_;
  }

 private:
  void Take(char c) {
    if (c == '\n') {
      at_start_ = true;
      indentation_.clear();
    } else if (at_start_ && IsBlank(c)) {
      indentation_ += c;
    } else {
      Commit();
    }
  }
  void Commit() {
    if (!at_start_) return;
    at_start_ = false;
    if (!found_) {
      common_ = indentation_;
      found_ = true;
      return;
    }
    size_t same = 0;
    while (same < common_.size() && same < indentation_.size() && common_[same] == indentation_[same]) ++same;
    common_.resize(same);
  }

  bool at_start_ = false;
  bool found_ = false;
  std::string indentation_;
  std::string common_;
};

void CutIndentation(const std::vector<TemplatePart*>& flat, size_t common) {
  bool at_start = false;
  for (TemplatePart* part : flat) {
    if (part == nullptr) {
      at_start = false;
      continue;
    }
    std::string out;
    const std::string& text = part->text;
    for (size_t i = 0; i < text.size();) {
      if (!at_start) {
        at_start = text[i] == '\n';
        out += text[i++];
        continue;
      }
      size_t end = i;
      while (end < text.size() && IsBlank(text[end])) ++end;
      if (end >= text.size() || text[end] != '\n')
        out.append(text, i + std::min(common, end - i), end - i - std::min(common, end - i));
      at_start = false;
      i = end;
    }
    part->text = std::move(out);
  }
}

// ---- Escapes

void AppendUtf8(std::string& out, uint32_t code) {
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += static_cast<char>(0xC0 | (code >> 6));
    out += static_cast<char>(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    out += static_cast<char>(0xE0 | (code >> 12));
    out += static_cast<char>(0x80 | ((code >> 6) & 0x3F));
    out += static_cast<char>(0x80 | (code & 0x3F));
  } else {
    out += static_cast<char>(0xF0 | (code >> 18));
    out += static_cast<char>(0x80 | ((code >> 12) & 0x3F));
    out += static_cast<char>(0x80 | ((code >> 6) & 0x3F));
    out += static_cast<char>(0x80 | (code & 0x3F));
  }
}

// `\u{…}` at text[at]: appends and returns its length, or 0.
size_t UnicodeEscape(std::string_view text, size_t at, std::string& out) {
  const size_t close = text.find('}', at);
  if (text.substr(at, 3) != "\\u{" || close == std::string_view::npos || close == at + 3 || close > at + 9) return 0;
  uint32_t code = 0;
  for (size_t i = at + 3; i < close; ++i) {
    const char c = text[i];
    if (std::isxdigit(static_cast<unsigned char>(c)) == 0) return 0;
    code = code * 16 + static_cast<uint32_t>(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
  }
  if (code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)) return 0;
  AppendUtf8(out, code);
  return close + 1 - at;
}

// Length of the escape at text[at] (a backslash), its meaning appended; 0 when it is none.
size_t Escape(std::string_view text, size_t at, std::string& out) {
  const char c = at + 1 < text.size() ? text[at + 1] : '\0';
  switch (c) {
    case 'n':
      out += '\n';
      return 2;
    case 't':
      out += '\t';
      return 2;
    case 'r':
      out += '\r';
      return 2;
    case '"':
    case '\\':
      out += c;
      return 2;
    case 'u':
      return UnicodeEscape(text, at, out);
    default:
      return 0;
  }
}

std::string PairedBraces(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    out += text[i];
    if ((text[i] == '{' || text[i] == '}') && i + 1 < text.size() && text[i + 1] == text[i]) ++i;
  }
  return out;
}

template <typename Function>
void ForEachText(std::vector<TemplatePart>& parts, const Function& function) {
  for (TemplatePart& part : parts) {
    if (part.kind == PartKind::kText) function(part);
    ForEachText(part.parts, function);
    for (ast::TemplateArm& arm : part.arms) ForEachText(arm.parts, function);
  }
}

void DropEmptyTexts(std::vector<TemplatePart>& parts) {
  std::erase_if(parts, [](const TemplatePart& part) { return part.kind == PartKind::kText && part.text.empty(); });
  for (TemplatePart& part : parts) {
    DropEmptyTexts(part.parts);
    for (ast::TemplateArm& arm : part.arms) DropEmptyTexts(arm.parts);
  }
}

}  // namespace

void StripIndentation(std::vector<TemplatePart>& parts) {
  std::vector<TemplatePart*> flat;
  Flatten(parts, flat);
  for (TemplatePart* part : flat) {
    if (part != nullptr) RemoveCarriageReturns(part->text);
  }
  const std::string common = CommonIndentation().Find(flat);
  CutIndentation(flat, common.size());
  if (!flat.empty() && flat.front() != nullptr) {
    std::string& first = flat.front()->text;
    const size_t content = first.find_first_not_of(" \t");
    if (content != std::string::npos && first[content] == '\n') first.erase(0, content + 1);
  }
  if (!flat.empty() && flat.back() != nullptr) {
    std::string& last = flat.back()->text;
    const size_t content = last.find_last_not_of(" \t");
    if (content != std::string::npos && last[content] == '\n') last.resize(content);
  }
}

std::unique_ptr<ast::Template> Builder::TemplateOf(P::TemplateLiteralContext* tree) {
  auto node = Make<ast::Template>(SpanOf(tree));
  if (tree == nullptr) return node;
  const Depth depth(*this, 1, node->span);
  if (!depth.ok()) return node;
  if (tree->RAW_OPEN() != nullptr) {
    node->quote = ast::Template::Quote::kRaw;
    TemplatePart text;
    for (Leaf* leaf : tree->RAW_TEXT()) {
      const Span span = SpanOf(leaf);
      text.span = text.text.empty() ? span : source::Cover(text.span, span);
      text.text += TextOf(span);
    }
    if (!text.text.empty()) node->parts.push_back(std::move(text));
    StripIndentation(node->parts);
    DropEmptyTexts(node->parts);
    return node;
  }
  const bool single = tree->STRING_OPEN() != nullptr;
  node->quote = single ? ast::Template::Quote::kSingle : ast::Template::Quote::kTriple;
  node->parts = PartsOf(tree->part());
  if (!single) StripIndentation(node->parts);
  ForEachText(node->parts, [&](TemplatePart& part) {
    if (!single) {
      part.text = PairedBraces(part.text);
      return;
    }
    std::string out;
    std::string_view text = part.text;
    for (size_t i = 0; i < text.size();) {
      const size_t stop = std::min(text.find('\\', i), text.size());
      out += PairedBraces(text.substr(i, stop - i));
      i = stop;
      if (i >= text.size()) break;
      const size_t length = Escape(text, i, out);
      if (length == 0) {
        const auto at = static_cast<uint32_t>(part.span.begin + i);
        Report(diag::kBadEscape, {at, at + 2}, text.substr(i, 2))
            .Help("the escapes are `\\n`, `\\t`, `\\r`, `\\\"`, `\\\\` and `\\u{…}`; `{{` and `}}` are braces");
      }
      i += length == 0 ? 1 : length;
    }
    part.text = std::move(out);
  });
  DropEmptyTexts(node->parts);
  return node;
}

std::vector<TemplatePart> Builder::PartsOf(const std::vector<P::PartContext*>& trees) {
  std::vector<TemplatePart> parts;
  for (P::PartContext* tree : trees) {
    TemplatePart part = PartOf(tree);
    if (part.kind == PartKind::kText && !parts.empty() && parts.back().kind == PartKind::kText) {
      parts.back().text += part.text;
      parts.back().span = source::Cover(parts.back().span, part.span);
    } else {
      parts.push_back(std::move(part));
    }
  }
  return parts;
}

ast::TemplateArm Builder::ArmOf(Rule* arm, P::ExprContext* condition, const std::vector<P::PartContext*>& parts) {
  ast::TemplateArm result;
  result.span = SpanOf(arm);
  if (condition != nullptr) result.condition = ExprOf(condition, result.span);
  result.parts = PartsOf(parts);
  return result;
}

TemplatePart Builder::PartOf(P::PartContext* tree) {
  TemplatePart part;
  part.span = SpanOf(tree);
  const Depth depth(*this, 1, part.span);
  if (!depth.ok()) return part;
  if (dynamic_cast<P::TextPartContext*>(tree) != nullptr) {
    part.text = TextOf(part.span);
  } else if (auto* hole = dynamic_cast<P::HolePartContext*>(tree)) {
    part.kind = PartKind::kHole;
    if (hole->expr() == nullptr && !view_.partial) {
      Report(diag::kEmptyHole, part.span).Help("write what goes here, or `{{` and `}}` for braces");
    }
    part.value = ExprOf(hole->expr(), part.span);
  } else if (auto* loop = dynamic_cast<P::ForPartContext*>(tree)) {
    part.kind = PartKind::kFor;
    part.element = BindingOf(loop->name());
    part.value = ExprOf(loop->expr(), part.span);
    part.parts = PartsOf(loop->part());
  } else if (auto* choice = dynamic_cast<P::IfPartContext*>(tree)) {
    part.kind = PartKind::kIf;
    if (auto* arm = choice->ifArm()) {
      part.arms.push_back(ArmOf(arm, arm->expr(), arm->part()));
      if (!part.arms.back().condition) part.arms.back().condition = Error(part.span);
    }
    for (auto* arm : choice->elseIfArm()) {
      part.arms.push_back(ArmOf(arm, arm->expr(), arm->part()));
      if (!part.arms.back().condition) part.arms.back().condition = Error(part.span);
    }
    if (auto* arm = choice->elseArm()) part.arms.push_back(ArmOf(arm, nullptr, arm->part()));
  } else {  // an error inside: keeps its place as a hole
    part.kind = PartKind::kHole;
    part.value = Error(part.span);
  }
  return part;
}

}  // namespace jade::parse
