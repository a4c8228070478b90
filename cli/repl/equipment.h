#pragma once
// What runs are made with: settings that the prompt can change, and the model, tools and store that follow from them.

#include <string>

#include "runtime/session/session.h"
#include "runtime/settings/settings.h"
#include "runtime/trace/store.h"

namespace jade::repl {

struct Setup {
  settings::Settings settings;
  uint64_t seed = 0;
  bool greedy = false;
  bool record = true;      // runs that make calls go to the experience store
  bool show_calls = true;  // as they finish
  std::string passes = "default";
  std::string mode = "auto";  // what executes: auto, jit or interp
};

class Equipment {
 public:
  virtual ~Equipment() = default;

  // Budgets, sampling and params, as the setup has them.
  virtual void Apply(const Setup& setup, session::RunRequest* request) = 0;

  struct Tools {
    session::Session* session = nullptr;
    trace::Store* store = nullptr;  // null: nothing is recorded
  };
  // What runs of the program that make calls need, made when first asked for and kept while the setup stays.
  virtual Result<Tools> For(const session::Program& program, const Setup& setup) = 0;
  // The setup names another model, corpus, script or store: what was made of the old one goes.
  virtual void Drop() = 0;
  // Programs before this one are not run any more.
  virtual void ForgetPrograms() = 0;

  // Modules taken in place of others, and passes.
  virtual Result<session::LoadOptions> LoadOptions(const Setup& setup) = 0;
};

}  // namespace jade::repl
