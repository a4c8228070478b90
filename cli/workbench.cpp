#include "cli/workbench.h"

#include <xxhash.h>

#include <algorithm>
#include <filesystem>

#include "cli/backbone.h"
#include "cli/remote.h"
#include "cli/retriever.h"
#include "runtime/assets/assets.h"
#include "runtime/retrieve/index.h"
#include "runtime/session/script.h"

namespace jade::cli {
namespace {

namespace fs = std::filesystem;

constexpr char kRetriever[] = "R";  // of std.types
constexpr int kPassages = 5;
constexpr int kNanoPassages = 2;  // it loses more among near misses than it wins by a third passage (models/nano)

bool IsNano(const settings::Backbone& backbone) {
  return fs::path(backbone.model).filename() == "nano";
}

int PassagesFor(const settings::Settings& settings) {
  if (settings.retriever.top_k > 0) return static_cast<int>(settings.retriever.top_k);
  return IsNano(settings.backbone) ? kNanoPassages : kPassages;
}

ir::SamplingSpec ToSpec(const settings::Sampling& sampling) {
  ir::SamplingSpec spec;
  spec.temperature = sampling.temperature;
  spec.top_p = sampling.top_p;
  spec.top_k = sampling.top_k;
  spec.max_tokens = sampling.max_tokens;
  return spec;
}

bool IsJsonl(const std::string& path) {
  return fs::path(path).extension() == ".jsonl";
}

// Changes with the file: its place, size and time of writing.
Result<std::string> CachedIndexPath(const std::string& corpus) {
  std::error_code ec;
  const fs::path absolute = fs::canonical(corpus, ec);
  if (ec) return Error(ErrorCode::kNotFound, fmt::format("cannot read corpus `{}`: {}", corpus, ec.message()));
  const auto size = fs::file_size(absolute, ec);
  const auto written = fs::last_write_time(absolute, ec).time_since_epoch().count();
  const std::string key = fmt::format("{}\n{}\n{}\nwith corpus hash", absolute.string(), size, written);
  JADE_ASSIGN_OR_RETURN(const std::string cache, assets::CacheFolder());
  return (fs::path(cache) / "indexes" /
          fmt::format("{}-{:016x}.db", absolute.stem().string(), XXH3_64bits(key.data(), key.size())))
      .string();
}

}  // namespace

Result<settings::Settings> ReadSettings(const std::string& path, const WorkbenchOptions& options) {
  settings::Settings settings;
  if (!path.empty()) {
    JADE_ASSIGN_OR_RETURN(settings, settings::LoadSettings(path));
  }
  if (!options.model.empty()) settings.backbone.model = options.model;
  if (!options.replies.empty()) {
    settings.backbone.kind = "local";
    settings.backbone.model = settings::kScript;
    settings.backbone.replies = options.replies;
  }
  if (!options.corpus.empty()) settings.retriever.SearchHere(options.corpus);
  if (!options.store.empty()) settings.store.path = options.store;
  return settings;
}

Result<std::string> ResolveIndex(const std::string& name, progress::Sink& progress, const std::atomic<bool>& cancel) {
  std::string corpus = name;
  if (name == "atlas") {
    JADE_ASSIGN_OR_RETURN(corpus, assets::FindShipped("data/atlas/corpus.jsonl"));
  }
  if (!IsJsonl(corpus)) return corpus;
  JADE_ASSIGN_OR_RETURN(const std::string index, CachedIndexPath(corpus));
  std::error_code ec;
  if (!fs::exists(index, ec)) JADE_TRY(retrieve::BuildIndex(corpus, index, progress, cancel));
  return index;
}

Status CompleteWorkbench(const WorkbenchRequest& request, progress::Sink& progress, const std::atomic<bool>& cancel,
                         Workbench* bench) {
  const settings::Settings& settings = request.settings;
  const bool scripted = settings.backbone.is_script();
  if (scripted && bench->engine == nullptr) {
    JADE_ASSIGN_OR_RETURN(auto script, session::LoadScript(settings.backbone.replies, request.program));
    bench->engine = std::move(script.engine);
    bench->tools.push_back(std::move(script.tools));
  }
  const bool served =
      std::any_of(bench->tools.begin(), bench->tools.end(), [](const auto& tool) { return tool->Serves(kRetriever); });
  const bool needed = request.program.module()->FindCallee(kRetriever).valid() && !served;
  if (needed && settings::IsRemoteRetriever(settings.retriever.kind)) {
    JADE_ASSIGN_OR_RETURN(auto tool, MakeRemoteRetriever(settings.retriever, {kRetriever}, PassagesFor(settings)));
    bench->tools.push_back(std::move(tool));
  } else if (needed) {
    JADE_ASSIGN_OR_RETURN(auto retriever,
                          OpenRetriever(settings.retriever, kRetriever, PassagesFor(settings), progress, cancel));
    bench->tools.push_back(std::move(retriever));
  }
  if (request.record && bench->store == nullptr) {
    JADE_ASSIGN_OR_RETURN(bench->store, trace::Store::Open(settings.store.path, {.durable = settings.store.durable}));
  }
  if (bench->engine == nullptr && request.engine) {
    JADE_ASSIGN_OR_RETURN(bench->engine, settings.backbone.is_remote() ? MakeRemoteBackbone(settings.backbone)
                                                                       : LoadEngine(settings.backbone));
  }
  return {};
}

Result<Workbench> BuildWorkbench(const settings::Settings& settings, const session::Program& program, bool record,
                                 progress::Sink& progress, const std::atomic<bool>& cancel) {
  Workbench bench;
  JADE_TRY(CompleteWorkbench({settings, program, record}, progress, cancel, &bench));
  return bench;
}

std::vector<engine::ToolProvider*> Workbench::Tools() const {
  std::vector<engine::ToolProvider*> providers;
  for (const auto& tool : tools) providers.push_back(tool.get());
  return providers;
}

session::LoadOptions PromptsFor(const settings::Backbone& backbone) {
  const bool brief = backbone.prompts == "brief" || (backbone.prompts == "auto" && IsNano(backbone));
  session::LoadOptions options;
  if (brief) options.replace["std.rag"] = "std.rag_brief";
  return options;
}

void ApplySettings(const settings::Settings& settings, bool greedy, session::RunRequest* request) {
  auto roles = std::make_shared<session::RoleSettings>();
  roles->defaults = ToSpec(settings.sampling_default);
  roles->policy = settings.sampling_default.policy.value_or("");
  for (const auto& [role, sampling] : settings.sampling) {
    roles->roles[role] = ToSpec(sampling);
    if (sampling.policy) roles->policies[role] = *sampling.policy;
  }
  if (greedy) {
    const ir::Module& module = *request->program->module();
    for (uint32_t i = 0; i < module.callee_count(); ++i) {
      roles->roles[module.callee(ir::CalleeId{i}).name].temperature = 0.0;
    }
  }
  roles->constrained = settings.backbone.decode == "constrained";
  request->settings = std::move(roles);
  request->params = settings.params;
  request->budget.depth = settings.budget.depth;
  request->budget.calls = settings.budget.calls;
  request->budget.tokens = settings.budget.tokens;
  request->budget.seconds = settings.budget.seconds;
  request->normalisation =
      settings.normalise == "squad" ? builtins::Normalisation::kSquad : builtins::Normalisation::kJade;
}

}  // namespace jade::cli
