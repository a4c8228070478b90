#include "runtime/config/yaml.h"

#include <yaml-cpp/depthguard.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <set>

#include "compiler/source/source.h"
#include "compiler/source/suggest.h"

namespace jade::config {
namespace {

constexpr uint64_t kMaxBytes = 16ULL << 20U;
constexpr int kMaxDepth = 64;

Error At(const std::string& name, int line, std::string_view message) {
  return Error(ErrorCode::kInvalidArgument, fmt::format("{}:{}: {}", name, line, message));
}

Status Convert(const std::string& name, const YAML::Node& from, int depth, Node* to) {
  to->line = from.Mark().line + 1;
  if (depth > kMaxDepth) return At(name, to->line, fmt::format("nested deeper than {} levels", kMaxDepth));
  switch (from.Type()) {
    case YAML::NodeType::Undefined:
    case YAML::NodeType::Null:
      to->kind = NodeKind::kNull;
      return {};
    case YAML::NodeType::Scalar:
      to->kind = NodeKind::kScalar;
      to->scalar = from.Scalar();
      to->quoted = from.Tag() == "!";
      return {};
    case YAML::NodeType::Sequence:
      to->kind = NodeKind::kList;
      to->items.reserve(from.size());
      for (const auto& item : from) JADE_TRY(Convert(name, item, depth + 1, &to->items.emplace_back()));
      return {};
    case YAML::NodeType::Map:
      break;
  }
  to->kind = NodeKind::kMap;
  std::set<std::string> seen;
  for (const auto& entry : from) {
    const int line = entry.first.Mark().line + 1;
    if (!entry.first.IsScalar()) return At(name, line, "a key must be a word");
    if (!seen.insert(entry.first.Scalar()).second) {
      return At(name, line, fmt::format("key `{}` stands here twice", entry.first.Scalar()));
    }
    auto& [key, value] = to->entries.emplace_back(Entry{entry.first.Scalar(), {}});
    JADE_TRY(Convert(name, entry.second, depth + 1, &value));
    value.line = std::max(value.line, line);
  }
  return {};
}

template <typename T>
bool ParseWhole(std::string_view text, T* out) {
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), *out);
  return code == std::errc() && end == text.data() + text.size();
}

// Splits "64KiB" into 64 and "KiB".
bool SplitUnit(std::string_view text, double* number, std::string_view* unit) {
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), *number);
  if (code != std::errc() || !std::isfinite(*number) || *number < 0) return false;
  *unit = text.substr(static_cast<size_t>(end - text.data()));
  while (!unit->empty() && unit->front() == ' ') unit->remove_prefix(1);
  return true;
}

std::string Found(const Node& node) {
  switch (node.kind) {
    case NodeKind::kNull:
      return "nothing";
    case NodeKind::kScalar:
      return fmt::format("`{}`", node.scalar.substr(0, 60));
    case NodeKind::kList:
      return "a list";
    case NodeKind::kMap:
      return "a map";
  }
  return "nothing";
}

Error Expected(const Document& document, const Node& node, std::string_view what) {
  return document.ErrorAt(node, fmt::format("expected {}, found {}", what, Found(node)));
}

}  // namespace

const Node* Node::Find(std::string_view key) const {
  for (const auto& [name, value] : entries) {
    if (name == key) return &value;
  }
  return nullptr;
}

Error Document::ErrorAt(const Node& node, std::string_view message) const {
  return At(name, node.line, message);
}

Result<Document> ParseYaml(std::string name, const std::string& text) {
  if (text.size() > kMaxBytes) return At(name, 1, "larger than 16 MiB");
  if (const size_t bad = source::FirstInvalidUtf8(text); bad != std::string::npos) {
    const auto line = 1 + std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(bad), '\n');
    return At(name, static_cast<int>(line), "not valid UTF-8");
  }
  Document document{std::move(name), {}};
  try {
    const YAML::Node root = YAML::Load(text);
    JADE_TRY(Convert(document.name, root, 0, &document.root));
  } catch (const YAML::DeepRecursion& error) {
    return At(document.name, error.mark.line + 1, fmt::format("nested deeper than {} levels", kMaxDepth));
  } catch (const YAML::Exception& error) {
    return At(document.name, error.mark.line + 1, error.msg);
  }
  return document;
}

