#pragma once
// The one reader of YAML. A document becomes a tree of plain nodes that remember their lines; a MapReader takes known
// keys out of a map and reports everything else: unknown keys with a suggestion, wrong types, missing keys, all with
// file and line. yaml-cpp stays behind this header. Immutable after loading: any thread may read.

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "compiler/result/result.h"

namespace jade::config {

enum class NodeKind { kNull, kScalar, kList, kMap };

struct Entry;

struct Node {
  NodeKind kind = NodeKind::kNull;
  int line = 0;                // 1-based
  std::string scalar;          // as written, without quotes
  bool quoted = false;         // "5" and '5' are text, never numbers
  std::vector<Node> items;     // of a list
  std::vector<Entry> entries;  // of a map, in file order; keys are unique

  const Node* Find(std::string_view key) const;  // nullptr when absent or not a map
};

// A key and its value. A struct of its own, since a std::pair of an incomplete Node does not compile with clang.
struct Entry {
  std::string first;
  Node second;
};

struct Document {
  std::string name;
  Node root;
  // "config.yaml:12: " in front of a message about `node`.
  Error ErrorAt(const Node& node, std::string_view message) const;
};

// Text of at most 16 MiB; duplicate keys, tabs and syntax errors come back as kInvalidArgument with file and line.
Result<Document> ParseYaml(std::string name, const std::string& text);
Result<Document> LoadYaml(const std::string& path);

// Scalars. Each fails with file, line and what was expected.
Result<std::string> AsText(const Document& document, const Node& node);
Result<int64_t> AsInt(const Document& document, const Node& node);
Result<double> AsFloat(const Document& document, const Node& node);
Result<bool> AsBool(const Document& document, const Node& node);
Result<uint64_t> AsBytes(const Document& document, const Node& node);  // 512, 64KiB, 1GiB, 2GB
Result<double> AsSeconds(const Document& document, const Node& node);  // 5, 5s, 250ms, 2m
Result<std::vector<std::string>> AsTextList(const Document& document, const Node& node);

// Reads the known keys of one map. Absent keys leave their target unchanged; problems are collected, and Finish returns
// all of them (and every unknown key) as one error. A null or absent node counts as an empty map.
class MapReader {
 public:
  // `where` names the map in messages: "backbone". `node` may be nullptr.
  MapReader(const Document& document, const Node* node, std::string where);

  MapReader& Text(std::string_view key, std::string* out);
  MapReader& Int(std::string_view key, int64_t* out, int64_t min = INT64_MIN, int64_t max = INT64_MAX);
  MapReader& Float(std::string_view key, double* out, double min, double max);
  MapReader& Bool(std::string_view key, bool* out);
  MapReader& Bytes(std::string_view key, uint64_t* out);
  MapReader& Seconds(std::string_view key, double* out);
  MapReader& TextList(std::string_view key, std::vector<std::string>* out);
  MapReader& OneOf(std::string_view key, const std::vector<std::string>& choices, std::string* out);
  // Marks the key as known and returns its node, or nullptr when absent or null.
  const Node* Child(std::string_view key);
  MapReader& Require(std::string_view key);  // reports the key when it is absent
  void Report(const Node& node, std::string_view message);
  // Takes over the problems of a nested reader's Finish.
  void Absorb(const Status& status);

  Status Finish();

 private:
  const Node* Take(std::string_view key);
  template <typename T, typename Read>
  MapReader& Scalar(std::string_view key, T* out, Read read);

  const Document& document_;
  const Node* node_;
  std::string where_;
  std::vector<std::string> known_;
  std::vector<std::string> problems_;
};

}  // namespace jade::config
