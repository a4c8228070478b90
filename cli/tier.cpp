#include "cli/tier.h"

#ifdef JADE_HAS_JIT
#include "runtime/assets/assets.h"
#include "runtime/jit/tiers.h"
#endif

namespace jade::cli {

void AddModeOption(CLI::App& command, std::string* mode) {
  command
      .add_option("--mode", *mode,
                  "how to execute: interpreted, as compiled code (jit), or compiled in the background once it is hot")
      ->check(CLI::IsMember({"auto", "jit", "interp"}))
      ->capture_default_str();
}

Result<std::unique_ptr<interp::CodeSource>> MakeCode(const std::string& mode) {
  if (mode == "interp") return std::unique_ptr<interp::CodeSource>();
#ifdef JADE_HAS_JIT
  jit::JitOptions options;
  if (const Result<std::string> cache = assets::CacheFolder(); cache.ok())
    options.cache_directory = *cache + "/objects";
  auto jit = jit::Jit::Create(options);
  if (!jit.ok()) return jit.error();
  return std::unique_ptr<interp::CodeSource>(
      std::make_unique<jit::Tiers>(*jit, jit::TierOptions{.at_once = mode == "jit"}));
#else
  if (mode == "jit") {
    return Error(ErrorCode::kUnsupported,
                 "this build has no compiled code: configure with -DJADE_JIT=ON, or use --mode interp");
  }
  return std::unique_ptr<interp::CodeSource>();
#endif
}

}  // namespace jade::cli
