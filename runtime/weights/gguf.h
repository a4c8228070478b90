#pragma once
// GGUF version 2 and 3 (https://github.com/ggml-org/ggml/blob/master/docs/gguf.md), read by mmap. Immutable: any
// thread.

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "compiler/result/result.h"
#include "runtime/tokenizer/tokenizer.h"
#include "runtime/weights/mapped_file.h"
#include "runtime/weights/tensor.h"

namespace jade::weights {

// Integers of every width widen to int64 (uint64 above its range is rejected as corrupt), floats to double.
using GgufValue = std::variant<int64_t, double, bool, std::string, std::vector<int64_t>, std::vector<double>,
                               std::vector<bool>, std::vector<std::string>>;

class GgufFile {
 public:
  // kCorrupt names what is wrong and the byte it stands at; kUnsupported names a tensor type we cannot read.
  static Result<GgufFile> Open(const std::string& path);
  // The same over bytes in memory, which must outlive the result.
  static Result<GgufFile> Parse(std::span<const std::byte> bytes, const std::string& name);

  const std::map<std::string, GgufValue, std::less<>>& metadata() const { return metadata_; }
  template <typename T>
  const T* Get(std::string_view key) const {  // null when absent or of another type
    auto it = metadata_.find(key);
    return it == metadata_.end() ? nullptr : std::get_if<T>(&it->second);
  }

  const std::vector<TensorView>& tensors() const { return tensors_; }
  const TensorView* Find(std::string_view name) const;
  const std::string& name() const { return name_; }

 private:
  GgufFile() = default;
  std::string name_;
  std::shared_ptr<const MappedFile> file_;
  std::map<std::string, GgufValue, std::less<>> metadata_;
  std::vector<TensorView> tensors_;
  std::map<std::string, size_t, std::less<>> index_;
  friend class GgufParser;
};

// The tokenizer inside a GGUF (`tokenizer.ggml.*`). kUnsupported when it is not a byte-level BPE that we know.
Result<tokenizer::TokenizerSpec> TokenizerSpecFromGguf(const GgufFile& file);

}  // namespace jade::weights
