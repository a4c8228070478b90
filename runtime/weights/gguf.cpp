#include "runtime/weights/gguf.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>

namespace jade::weights {
namespace {

constexpr uint64_t kMaxTensors = 1 << 20;
constexpr uint64_t kMaxKeys = 1 << 16;
constexpr uint64_t kMaxRank = 4;

enum class ValueType : uint32_t { kU8, kI8, kU16, kI16, kU32, kI32, kF32, kBool, kString, kArray, kU64, kI64, kF64 };

std::optional<TensorType> TypeOfGgml(uint32_t type) {
  switch (type) {
    case 0:
      return TensorType::kF32;
    case 1:
      return TensorType::kF16;
    case 2:
      return TensorType::kQ4_0;
    case 3:
      return TensorType::kQ4_1;
    case 8:
      return TensorType::kQ8_0;
    case 12:
      return TensorType::kQ4_K;
    case 14:
      return TensorType::kQ6_K;
    case 24:
      return TensorType::kI8;
    case 25:
      return TensorType::kI16;
    case 26:
      return TensorType::kI32;
    case 27:
      return TensorType::kI64;
    case 28:
      return TensorType::kF64;
    case 30:
      return TensorType::kBF16;
    default:
      return std::nullopt;
  }
}

}  // namespace

// Reads front to back; every length is checked against what is left before anything is allocated for it.
class GgufParser {
 public:
  GgufParser(std::span<const std::byte> bytes, GgufFile* file) : bytes_(bytes), file_(*file) {}

  Status Parse() {
    JADE_TRY(ReadHeader());
    for (uint64_t i = 0; i < key_count_; ++i) JADE_TRY(ReadKeyValue());
    std::vector<uint64_t> offsets;
    for (uint64_t i = 0; i < tensor_count_; ++i) {
      JADE_ASSIGN_OR_RETURN(const uint64_t offset, ReadTensorInfo());
      offsets.push_back(offset);
    }
    return PlaceTensors(offsets);
  }

 private:
  Error Corrupt(std::string message) const {
    return Error(ErrorCode::kCorrupt, fmt::format("byte {}: {}", position_, message));
  }

  template <typename T>
  Result<T> Read() {
    static_assert(std::endian::native == std::endian::little, "GGUF files are little-endian");
    if (bytes_.size() - position_ < sizeof(T)) return Corrupt("the file ends here: it is truncated; fetch it again");
    T value;
    std::memcpy(&value, bytes_.data() + position_, sizeof(T));
    position_ += sizeof(T);
    return value;
  }

  Result<std::string> ReadString() {
    JADE_ASSIGN_OR_RETURN(const uint64_t length, Read<uint64_t>());
    if (length > bytes_.size() - position_) {
      return Corrupt(fmt::format("a text claims {} bytes, but {} are left", length, bytes_.size() - position_));
    }
    std::string text(reinterpret_cast<const char*>(bytes_.data()) + position_, length);
    position_ += length;
    return text;
  }

  Status ReadHeader() {
    if (bytes_.size() < 4 || std::memcmp(bytes_.data(), "GGUF", 4) != 0) return Corrupt("not a GGUF file");
    position_ = 4;
    JADE_ASSIGN_OR_RETURN(const uint32_t version, Read<uint32_t>());
    if (version != 2 && version != 3) {
      return Error(ErrorCode::kUnsupported, fmt::format("GGUF version {} is not read (2 and 3 are)", version));
    }
    JADE_ASSIGN_OR_RETURN(tensor_count_, Read<uint64_t>());
    JADE_ASSIGN_OR_RETURN(key_count_, Read<uint64_t>());
    if (tensor_count_ > kMaxTensors) {
      return Corrupt(fmt::format("the header claims {} tensors; at most {} are accepted", tensor_count_, kMaxTensors));
    }
    if (key_count_ > kMaxKeys) {
      return Corrupt(fmt::format("the header claims {} metadata keys; at most {} are accepted", key_count_, kMaxKeys));
    }
    return {};
  }

