#include "runtime/call/output.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

namespace jade::call {

namespace {

using abi::Value;
using types::TypeId;
using types::TypeKind;
using types::TypeTable;

bool IsSpace(char c) {
  return c == ' ' || c == '\n' || c == '\t' || c == '\r' || c == '\f' || c == '\v';
}

std::string_view Trim(std::string_view text) {
  while (!text.empty() && IsSpace(text.front())) text.remove_prefix(1);
  while (!text.empty() && IsSpace(text.back())) text.remove_suffix(1);
  return text;
}

ParsedOutput Malformed(std::string reason) {
  return {OutputStatus::kMalformed, {}, std::move(reason)};
}
ParsedOutput Fine(Value value) {
  return {OutputStatus::kOk, std::move(value), ""};
}

std::optional<Value> ReadNumber(std::string_view text, TypeId type) {
  if (text.starts_with('+')) return std::nullopt;
  if (type == TypeTable::Int()) {
    int64_t number = 0;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return Value::Int(number);
  }
  if (text.empty() || text.find_first_not_of("0123456789.eE+-") != std::string_view::npos) return std::nullopt;
  double number = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return Value::Float(number);
}

// What stands between the tags, read as a value of `type`: texts as they are, numbers, `true` and `false`, the name of
// a case without payload, `none` or nothing for an optional.
std::optional<Value> ReadScalar(std::string_view text, TypeId type, const TypeTable& types) {
  text = Trim(text);
  if (types.IsOptional(type)) {
    if (text.empty() || text == "none") return Value::None();
    type = types.ElementOf(type);
  }
  type = types.BaseOf(type);
  switch (types.kind(type)) {
    case TypeKind::kText:
      return Value::Text(std::string(text));
    case TypeKind::kInt:
    case TypeKind::kFloat:
      return ReadNumber(text, type);
    case TypeKind::kBool:
      if (text == "true") return Value::Bool(true);
      if (text == "false") return Value::Bool(false);
      return std::nullopt;
    case TypeKind::kEnum: {
      const int index = types.CaseIndex(type, text);
      if (index < 0 || !types[type].cases[static_cast<size_t>(index)].payload.empty()) return std::nullopt;
      return Value::Enum(static_cast<uint32_t>(index));
    }
    default:
      return std::nullopt;
  }
}

ParsedOutput ReadValue(std::string_view text, TypeId type, const TypeTable& types) {
  std::optional<Value> value = ReadScalar(text, type, types);
  if (!value) return Malformed(fmt::format("not a value of type {}", types.Name(type)));
  return Fine(std::move(*value));
}

struct Tagged {
  std::string_view inside;
  std::string problem;  // empty: fine
};

// The text of <tag>…</tag> when it is all there is.
Tagged Inside(std::string_view reply, std::string_view tag) {
  const std::string open = fmt::format("<{}>", tag);
  const std::string close = fmt::format("</{}>", tag);
  std::string_view text = Trim(reply);
  if (!text.starts_with(open)) return {{}, fmt::format("no `{}` at the start", open)};
  text.remove_prefix(open.size());
  if (!text.ends_with(close)) return {{}, fmt::format("no `{}` at the end", close)};
  text.remove_suffix(close.size());
  if (text.find(open) != std::string_view::npos || text.find(close) != std::string_view::npos) {
    return {{}, fmt::format("more than one `{}`", open)};
  }
  return {text, ""};
}

// True when <tagN> or </tagN> occurs, for any number.
bool HasNumberedTag(std::string_view text, std::string_view tag) {
  for (size_t at = text.find('<'); at != std::string_view::npos; at = text.find('<', at + 1)) {
    std::string_view rest = text.substr(at + 1);
    if (rest.starts_with('/')) rest.remove_prefix(1);
    if (!rest.starts_with(tag)) continue;
    rest.remove_prefix(tag.size());
    const size_t digits = std::min(rest.find_first_not_of("0123456789"), rest.size());
    if (digits > 0 && rest.substr(digits).starts_with('>')) return true;
  }
  return false;
}

ParsedOutput ParseNumbered(const ir::OutputFormat& format, std::string_view reply, const TypeTable& types) {
  std::string_view text = Trim(reply);
  std::vector<Value> items;
  while (!text.empty()) {
    const std::string open = fmt::format("<{}{}>", format.tag, items.size() + 1);
    const std::string close = fmt::format("</{}{}>", format.tag, items.size() + 1);
    if (items.size() == kMaxNumbered) return Malformed(fmt::format("more than {} numbered tags", kMaxNumbered));
    if (!text.starts_with(open)) return Malformed(fmt::format("expected `{}`", open));
    const size_t end = text.find(close);
    if (end == std::string_view::npos) return Malformed(fmt::format("no `{}`", close));
    const std::string_view inside = text.substr(open.size(), end - open.size());
    if (HasNumberedTag(inside, format.tag)) return Malformed(fmt::format("a tag inside `{}`", open));
    ParsedOutput item = ReadValue(inside, format.type, types);
    if (item.status != OutputStatus::kOk) return item;
    items.push_back(std::move(item.value));
    text = Trim(text.substr(end + close.size()));
  }
  if (items.empty()) return Malformed(fmt::format("expected `<{}1>`", format.tag));
  const size_t count = items.size();
  ParsedOutput output = Fine(Value::List(std::move(items)));
  if (format.max != 0 && count > format.max) {
    output.status = OutputStatus::kInvalid;
    output.reason = fmt::format("{} of at most {}", count, format.max);
  }
  return output;
}

// The number of "Document12", written without superfluous zeros.
std::optional<uint64_t> DocumentIndex(std::string_view id) {
  constexpr std::string_view kPrefix = "Document";
  if (!id.starts_with(kPrefix)) return std::nullopt;
  id.remove_prefix(kPrefix.size());
  if (id.empty() || id.size() > 9 || id.find_first_not_of("0123456789") != std::string_view::npos) return std::nullopt;
  if (id.size() > 1 && id.front() == '0') return std::nullopt;
  uint64_t index = 0;
  std::from_chars(id.data(), id.data() + id.size(), index);
  return index;
}

ParsedOutput ParseSubset(std::string_view inside, const std::vector<Value>& subject) {
  std::vector<Value> chosen;
  std::vector<bool> seen(subject.size(), false);
  std::string problem;
  std::string_view rest = Trim(inside);
  while (!rest.empty()) {
    const size_t comma = std::min(rest.find(','), rest.size());
    const std::string_view id = Trim(rest.substr(0, comma));
    const std::optional<uint64_t> index = DocumentIndex(id);
    if (!index) return Malformed("expected ids like `Document0`, separated by commas");
    if (*index >= subject.size()) {
      problem = fmt::format("there is no `{}`", id);
    } else if (seen[*index]) {
      problem = fmt::format("`{}` is repeated", id);
    } else {
      seen[*index] = true;
      chosen.push_back(subject[*index]);
    }
    if (comma == rest.size()) break;
    rest = Trim(rest.substr(comma + 1));
    if (rest.empty()) return Malformed("nothing after the last comma");
  }
  return {problem.empty() ? OutputStatus::kOk : OutputStatus::kInvalid, Value::List(std::move(chosen)), problem};
}

ParsedOutput ParseAlternatives(const ir::OutputFormat& format, std::string_view reply, const TypeTable& types) {
  for (const ir::Alternative& alternative : format.alternatives) {
    if (!Trim(reply).starts_with(fmt::format("<{}>", alternative.tag))) continue;
    const Tagged tagged = Inside(reply, alternative.tag);
    if (!tagged.problem.empty()) return Malformed(tagged.problem);
    if (types.kind(alternative.type) == TypeKind::kNever) {
      if (!Trim(tagged.inside).empty()) return Malformed(fmt::format("`<{}>` holds nothing", alternative.tag));
      return Fine(Value::Enum(alternative.case_index));
    }
    ParsedOutput payload = ReadValue(tagged.inside, alternative.type, types);
    if (payload.status == OutputStatus::kOk) {
      payload.value = Value::Enum(alternative.case_index, {std::move(payload.value)});
    }
    return payload;
  }
  std::string wanted;
  for (const ir::Alternative& alternative : format.alternatives) {
    wanted += fmt::format("{}`<{}>`", wanted.empty() ? "" : " or ", alternative.tag);
  }
  return Malformed("expected " + wanted);
}

}  // namespace

ParsedOutput ParseOutput(const ir::OutputFormat& format, std::string_view reply, const TypeTable& types,
                         const std::vector<Value>* subject) {
  if (reply.size() > kMaxReplyBytes) return Malformed("the reply is too long");
  if (format.kind == ir::FormatKind::kText) return ReadValue(reply, format.type, types);
  if (format.kind == ir::FormatKind::kNumbered) return ParseNumbered(format, reply, types);
  if (format.kind == ir::FormatKind::kAlternatives) return ParseAlternatives(format, reply, types);
  if (format.kind == ir::FormatKind::kPlan && format.tag.empty()) return Fine(Value::Text(std::string(Trim(reply))));

  const Tagged tagged = Inside(reply, format.tag);
  if (!tagged.problem.empty()) return Malformed(tagged.problem);
  if (format.kind == ir::FormatKind::kPlan) return Fine(Value::Text(std::string(Trim(tagged.inside))));
  if (format.kind == ir::FormatKind::kSubset) {
    static const std::vector<Value> kNothing;
    return ParseSubset(tagged.inside, subject != nullptr ? *subject : kNothing);
  }
  return ReadValue(tagged.inside, format.type, types);
}

}  // namespace jade::call
