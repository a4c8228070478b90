#include "runtime/weights/safetensors.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "compiler/source/source.h"

namespace jade::weights {
namespace {

using Json = nlohmann::json;

constexpr uint64_t kMaxHeaderBytes = 100'000'000;  // the reference implementation's limit
constexpr size_t kMaxRank = 8;

Error Corrupt(std::string message) {
  return Error(ErrorCode::kCorrupt, std::move(message));
}

std::optional<TensorType> TypeByName(std::string_view name) {
  for (TensorType type : {TensorType::kF32, TensorType::kF16, TensorType::kBF16, TensorType::kF64, TensorType::kI8,
                          TensorType::kI16, TensorType::kI32, TensorType::kI64, TensorType::kU8, TensorType::kBool}) {
    if (TensorTypeName(type) == name) return type;
  }
  return std::nullopt;
}

const Json* Field(const Json& json, const char* name) {
  const auto it = json.find(name);
  return it == json.end() ? nullptr : &*it;
}

// Bytes of a tensor of this shape; nothing when a size is not a number in range or the product overflows.
std::optional<uint64_t> ReadShape(const Json& sizes, TensorType type, std::vector<int64_t>* shape) {
  if (!sizes.is_array() || sizes.size() > kMaxRank) return std::nullopt;
  auto bytes = static_cast<uint64_t>(BlockBytes(type));
  for (const Json& size : sizes) {
    if (!size.is_number_unsigned()) return std::nullopt;
    const auto value = size.get<uint64_t>();
    if (value > (uint64_t{1} << 48) || __builtin_mul_overflow(bytes, value, &bytes)) return std::nullopt;
    shape->push_back(static_cast<int64_t>(value));
  }
  return bytes;
}

// `data` is what follows the header.
Result<TensorView> ReadTensor(const std::string& name, const Json& entry, std::span<const std::byte> data) {
  const Json* type_name = entry.is_object() ? Field(entry, "dtype") : nullptr;
  const Json* shape = entry.is_object() ? Field(entry, "shape") : nullptr;
  const Json* offsets = entry.is_object() ? Field(entry, "data_offsets") : nullptr;
  if (type_name == nullptr || !type_name->is_string() || shape == nullptr || offsets == nullptr ||
      !offsets->is_array() || offsets->size() != 2 || !(*offsets)[0].is_number_unsigned() ||
      !(*offsets)[1].is_number_unsigned()) {
    return Corrupt(fmt::format("tensor `{}` lacks dtype, shape or data_offsets", name));
  }
  const auto type = TypeByName(type_name->get_ref<const std::string&>());
  if (!type) {
    return Error(ErrorCode::kUnsupported,
                 fmt::format("tensor `{}` has the type `{}`, which is not read", name, type_name->get<std::string>()));
  }
  TensorView tensor{name, *type, {}, {}};
  const auto bytes = ReadShape(*shape, *type, &tensor.shape);
  if (!bytes) return Corrupt(fmt::format("tensor `{}` has an impossible shape", name));
  const auto begin = (*offsets)[0].get<uint64_t>();
  const auto end = (*offsets)[1].get<uint64_t>();
  if (begin > end || end > data.size()) {
    return Corrupt(
        fmt::format("tensor `{}` should lie at bytes {} to {} of the data, but the file has only {}: it is "
                    "truncated or damaged; fetch it again",
                    name, begin, end, data.size()));
  }
  if (end - begin != *bytes) {
    return Corrupt(fmt::format("tensor `{}` of shape {} and type {} needs {} bytes, but has {}", name,
                               ShapeText(tensor.shape), TensorTypeName(*type), *bytes, end - begin));
  }
  tensor.data = data.subspan(begin, end - begin);
  return tensor;
}

// As the format demands: the tensors cover the data without gap or overlap.
Status CheckCoverage(const std::vector<TensorView>& tensors, std::span<const std::byte> data) {
  const std::byte* next = data.data();
  for (const TensorView& tensor : tensors) {
    if (tensor.data.data() != next) {
      return Corrupt(fmt::format("tensor `{}` leaves a gap before it or overlaps its neighbour", tensor.name));
    }
    next += tensor.data.size();
  }
  if (next != data.data() + data.size()) {
    return Corrupt(fmt::format("{} bytes at the end belong to no tensor", data.data() + data.size() - next));
  }
  return {};
}

Status ReadMetadata(const Json& entry, std::map<std::string, std::string>* metadata) {
  if (!entry.is_object()) return Corrupt("`__metadata__` is not an object");
  for (const auto& [key, value] : entry.items()) {
    if (!value.is_string()) return Corrupt(fmt::format("`__metadata__` has a `{}` that is not text", key));
    metadata->emplace(key, value.get<std::string>());
  }
  return {};
}

Result<Json> ReadHeader(std::span<const std::byte> bytes, uint64_t* header_bytes) {
  if (bytes.size() < 8) return Corrupt(fmt::format("{} bytes are too few for a safetensors file", bytes.size()));
  uint64_t length = 0;
  for (size_t i = 0; i < 8; ++i) length |= static_cast<uint64_t>(bytes[i]) << (8 * i);
  if (length > kMaxHeaderBytes) {
    return Corrupt(
        fmt::format("the header claims {} bytes (at most {}): not a safetensors file", length, kMaxHeaderBytes));
  }
  if (length > bytes.size() - 8) {
    return Corrupt(fmt::format("the header has {} bytes, but the file ends after {}: it is truncated; fetch it again",
                               length, bytes.size() - 8));
  }
  *header_bytes = length;
  const auto* text = reinterpret_cast<const char*>(bytes.data()) + 8;
  Json header = Json::parse(text, text + length, nullptr, /*allow_exceptions=*/false);
  if (!header.is_object()) return Corrupt("the header is not a JSON object");
  return header;
}

}  // namespace

Result<SafetensorsFile> SafetensorsFile::Parse(std::span<const std::byte> bytes, const std::string& name) {
  SafetensorsFile file;
  const auto read = [&]() -> Status {
    uint64_t header_bytes = 0;
    JADE_ASSIGN_OR_RETURN(const Json header, ReadHeader(bytes, &header_bytes));
    const auto data = bytes.subspan(8 + header_bytes);
    for (const auto& [key, entry] : header.items()) {
      if (key == "__metadata__") {
        JADE_TRY(ReadMetadata(entry, &file.metadata_));
        continue;
      }
      JADE_ASSIGN_OR_RETURN(TensorView tensor, ReadTensor(key, entry, data));
      file.tensors_.push_back(std::move(tensor));
    }
    std::stable_sort(file.tensors_.begin(), file.tensors_.end(), [](const TensorView& a, const TensorView& b) {
      return a.data.data() != b.data.data() ? a.data.data() < b.data.data() : a.data.size() < b.data.size();
    });
    return CheckCoverage(file.tensors_, data);
  };
  if (auto status = read(); !status.ok()) return std::move(status).error().Wrap(fmt::format("reading `{}`", name));
  for (size_t i = 0; i < file.tensors_.size(); ++i) file.index_.emplace(file.tensors_[i].name, i);
  return file;
}

Result<SafetensorsFile> SafetensorsFile::Open(const std::string& path) {
  JADE_ASSIGN_OR_RETURN(auto mapped, MappedFile::Open(path));
  JADE_ASSIGN_OR_RETURN(SafetensorsFile file, Parse(mapped->bytes(), path));
  file.file_ = std::move(mapped);
  return file;
}

const TensorView* SafetensorsFile::Find(std::string_view name) const {
  const auto it = index_.find(name);
  return it == index_.end() ? nullptr : &tensors_[it->second];
}

namespace {

// The shards that an index names: {"weight_map": {tensor: file}}.
Result<std::set<std::string>> ReadShardNames(const std::string& path) {
  JADE_ASSIGN_OR_RETURN(const std::string text, source::ReadFile(path, kMaxHeaderBytes));
  const Json index = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  const Json* map = index.is_object() ? Field(index, "weight_map") : nullptr;
  if (map == nullptr || !map->is_object()) return Corrupt("no `weight_map`").Wrap(fmt::format("reading `{}`", path));
  std::set<std::string> shards;
  for (const auto& [tensor, shard] : map->items()) {
    const std::string name = shard.is_string() ? shard.get<std::string>() : "";
    if (name.empty() || name.find('/') != std::string::npos) {
      return Corrupt(fmt::format("`weight_map` places `{}` in a file outside the folder", tensor))
          .Wrap(fmt::format("reading `{}`", path));
    }
    shards.insert(name);
  }
  return shards;
}

}  // namespace

Result<SafetensorsSet> SafetensorsSet::OpenFolder(const std::string& folder) {
  const std::filesystem::path base(folder);
  SafetensorsSet set;
  std::set<std::string> names = {"model.safetensors"};
  std::error_code ignored;
  if (const auto index = base / "model.safetensors.index.json";
      !std::filesystem::exists(base / "model.safetensors", ignored) && std::filesystem::exists(index, ignored)) {
    JADE_ASSIGN_OR_RETURN(names, ReadShardNames(index.string()));
  }
  for (const std::string& name : names) {
    JADE_ASSIGN_OR_RETURN(SafetensorsFile file, SafetensorsFile::Open((base / name).string()));
    set.files_.push_back(std::move(file));
  }
  return set;
}

const TensorView* SafetensorsSet::Find(std::string_view name) const {
  for (const SafetensorsFile& file : files_) {
    if (const TensorView* tensor = file.Find(name)) return tensor;
  }
  return nullptr;
}

std::vector<const TensorView*> SafetensorsSet::tensors() const {
  std::vector<const TensorView*> all;
  for (const SafetensorsFile& file : files_) {
    for (const TensorView& tensor : file.tensors()) all.push_back(&tensor);
  }
  return all;
}

}  // namespace jade::weights
