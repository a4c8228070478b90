// A constraint's id, a line end, then which of the allowed tokens is taken next. Whatever the id says: it is refused,
// or followed to its end, with something allowed at every step.
#include <cstdint>
#include <string_view>
#include <vector>

#include "compiler/result/check.h"
#include "runtime/constrain/library.h"

namespace {

std::shared_ptr<const jade::engine::Vocabulary> Vocabulary() {
  auto vocabulary = std::make_shared<jade::engine::Vocabulary>();
  for (int byte = 0; byte < 256; ++byte) vocabulary->bytes.emplace_back(1, static_cast<char>(byte));
  for (const char* token : {"", "</", ">", "let ", " a", "(question", ", ", "; ", "Document1", "\xF0\x9F", "<q1>"}) {
    vocabulary->bytes.emplace_back(token);
  }
  vocabulary->end_ids = {256};
  return vocabulary;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const auto* const kVocabulary = new auto(Vocabulary());
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const size_t line = std::min(input.find('\n'), size);
  const auto constraint = jade::constrain::FromId(input.substr(0, line));
  if (!constraint.ok()) return 0;
  const auto again = jade::constrain::ParseId((*constraint)->id());
  JADE_CHECK(again.ok() && jade::constrain::IdText(*again) == (*constraint)->id());
  const auto bound = (*constraint)->Bind(*kVocabulary);
  if (!bound.ok()) return 0;
  const auto state = (*bound)->Start(engine::kAnyLength);
  for (size_t at = line; at < size; ++at) {
    const jade::engine::TokenMask& mask = state->Allowed();
    std::vector<int32_t> allowed;
    for (int32_t id = 0; id < mask.size(); ++id) {
      if (mask.Has(id)) allowed.push_back(id);
    }
    JADE_CHECK(!allowed.empty());
    const int32_t id = allowed[data[at] % allowed.size()];
    JADE_CHECK(state->Accept(id));
    if (id == 256) break;
  }
  return 0;
}
