#pragma once
// Tools of a team that searches one corpus in training and another when it is evaluated. Between the two no call is
// under way. One thread.

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/engine/engine.h"

namespace jade::train {

enum class Phase { kTraining, kEvaluation };

class PhaseTools final : public engine::ToolProvider {
 public:
  // All outlive it. Empty `training`: those of evaluation.
  PhaseTools(std::vector<engine::ToolProvider*> evaluation, std::vector<engine::ToolProvider*> training);

  void Enter(Phase phase) { phase_ = phase; }

  void Connect(std::shared_ptr<engine::EventQueue> queue) override;
  bool Serves(std::string_view tool) const override;
  Status Submit(engine::ToolRequest request) override;
  void Cancel(uint64_t id) override;
  bool Step() override;
  std::string Describe() const override;

 private:
  const std::vector<engine::ToolProvider*>& asked() const {
    return phase_ == Phase::kTraining ? training_ : evaluation_;
  }
  std::vector<engine::ToolProvider*> evaluation_, training_;
  Phase phase_ = Phase::kTraining;
};

}  // namespace jade::train
