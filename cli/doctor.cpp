// jade doctor: what is here, and what is wrong with it.

#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <thread>
#include <vector>

#include "cli/backbone.h"
#include "cli/command.h"
#include "cli/native_text.h"
#include "cli/remote.h"
#include "cli/terminal.h"
#include "cli/workbench.h"
#include "runtime/assets/assets.h"
#include "runtime/retrieve/index.h"
#include "runtime/trace/store.h"

namespace jade::cli {
namespace {

Finding Shipped(const std::string& name, const std::string& path) {
  const auto found = assets::FindShipped(path);
  if (found.ok()) return {name, *found, ""};
  return {name, "missing", found.error().ToString()};
}

Finding Cache() {
  const auto folder = assets::CacheFolder();
  if (!folder.ok()) return {"cache", "none", folder.error().ToString()};
  std::error_code ec;
  std::filesystem::create_directories(*folder, ec);
  if (ec || access(folder->c_str(), W_OK) != 0) {
    return {"cache", *folder,
            "not writable: models and indexes cannot be kept; set XDG_CACHE_HOME to a writable folder"};
  }
  uintmax_t bytes = 0;
  for (auto it = std::filesystem::recursive_directory_iterator(*folder, ec); !ec && it != end(it); it.increment(ec)) {
    if (it->is_regular_file(ec)) bytes += it->file_size(ec);
  }
  const auto space = std::filesystem::space(*folder, ec);
  std::string remedy;
  if (!ec && space.available < 1'000'000'000U) remedy = "less than 1 GB free: large models will not fit";
  return {"cache",
          fmt::format("{} ({}, {} free)", *folder, HumanBytes(static_cast<double>(bytes)),
                      HumanBytes(static_cast<double>(space.available))),
          remedy};
}

Finding Store() {
  const std::string path = ".jade/experience.db";
  if (!std::filesystem::exists(path)) return {"store", "none here yet", ""};
  const auto reader = trace::StoreReader::Open(path);
  if (!reader.ok()) return {"store", path, reader.error().ToString()};
  return {"store", path, ""};
}

// The weights that a file names for a local backbone: whether they are here.
std::vector<Finding> PolicyFindings(const settings::Backbone& backbone) {
  std::vector<Finding> findings;
  if (backbone.is_remote() || backbone.is_script()) return findings;
  for (const auto& [name, model] : backbone.policies) {
    const auto found = assets::FindModel(model);
    findings.push_back({"policy " + name, found.ok() ? *found : model, found.ok() ? "" : found.error().ToString()});
  }
  return findings;
}

std::vector<Finding> Examine(const Status& backbone) {
  std::vector<Finding> findings{{"jade", JADE_VERSION, ""},
                                {"processors", std::to_string(std::thread::hardware_concurrency()), ""},
                                {"compiled code", CompilerDescription(),
                                 HasCompiledCode() ? "" : "programs are interpreted: configure with -DJADE_JIT=ON"}};
  if (backbone.ok()) {
    for (Finding& finding : BackboneFindings()) findings.push_back(std::move(finding));
  } else {
    findings.push_back({"libtorch", "none", backbone.error().message()});
  }
  for (const char* name : {"OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"}) {
    if (const char* value = std::getenv(name); value != nullptr) {
      findings.push_back({name, value, "unset it: OpenBLAS then chooses the kernels for this processor"});
    }
  }
  findings.push_back(Shipped("model nano", "models/nano/config.json"));
  findings.push_back(Shipped("corpus atlas", "data/atlas/corpus.jsonl"));
  findings.push_back(Cache());
  findings.push_back(Store());
  return findings;
}

int Doctor(const std::string& config, bool as_json, char** arguments) {
  settings::Settings settings;
  if (!config.empty()) {
    auto read = ReadSettings(config, {});
    if (!read.ok()) return Fail(read.error());
    settings = std::move(*read);
  }
  std::vector<Finding> findings = Examine(EnterBackbone(arguments));
  for (Finding& finding : PolicyFindings(settings.backbone)) findings.push_back(std::move(finding));
  for (Finding& finding : RemoteFindings(settings)) findings.push_back(std::move(finding));
  if (as_json) {
    nlohmann::json list = nlohmann::json::array();
    for (const auto& f : findings) list.push_back({{"name", f.name}, {"value", f.value}, {"remedy", f.remedy}});
    fmt::print("{}\n", list.dump());
    return kFine;
  }
  const Style style = Style::For(stdout);
  for (const auto& f : findings) {
    fmt::print("{}{}{} {:18} {}\n", f.remedy.empty() ? style.green : style.yellow, f.remedy.empty() ? "✓" : "!",
               style.reset, f.name, f.value);
    if (!f.remedy.empty()) fmt::print("  {:18} {}{}{}\n", "", style.yellow, f.remedy, style.reset);
  }
  return kFine;
}

}  // namespace

void AddDoctorCommand(CLI::App& app, Invocation& invocation) {
  CLI::App* doctor =
      app.add_subcommand("doctor", "Report versions, devices, threads, caches and what is wrong with them");
  doctor->footer("Examples:\n  jade doctor\n  jade doctor --json\n  jade doctor --config remote.yaml");
  auto as_json = std::make_shared<bool>(false);
  doctor->add_flag("--json", *as_json, "print a JSON array of {name, value, remedy}");
  auto config = std::make_shared<std::string>();
  doctor->add_option("--config", *config, "also looks for the policies and asks the servers that this YAML file names");
  doctor->callback([config, as_json, &invocation] {
    invocation.action = [config, as_json, &invocation] { return Doctor(*config, *as_json, invocation.arguments); };
  });
}

}  // namespace jade::cli