  Status ReadKeyValue() {
    JADE_ASSIGN_OR_RETURN(std::string key, ReadString());
    JADE_ASSIGN_OR_RETURN(const uint32_t type, Read<uint32_t>());
    auto value = type == static_cast<uint32_t>(ValueType::kArray) ? ReadArray() : ReadScalar(type);
    if (!value.ok()) return std::move(value).error().Wrap(fmt::format("metadata `{}`", key.substr(0, 100)));
    if (!file_.metadata_.emplace(std::move(key), std::move(value).value()).second) return Corrupt("a key occurs twice");
    return {};
  }

  template <typename Stored, typename Wide>
  Result<GgufValue> ReadNumber() {
    JADE_ASSIGN_OR_RETURN(const Stored value, Read<Stored>());
    return GgufValue(static_cast<Wide>(value));
  }

  Result<GgufValue> ReadUnsigned64() {
    JADE_ASSIGN_OR_RETURN(const uint64_t value, Read<uint64_t>());
    if (value > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) {
      return Corrupt(fmt::format("the number {} is out of range", value));
    }
    return GgufValue(static_cast<int64_t>(value));
  }

  Result<GgufValue> ReadScalar(uint32_t type) {
    switch (static_cast<ValueType>(type)) {
      case ValueType::kU8:
        return ReadNumber<uint8_t, int64_t>();
      case ValueType::kI8:
        return ReadNumber<int8_t, int64_t>();
      case ValueType::kU16:
        return ReadNumber<uint16_t, int64_t>();
      case ValueType::kI16:
        return ReadNumber<int16_t, int64_t>();
      case ValueType::kU32:
        return ReadNumber<uint32_t, int64_t>();
      case ValueType::kI32:
        return ReadNumber<int32_t, int64_t>();
      case ValueType::kI64:
        return ReadNumber<int64_t, int64_t>();
      case ValueType::kU64:
        return ReadUnsigned64();
      case ValueType::kF32:
        return ReadNumber<float, double>();
      case ValueType::kF64:
        return ReadNumber<double, double>();
      case ValueType::kBool: {
        JADE_ASSIGN_OR_RETURN(const uint8_t value, Read<uint8_t>());
        return GgufValue(value != 0);
      }
      case ValueType::kString: {
        JADE_ASSIGN_OR_RETURN(std::string text, ReadString());
        return GgufValue(std::move(text));
      }
      default:
        return Corrupt(fmt::format("a value has the unknown type {}", type));
    }
  }

  template <typename T>
  Result<GgufValue> ReadElements(uint32_t type, uint64_t count) {
    std::vector<T> elements;
    for (uint64_t i = 0; i < count; ++i) {
      JADE_ASSIGN_OR_RETURN(GgufValue element, ReadScalar(type));
      elements.push_back(std::get<T>(std::move(element)));
    }
    return GgufValue(std::move(elements));
  }

  Result<GgufValue> ReadArray() {
    JADE_ASSIGN_OR_RETURN(const uint32_t type, Read<uint32_t>());
    JADE_ASSIGN_OR_RETURN(const uint64_t count, Read<uint64_t>());
    if (count > bytes_.size() - position_) {
      return Corrupt(fmt::format("a list claims {} elements, but {} bytes are left", count, bytes_.size() - position_));
    }
    switch (static_cast<ValueType>(type)) {
      case ValueType::kString:
        return ReadElements<std::string>(type, count);
      case ValueType::kBool:
        return ReadElements<bool>(type, count);
      case ValueType::kF32:
      case ValueType::kF64:
        return ReadElements<double>(type, count);
      case ValueType::kArray:
        return Error(ErrorCode::kUnsupported, fmt::format("byte {}: lists of lists are not read", position_));
      default:
        return ReadElements<int64_t>(type, count);
    }
  }

