#include "cli/repl/workbench_equipment.h"

#include "cli/tier.h"

namespace jade::repl {

void WorkbenchEquipment::Apply(const Setup& setup, session::RunRequest* request) {
  cli::ApplySettings(setup.settings, setup.greedy, request);
  auto code = codes_.find(setup.mode);
  if (code == codes_.end()) {
    auto made = cli::MakeCode({.mode = setup.mode, .expose = {}});
    code = codes_.emplace(setup.mode, made.ok() ? std::move(*made) : nullptr).first;
  }
  request->code = code->second.get();
  // A param whose declaration was dropped keeps its value for when it comes back.
  const ir::Module& module = *request->program->module();
  std::erase_if(request->params, [&](const auto& param) { return module.FindParam(param.first) < 0; });
}

Result<Equipment::Tools> WorkbenchEquipment::For(const session::Program& program, const Setup& setup) {
  if (bench_.engine == nullptr && !setup.settings.backbone.is_script()) {
    if (!models_.ok()) return models_.error();
  }
  const size_t tools = bench_.tools.size();
  JADE_TRY(cli::CompleteWorkbench({setup.settings, program, setup.record}, bar_, cancel_, &bench_));
  if (session_ == nullptr || bench_.tools.size() != tools) {
    session_.reset();
    session_ = std::make_unique<session::Session>(bench_.engine.get(), bench_.Tools());
  }
  return Tools{session_.get(), setup.record ? bench_.store.get() : nullptr};
}

void WorkbenchEquipment::Drop() {
  session_.reset();
  bench_ = {};
}

void WorkbenchEquipment::ForgetPrograms() {
  if (session_ != nullptr) session_->ForgetPrograms();
}

Result<session::LoadOptions> WorkbenchEquipment::LoadOptions(const Setup& setup) {
  session::LoadOptions options = cli::PromptsFor(setup.settings.backbone);
  auto known = passes_.find(setup.passes);
  if (known == passes_.end()) {
    JADE_ASSIGN_OR_RETURN(passes::PassList list, passes::ParsePasses(setup.passes));
    known = passes_.emplace(setup.passes, std::move(list)).first;
  }
  options.passes = &known->second;
  return options;
}

}  // namespace jade::repl