Result<Document> LoadYaml(const std::string& path) {
  JADE_ASSIGN_OR_RETURN(const std::string text, source::ReadFile(path, kMaxBytes));
  return ParseYaml(path, text);
}

Result<std::string> AsText(const Document& document, const Node& node) {
  if (node.kind != NodeKind::kScalar) return Expected(document, node, "text");
  return node.scalar;
}

Result<int64_t> AsInt(const Document& document, const Node& node) {
  int64_t value = 0;
  if (node.kind == NodeKind::kScalar && !node.quoted) {
    std::string digits;
    std::copy_if(node.scalar.begin(), node.scalar.end(), std::back_inserter(digits), [](char c) { return c != '_'; });
    if (ParseWhole(digits, &value)) return value;
  }
  return Expected(document, node, "a whole number");
}

Result<double> AsFloat(const Document& document, const Node& node) {
  double value = 0;
  if (node.kind == NodeKind::kScalar && !node.quoted && ParseWhole(node.scalar, &value) && std::isfinite(value)) {
    return value;
  }
  return Expected(document, node, "a number");
}

Result<bool> AsBool(const Document& document, const Node& node) {
  if (node.kind == NodeKind::kScalar && !node.quoted) {
    if (node.scalar == "true") return true;
    if (node.scalar == "false") return false;
  }
  return Expected(document, node, "`true` or `false`");
}

Result<uint64_t> AsBytes(const Document& document, const Node& node) {
  static constexpr std::pair<std::string_view, double> kUnits[] = {
      {"", 1},     {"B", 1},    {"KiB", 1024.0}, {"MiB", 1048576.0}, {"GiB", 1073741824.0}, {"TiB", 1099511627776.0},
      {"KB", 1e3}, {"MB", 1e6}, {"GB", 1e9},     {"TB", 1e12}};
  double number = 0;
  std::string_view unit;
  if (node.kind == NodeKind::kScalar && SplitUnit(node.scalar, &number, &unit)) {
    for (const auto& [name, factor] : kUnits) {
      if (unit == name && number * factor < 9e18) return static_cast<uint64_t>(number * factor);
    }
  }
  return Expected(document, node, "a size such as `512MiB` or `1GiB`");
}

Result<double> AsSeconds(const Document& document, const Node& node) {
  static constexpr std::pair<std::string_view, double> kUnits[] = {{"", 1},      {"s", 1},  {"ms", 1e-3},
                                                                   {"us", 1e-6}, {"m", 60}, {"h", 3600}};
  double number = 0;
  std::string_view unit;
  if (node.kind == NodeKind::kScalar && SplitUnit(node.scalar, &number, &unit)) {
    for (const auto& [name, factor] : kUnits) {
      if (unit == name) return number * factor;
    }
  }
  return Expected(document, node, "a duration such as `5s` or `250ms`");
}

Result<std::vector<std::string>> AsTextList(const Document& document, const Node& node) {
  if (node.kind != NodeKind::kList) return Expected(document, node, "a list");
  std::vector<std::string> texts;
  for (const Node& item : node.items) {
    JADE_ASSIGN_OR_RETURN(std::string text, AsText(document, item));
    texts.push_back(std::move(text));
  }
  return texts;
}

MapReader::MapReader(const Document& document, const Node* node, std::string where)
    : document_(document), node_(node), where_(std::move(where)) {
  if (node_ != nullptr && node_->kind == NodeKind::kNull) node_ = nullptr;
  if (node_ != nullptr && node_->kind != NodeKind::kMap) {
    Report(*node_, fmt::format("`{}` must be a map, found {}", where_, Found(*node_)));
    node_ = nullptr;
  }
}