  // Appends the tensor without its data and returns its offset.
  Result<uint64_t> ReadTensorInfo() {
    TensorView tensor;
    JADE_ASSIGN_OR_RETURN(tensor.name, ReadString());
    JADE_ASSIGN_OR_RETURN(const uint32_t rank, Read<uint32_t>());
    if (rank > kMaxRank) return Corrupt(fmt::format("tensor `{}` has {} dimensions", tensor.name.substr(0, 100), rank));
    uint64_t elements = 1;
    for (uint32_t i = 0; i < rank; ++i) {
      JADE_ASSIGN_OR_RETURN(const uint64_t size, Read<uint64_t>());
      if (size > (uint64_t{1} << 48) || __builtin_mul_overflow(elements, size, &elements) ||
          elements > (uint64_t{1} << 48)) {
        return Corrupt(fmt::format("tensor `{}` has an impossible shape", tensor.name.substr(0, 100)));
      }
      tensor.shape.push_back(static_cast<int64_t>(size));
    }
    std::reverse(tensor.shape.begin(), tensor.shape.end());  // GGUF lists the innermost dimension first
    JADE_ASSIGN_OR_RETURN(const uint32_t ggml_type, Read<uint32_t>());
    const auto type = TypeOfGgml(ggml_type);
    if (!type) {
      return Error(ErrorCode::kUnsupported,
                   fmt::format("tensor `{}` has ggml type {}; F32, F16, BF16, Q8_0, Q4_0, Q4_1, Q4_K and Q6_K are read",
                               tensor.name.substr(0, 100), ggml_type));
    }
    tensor.type = *type;
    JADE_ASSIGN_OR_RETURN(const uint64_t offset, Read<uint64_t>());
    file_.tensors_.push_back(std::move(tensor));
    return offset;
  }

  Status PlaceTensors(const std::vector<uint64_t>& offsets) {
    const auto* configured = file_.Get<int64_t>("general.alignment");
    const int64_t alignment = configured != nullptr ? *configured : 32;
    if (alignment <= 0 || alignment > (1 << 20) || !std::has_single_bit(static_cast<uint64_t>(alignment))) {
      return Corrupt(fmt::format("`general.alignment` is {}", alignment));
    }
    const auto step = static_cast<uint64_t>(alignment);
    const uint64_t start = (position_ + step - 1) / step * step;
    for (size_t i = 0; i < offsets.size(); ++i) {
      TensorView& tensor = file_.tensors_[i];
      const int64_t row = tensor.shape.empty() ? 1 : tensor.shape.back();
      if (row % BlockElements(tensor.type) != 0) {
        return Corrupt(fmt::format("tensor `{}` has rows of {} weights, which are not whole blocks of {}", tensor.name,
                                   row, TensorTypeName(tensor.type)));
      }
      const uint64_t size = static_cast<uint64_t>(tensor.elements() / BlockElements(tensor.type)) *
                            static_cast<uint64_t>(BlockBytes(tensor.type));
      const uint64_t available = start <= bytes_.size() ? bytes_.size() - start : 0;
      if (offsets[i] % step != 0 || offsets[i] > available || size > available - offsets[i]) {
        return Corrupt(
            fmt::format("tensor `{}` should have {} bytes at {} of the data, but the file has only {}: it is "
                        "truncated or damaged; fetch it again",
                        tensor.name, size, offsets[i], available));
      }
      if (size > 0) tensor.data = bytes_.subspan(start + offsets[i], size);
      if (!file_.index_.emplace(tensor.name, i).second) {
        return Corrupt(fmt::format("tensor `{}` occurs twice", tensor.name.substr(0, 100)));
      }
    }
    return {};
  }

  std::span<const std::byte> bytes_;
  GgufFile& file_;
  size_t position_ = 0;
  uint64_t tensor_count_ = 0;
  uint64_t key_count_ = 0;
};

Result<GgufFile> GgufFile::Parse(std::span<const std::byte> bytes, const std::string& name) {
  GgufFile file;
  file.name_ = name;
  if (auto status = GgufParser(bytes, &file).Parse(); !status.ok()) {
    return std::move(status).error().Wrap(fmt::format("reading `{}`", name));
  }
  return file;
}

Result<GgufFile> GgufFile::Open(const std::string& path) {
  JADE_ASSIGN_OR_RETURN(auto mapped, MappedFile::Open(path));
  JADE_ASSIGN_OR_RETURN(GgufFile file, Parse(mapped->bytes(), path));
  file.file_ = std::move(mapped);
  return file;
}

const TensorView* GgufFile::Find(std::string_view name) const {
  const auto it = index_.find(name);
  return it == index_.end() ? nullptr : &tensors_[it->second];
}

}  // namespace jade::weights
