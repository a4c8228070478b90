#pragma once
// The prompt's equipment as the other commands make theirs (cli/workbench.h), kept from run to run.

#include <atomic>
#include <map>
#include <memory>
#include <string>

#include "cli/repl/equipment.h"
#include "cli/terminal.h"
#include "cli/workbench.h"

namespace jade::repl {

class WorkbenchEquipment final : public Equipment {
 public:
  // `models` says why this process runs no models, or is fine.
  WorkbenchEquipment(Status models, const std::atomic<bool>& cancel) : models_(std::move(models)), cancel_(cancel) {}

  void Apply(const Setup& setup, session::RunRequest* request) override;
  Result<Tools> For(const session::Program& program, const Setup& setup) override;
  void Drop() override;
  void ForgetPrograms() override;
  Result<session::LoadOptions> LoadOptions(const Setup& setup) override;

 private:
  Status models_;
  const std::atomic<bool>& cancel_;
  cli::ProgressBar bar_;
  std::map<std::string, passes::PassList> passes_;                    // by their text; programs point to them
  std::map<std::string, std::unique_ptr<interp::CodeSource>> codes_;  // by mode; null: interpreted
  cli::Workbench bench_;
  std::unique_ptr<session::Session> session_;  // on the bench's engine and tools
};

}  // namespace jade::repl
