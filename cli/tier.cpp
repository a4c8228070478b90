#include "cli/tier.h"

#ifdef JADE_HAS_JIT
#include "runtime/assets/assets.h"
#include "runtime/jit/tiers.h"
#endif

namespace jade::cli {

void AddTierOptions(CLI::App& command, TierChoice* choice) {
  command
      .add_option("--mode", choice->mode,
                  "how to execute: interpreted, as compiled code (jit), or compiled in the background once it is hot")
      ->check(CLI::IsMember({"auto", "jit", "interp"}))
      ->capture_default_str();
  command
      .add_option("--expose", choice->expose,
                  "with --mode jit: show compiled code, with its lines, to a debugger or to `perf inject --jit`")
      ->check(CLI::IsMember({"gdb", "perf"}));
}

Result<std::unique_ptr<interp::CodeSource>> MakeCode(const TierChoice& choice) {
  if (choice.mode == "interp" && !choice.expose.empty()) {
    return Error(ErrorCode::kInvalidArgument, "--expose shows compiled code, and --mode interp makes none");
  }
  if (choice.mode == "interp") return std::unique_ptr<interp::CodeSource>();
#ifdef JADE_HAS_JIT
  jit::JitOptions options;
  if (const Result<std::string> cache = assets::CacheFolder(); cache.ok())
    options.cache_directory = *cache + "/objects";
  options.debugger = choice.expose == "gdb";
  options.profiler = choice.expose == "perf";
  auto jit = jit::Jit::Create(options);
  if (!jit.ok()) return jit.error();
  return std::unique_ptr<interp::CodeSource>(
      std::make_unique<jit::Tiers>(*jit, jit::TierOptions{.at_once = choice.mode == "jit"}));
#else
  if (choice.mode == "jit") {
    return Error(ErrorCode::kUnsupported,
                 "this build has no compiled code: configure with -DJADE_JIT=ON, or use --mode interp");
  }
  return std::unique_ptr<interp::CodeSource>();
#endif
}

}  // namespace jade::cli
