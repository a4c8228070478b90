#include "cli/repl/definitions.h"

#include <fmt/format.h>

#include <algorithm>

namespace jade::repl {
namespace {

using ast::DeclKind;

// Types and values have names of their own; a record and a nominal type stand in both, tests in neither.
bool IsType(DeclKind kind) {
  return kind == DeclKind::kAlias || kind == DeclKind::kNominal || kind == DeclKind::kRecord || kind == DeclKind::kEnum;
}
bool IsValue(DeclKind kind) {
  return kind != DeclKind::kAlias && kind != DeclKind::kEnum && kind != DeclKind::kTest;
}
bool Clash(const Definitions::Item& a, const Definitions::Item& b) {
  if (a.name != b.name) return false;
  if (a.kind == DeclKind::kTest || b.kind == DeclKind::kTest) return a.kind == b.kind;
  return (IsType(a.kind) && IsType(b.kind)) || (IsValue(a.kind) && IsValue(b.kind));
}

std::string NameOf(const ast::Decl& decl) {
  const auto* test = ast::As<ast::TestDecl>(&decl);
  if (test == nullptr || test->title == nullptr) return decl.name.text;
  return std::string(test->title->literal());
}

// From the comments above a declaration to the end of its last line's comment.
source::Span WithComments(const ast::Module& module, source::Span span, uint32_t after) {
  const std::string_view text = module.file->text();
  for (auto comment = module.comments.rbegin(); comment != module.comments.rend(); ++comment) {
    if (comment->span.end > span.begin) continue;
    if (comment->span.begin < after || !comment->own_line) break;
    span.begin = comment->span.begin;
  }
  for (const ast::Comment& comment : module.comments) {
    if (comment.span.begin < span.end || comment.own_line) continue;
    if (text.substr(span.end, comment.span.begin - span.end).find('\n') == std::string_view::npos) {
      span.end = comment.span.end;
    }
    break;
  }
  return span;
}

}  // namespace

std::string DescribeItem(const Definitions::Item& item) {
  if (item.kind == DeclKind::kTest) return fmt::format("test \"{}\"", item.name);
  return fmt::format("{} `{}`", ast::DeclKindName(item.kind), item.name);
}

void Definitions::AddUse(const source::SourceFilePtr& file, const ast::Use& use, DefinitionChange* change) {
  UseItem item{use.path.ToString(), std::string(file->Text(use.span)), file, use.span.begin};
  change->push_back(fmt::format("using `{}`", item.path));
  auto same = std::find_if(uses_.begin(), uses_.end(), [&](const UseItem& other) { return other.path == item.path; });
  if (same != uses_.end()) {
    *same = std::move(item);
  } else {
    uses_.push_back(std::move(item));
  }
}

DefinitionChange Definitions::Add(const ast::Module& module) {
  DefinitionChange change;
  for (const ast::Use& use : module.uses) AddUse(module.file, use, &change);
  uint32_t after = module.uses.empty() ? 0 : module.uses.back().span.end;
  for (const ast::DeclPtr& decl : module.decls) {
    const source::Span span = WithComments(module, decl->span, after);
    after = decl->span.end;
    Item item{decl->kind, NameOf(*decl), std::string(module.file->Text(span)), module.file, span.begin};
    const auto clashes = [&](const Item& other) { return other.origin != module.file && Clash(other, item); };
    const auto place = std::find_if(items_.begin(), items_.end(), clashes);
    if (place == items_.end()) {
      change.push_back("defined " + DescribeItem(item));
      items_.push_back(std::move(item));
      continue;
    }
    change.push_back("redefined " + DescribeItem(item));
    const auto index = place - items_.begin();
    std::erase_if(items_, clashes);
    items_.insert(items_.begin() + index, std::move(item));
  }
  Rebuild();
  return change;
}

bool Definitions::Remove(const std::string& name) {
  const size_t removed = std::erase_if(items_, [&](const Item& item) { return item.name == name; }) +
                         std::erase_if(uses_, [&](const UseItem& use) { return use.path == name; });
  if (removed > 0) Rebuild();
  return removed > 0;
}

std::vector<std::string> Definitions::Uses() const {
  std::vector<std::string> texts;
  for (const UseItem& use : uses_) texts.push_back(use.text);
  return texts;
}

void Definitions::Rebuild() {
  text_.clear();
  segments_.clear();
  const auto append = [&](const std::string& text, const source::SourceFilePtr& origin, uint32_t origin_begin) {
    const auto begin = static_cast<uint32_t>(text_.size());
    text_ += text;
    segments_.push_back({{begin, static_cast<uint32_t>(text_.size())}, origin, origin_begin});
    text_ += '\n';
  };
  for (const UseItem& use : uses_) append(use.text, use.origin, use.origin_begin);
  for (const Item& item : items_) {
    if (!text_.empty()) text_ += '\n';
    append(item.text, item.origin, item.origin_begin);
  }
}

const Definitions::Segment* Definitions::Find(uint32_t byte) const {
  const auto after = std::upper_bound(segments_.begin(), segments_.end(), byte,
                                      [](uint32_t at, const Segment& segment) { return at < segment.span.begin; });
  return after == segments_.begin() ? nullptr : &*(after - 1);
}

bool Definitions::Translate(const std::string& module, source::SourceFilePtr* file, source::Span* span) const {
  if (*file == nullptr || (*file)->name() != module) return false;
  const Segment* segment = Find(span->begin);
  if (segment == nullptr) return false;
  const uint32_t begin = std::min(span->begin, segment->span.end) - segment->span.begin + segment->origin_begin;
  const uint32_t end = std::min(span->end, segment->span.end) - segment->span.begin + segment->origin_begin;
  *file = segment->origin;
  *span = {begin, std::max(begin, end)};
  return true;
}

void Definitions::Translate(const std::string& module, diag::Diagnostic* diagnostic) const {
  const source::SourceFilePtr text = diagnostic->primary.file;
  for (diag::Edit& edit : diagnostic->fix) {
    source::SourceFilePtr file = text;
    Translate(module, &file, &edit.span);
  }
  Translate(module, &diagnostic->primary.file, &diagnostic->primary.span);
  for (diag::Note& note : diagnostic->notes) Translate(module, &note.location.file, &note.location.span);
}

}  // namespace jade::repl
