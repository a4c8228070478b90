#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "runtime/files/atomic_file.h"
#include "runtime/weights/safetensors.h"

namespace jade::weights {
namespace {

uint64_t ByteSize(const TensorToWrite& tensor) {
  auto elements = uint64_t{1};
  for (int64_t size : tensor.shape) elements *= static_cast<uint64_t>(size);
  return elements * static_cast<uint64_t>(BlockBytes(tensor.type));
}

// Length, then JSON padded with spaces so that the data begin at a multiple of eight.
std::string Header(std::span<const TensorToWrite> tensors, const std::map<std::string, std::string>& metadata) {
  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  if (!metadata.empty()) header["__metadata__"] = metadata;
  uint64_t offset = 0;
  for (const TensorToWrite& tensor : tensors) {
    const uint64_t end = offset + ByteSize(tensor);
    header[tensor.name] = {
        {"dtype", TensorTypeName(tensor.type)}, {"shape", tensor.shape}, {"data_offsets", {offset, end}}};
    offset = end;
  }
  std::string text = header.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
  text.resize((text.size() + 7) / 8 * 8, ' ');
  std::string bytes;
  for (int i = 0; i < 8; ++i) bytes.push_back(static_cast<char>((text.size() >> (8 * i)) & 0xFF));
  return bytes + text;
}

}  // namespace

Status WriteSafetensors(const std::string& path, std::span<const TensorToWrite> tensors,
                        const std::map<std::string, std::string>& metadata) {
  const std::string header = Header(tensors, metadata);
  uint64_t total = header.size();
  for (const TensorToWrite& tensor : tensors) {
    if (BlockElements(tensor.type) != 1) {
      return Error(ErrorCode::kUnsupported,
                   fmt::format("safetensors cannot hold `{}` as {}", tensor.name, TensorTypeName(tensor.type)));
    }
    total += ByteSize(tensor);
  }
  JADE_ASSIGN_OR_RETURN(files::AtomicFile file, files::AtomicFile::Create(path, total));
  JADE_TRY(file.Write(header));
  std::vector<std::byte> buffer;
  for (const TensorToWrite& tensor : tensors) {
    buffer.resize(ByteSize(tensor));
    tensor.fill(buffer);
    JADE_TRY(file.Write(buffer));
  }
  return file.Commit();
}

}  // namespace jade::weights
