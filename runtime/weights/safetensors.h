#pragma once
// Safetensors (https://github.com/huggingface/safetensors): reading by mmap, one file or a set of shards, and atomic
// writing. Readers are immutable: any thread may use them.

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/result/result.h"
#include "runtime/weights/mapped_file.h"
#include "runtime/weights/tensor.h"

namespace jade::weights {

class SafetensorsFile {
 public:
  // Maps the file and checks its header: sizes, offsets without gap or overlap, shapes that agree with them. kCorrupt
  // names the tensor.
  static Result<SafetensorsFile> Open(const std::string& path);
  // The same over bytes in memory, which must outlive the result.
  static Result<SafetensorsFile> Parse(std::span<const std::byte> bytes, const std::string& name);

  const std::vector<TensorView>& tensors() const { return tensors_; }  // in the order of their bytes
  const TensorView* Find(std::string_view name) const;
  const std::map<std::string, std::string>& metadata() const { return metadata_; }

 private:
  SafetensorsFile() = default;
  std::shared_ptr<const MappedFile> file_;
  std::vector<TensorView> tensors_;
  std::map<std::string, size_t, std::less<>> index_;
  std::map<std::string, std::string> metadata_;
};

// The weights of a Hugging Face folder: model.safetensors, or the shards that model.safetensors.index.json names.
class SafetensorsSet {
 public:
  static Result<SafetensorsSet> OpenFolder(const std::string& folder);
  const TensorView* Find(std::string_view name) const;
  std::vector<const TensorView*> tensors() const;

 private:
  std::vector<SafetensorsFile> files_;
};

// One tensor to be written. `fill` is called once, in order, and must write exactly the tensor's bytes; so a model need
// not be copied whole to be saved.
struct TensorToWrite {
  std::string name;
  TensorType type = TensorType::kF32;
  std::vector<int64_t> shape;
  std::function<void(std::span<std::byte>)> fill;
};

// Writes to a temporary file beside `path`, syncs it, and renames it over: a crash or a full disk leaves the old file.
// kIo says how many bytes were needed.
Status WriteSafetensors(const std::string& path, std::span<const TensorToWrite> tensors,
                        const std::map<std::string, std::string>& metadata = {});

}  // namespace jade::weights
