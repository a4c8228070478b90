#include "compiler/abi/native.h"

#include <array>
#include <cstring>
#include <vector>

namespace jade::abi {

namespace {

template <typename T>
T Load(const void* at, size_t offset) {
  T value;
  std::memcpy(&value, static_cast<const std::byte*>(at) + offset, sizeof(T));
  return value;
}

bool HoldsItems(const Value& value, const std::vector<Value>& items, size_t room) {
  const void* object = reinterpret_cast<const void*>(Load<uintptr_t>(&value, kValueBitsOffset));
  const auto begin = reinterpret_cast<uintptr_t>(items.data());
  return Load<uintptr_t>(object, kItemsBeginOffset) == begin &&
         Load<uintptr_t>(object, kItemsEndOffset) == begin + items.size() * sizeof(Value) &&
         Load<uintptr_t>(object, kItemsLimitOffset) == begin + room * sizeof(Value);
}

}  // namespace

HostFunctionInfo InfoOf(HostFunction function) {
  static constexpr std::array<HostFunctionInfo, kHostFunctionCount> kInfos = {{
#define JADE_HOST(name, symbol, signature) {symbol, signature},
#include "compiler/abi/host_functions.def"
#undef JADE_HOST
  }};
  return kInfos[static_cast<size_t>(function)];
}

bool CheckLayout() {
  const Value number = Value::Int(7);
  if (Load<uint8_t>(&number, kValueKindOffset) != static_cast<uint8_t>(ValueKind::kInt)) return false;
  if (Load<int64_t>(&number, kValueBitsOffset) != 7) return false;
  Value list = Value::List({Value::Int(1), Value::Int(2)});
  list.MutableList().reserve(5);
  const Value payload = Value::Enum(3, {Value::Int(1)});
  return HoldsItems(list, list.as_list(), list.as_list().capacity()) &&
         HoldsItems(payload, payload.as_enum_payload(), payload.as_enum_payload().capacity()) &&
         Load<uint32_t>(&payload, kValueCaseOffset) == 3;
}

}  // namespace jade::abi
