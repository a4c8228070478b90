// Reads arbitrary replies under every output format. Whatever is accepted must keep the format's promises.

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "runtime/call/output.h"

using jade::abi::Value;
using jade::ir::FormatKind;
using jade::types::TypeTable;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const TypeTable* const kTypes = new TypeTable();
  static const std::vector<Value>* const kDocs = new std::vector<Value>{Value::Int(0), Value::Int(1), Value::Int(2)};
  if (size == 0) return 0;
  jade::ir::OutputFormat format;
  format.kind = static_cast<FormatKind>(data[0] % 6);
  format.tag = (data[0] & 0x40) != 0 ? "q" : "id";
  const jade::types::TypeId scalars[] = {TypeTable::Text(), TypeTable::Int(), TypeTable::Float(), TypeTable::Bool()};
  format.type = scalars[data[0] / 6 % 4];
  format.max = 3;
  format.alternatives = {{"a", 0, TypeTable::Text()}, {"b", 1, TypeTable::Never()}, {"q", 2, TypeTable::Int()}};
  const std::string_view reply(reinterpret_cast<const char*>(data + 1), size - 1);
  const jade::call::ParsedOutput output = jade::call::ParseOutput(format, reply, *kTypes, kDocs);
  if (output.status == jade::call::OutputStatus::kMalformed) {
    if (output.reason.empty()) abort();
    return 0;
  }
  if (format.kind == FormatKind::kSubset) {
    std::vector<Value> chosen = output.value.as_list();
    if (chosen.size() > kDocs->size()) abort();
    for (size_t i = 0; i < chosen.size(); ++i) {
      for (size_t j = 0; j < i; ++j) {
        if (chosen[i] == chosen[j]) abort();
      }
    }
  }
  if (format.kind == FormatKind::kNumbered) {
    const size_t count = output.value.as_list().size();
    if (count == 0 || count > jade::call::kMaxNumbered) abort();
    if ((output.status == jade::call::OutputStatus::kOk) != (count <= format.max)) abort();
  }
  jade::abi::DisplayText(output.value);
  return 0;
}
