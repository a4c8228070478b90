// config.json: whatever is accepted has bounded sizes, and writing it and reading it back changes nothing.

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "runtime/weights/model_config.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace jade::weights;
  const auto config = ModelConfigFromJson({reinterpret_cast<const char*>(data), size}, "fuzz");
  if (!config.ok()) return 0;
  (void)RopeInverseFrequencies(*config);
  const auto again = ModelConfigFromJson(ModelConfigJson(*config, "float32"), "again");
  if (!again.ok() || !(*again == *config)) std::abort();
  return 0;
}
