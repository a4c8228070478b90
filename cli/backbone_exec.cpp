#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "cli/backbone.h"
#include "cli/command.h"

namespace jade::cli {

#ifdef JADE_BACKBONE
Status EnterBackbone(char** arguments) {
  std::error_code ec;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", ec);
  if (ec) return Error(ErrorCode::kIo, fmt::format("cannot find this program's own folder: {}", ec.message()));
  const std::string path = (self.parent_path() / "jade-backbone").string();
  // Threads that spin while they wait starve each other on a busy machine. libgomp reads this when it is loaded.
  setenv("OMP_WAIT_POLICY", "passive", /*overwrite=*/0);
  execv(path.c_str(), arguments);
  if (errno == ENOENT) {
    return Error(
        ErrorCode::kUnavailable,
        fmt::format("`{}`, the part of JADE that runs models, is missing: build or install it beside `jade`", path));
  }
  return Error(ErrorCode::kUnavailable, fmt::format("cannot start `{}`: {}", path, std::strerror(errno)));
}
#else
Status EnterBackbone(char** /*arguments*/) {
  return Error(ErrorCode::kUnavailable, "this JADE was built without a backbone: configure with -DJADE_BACKBONE=ON");
}
#endif

Result<std::unique_ptr<engine::Engine>> LoadEngine(const settings::Backbone& /*backbone*/) {
  return Error(ErrorCode::kUnavailable, "`jade` itself runs no models");
}

std::optional<eval::EngineUse> UseOf(const engine::Engine& /*engine*/) {
  return std::nullopt;
}

Result<VectorsSummary> BuildVectors(const VectorsRequest& /*request*/, progress::Sink& /*progress*/,
                                    const std::atomic<bool>& /*cancel*/) {
  return Error(ErrorCode::kUnavailable, "`jade` itself encodes no texts");
}

std::string ModelOfVectors(const std::string& /*index*/) {
  return {};
}

Result<std::unique_ptr<retrieve::Searcher>> OpenSearcher(const SearcherRequest& /*request*/) {
  return Error(ErrorCode::kUnavailable, "`jade` itself encodes no texts");
}

std::vector<Finding> BackboneFindings() {
  return {};
}

int RunEngineBenchCommand(const EngineBenchCommand& /*command*/, const std::atomic<bool>* /*cancel*/) {
  return Fail(Error(ErrorCode::kUnavailable, "`jade` itself runs no models"));
}

int RunTrainBenchCommand(const TrainBenchCommand& /*command*/, const std::atomic<bool>* /*cancel*/) {
  return Fail(Error(ErrorCode::kUnavailable, "`jade` itself trains no models"));
}

int RunSftCommand(const SftCommand& /*command*/, const std::atomic<bool>* /*cancel*/) {
  return Fail(Error(ErrorCode::kUnavailable, "`jade` itself trains no models"));
}

int RunTrainCommand(const TrainCommand& /*command*/, const Invocation& /*invocation*/) {
  return Fail(Error(ErrorCode::kUnavailable, "`jade` itself trains no models"));
}

}  // namespace jade::cli