const Node* MapReader::Take(std::string_view key) {
  known_.emplace_back(key);
  return node_ == nullptr ? nullptr : node_->Find(key);
}

const Node* MapReader::Child(std::string_view key) {
  const Node* node = Take(key);
  return node == nullptr || node->kind == NodeKind::kNull ? nullptr : node;
}

template <typename T, typename Read>
MapReader& MapReader::Scalar(std::string_view key, T* out, Read read) {
  const Node* node = Take(key);
  if (node == nullptr) return *this;
  auto result = read(document_, *node);
  if (result.ok()) {
    *out = std::move(result).value();
  } else {
    problems_.push_back(fmt::format("{} (key `{}`)", result.error().message(), key));
  }
  return *this;
}

MapReader& MapReader::Text(std::string_view key, std::string* out) {
  return Scalar(key, out, AsText);
}
MapReader& MapReader::Bool(std::string_view key, bool* out) {
  return Scalar(key, out, AsBool);
}
MapReader& MapReader::Bytes(std::string_view key, uint64_t* out) {
  return Scalar(key, out, AsBytes);
}
MapReader& MapReader::Seconds(std::string_view key, double* out) {
  return Scalar(key, out, AsSeconds);
}
MapReader& MapReader::TextList(std::string_view key, std::vector<std::string>* out) {
  return Scalar(key, out, AsTextList);
}

MapReader& MapReader::Int(std::string_view key, int64_t* out, int64_t min, int64_t max) {
  return Scalar(key, out, [min, max](const Document& document, const Node& node) -> Result<int64_t> {
    Result<int64_t> value = AsInt(document, node);
    if (value.ok() && (*value < min || *value > max)) {
      return document.ErrorAt(node, fmt::format("{} is outside {} … {}", *value, min, max));
    }
    return value;
  });
}

MapReader& MapReader::Float(std::string_view key, double* out, double min, double max) {
  return Scalar(key, out, [min, max](const Document& document, const Node& node) -> Result<double> {
    Result<double> value = AsFloat(document, node);
    if (value.ok() && (*value < min || *value > max)) {
      return document.ErrorAt(node, fmt::format("{} is outside {} … {}", *value, min, max));
    }
    return value;
  });
}

MapReader& MapReader::OneOf(std::string_view key, const std::vector<std::string>& choices, std::string* out) {
  return Scalar(key, out, [&choices](const Document& document, const Node& node) -> Result<std::string> {
    Result<std::string> value = AsText(document, node);
    if (value.ok() && std::find(choices.begin(), choices.end(), *value) == choices.end()) {
      return document.ErrorAt(node, fmt::format("`{}` is not one of {}{}", *value, fmt::join(choices, ", "),
                                                source::DidYouMean(*value, choices)));
    }
    return value;
  });
}

MapReader& MapReader::Require(std::string_view key) {
  if (node_ == nullptr || node_->Find(key) == nullptr) {
    const Node here = node_ == nullptr ? Node{.line = 1} : *node_;
    Report(here, fmt::format("`{}` needs a key `{}`", where_, key));
  }
  return *this;
}

void MapReader::Report(const Node& node, std::string_view message) {
  problems_.push_back(document_.ErrorAt(node, message).message());
}

void MapReader::Absorb(const Status& status) {
  if (!status.ok()) problems_.push_back(status.error().ToString());
}

Status MapReader::Finish() {
  if (node_ != nullptr) {
    for (const auto& [key, value] : node_->entries) {
      if (std::find(known_.begin(), known_.end(), key) != known_.end()) continue;
      Report(value, fmt::format("unknown key `{}` in `{}`{}", key, where_, source::DidYouMean(key, known_)));
    }
  }
  if (problems_.empty()) return {};
  return Error(ErrorCode::kInvalidArgument, fmt::format("{}", fmt::join(problems_, "\n")));
}

}  // namespace jade::config
