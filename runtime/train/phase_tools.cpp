#include "runtime/train/phase_tools.h"

#include <algorithm>
#include <utility>

namespace jade::train {

PhaseTools::PhaseTools(std::vector<engine::ToolProvider*> evaluation, std::vector<engine::ToolProvider*> training)
    : evaluation_(std::move(evaluation)), training_(training.empty() ? evaluation_ : std::move(training)) {}

void PhaseTools::Connect(std::shared_ptr<engine::EventQueue> queue) {
  for (ToolProvider* tool : evaluation_) tool->Connect(queue);
  for (ToolProvider* tool : training_) tool->Connect(queue);
  ToolProvider::Connect(std::move(queue));
}

bool PhaseTools::Serves(std::string_view tool) const {
  return std::ranges::any_of(asked(), [&](const ToolProvider* one) { return one->Serves(tool); });
}

Status PhaseTools::Submit(engine::ToolRequest request) {
  const auto tool = std::ranges::find_if(asked(), [&](const ToolProvider* one) { return one->Serves(request.tool); });
  if (tool == asked().end()) return Error(ErrorCode::kUnavailable, "no provider is bound to this tool");
  return (*tool)->Submit(std::move(request));
}

void PhaseTools::Cancel(uint64_t id) {
  for (ToolProvider* tool : asked()) tool->Cancel(id);
}

bool PhaseTools::Step() {
  return std::ranges::any_of(asked(), [](ToolProvider* tool) { return tool->Step(); });
}

std::string PhaseTools::Describe() const {
  std::string text;
  for (const ToolProvider* tool : asked()) text += (text.empty() ? "" : ", ") + tool->Describe();
  return text;
}

}  // namespace jade::train
