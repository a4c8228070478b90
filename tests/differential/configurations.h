#pragma once
// The ways in which one program is run. Whatever they change, the outcome stays the same.
//
// Another tier is another line of the table.

#include <map>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "runtime/engine/scripted.h"
#include "runtime/schedule/run.h"
#include "runtime/session/program.h"
#include "tests/differential/outcome.h"
#include "tests/differential/program.h"

namespace jade::differential {

// A generated program, loaded.
struct Subject {
  const GeneratedProgram* generated = nullptr;
  session::ProgramPtr program;  // with all passes
  session::ProgramPtr plain;    // as lowered, plans too
  ir::ModulePtr reread;         // of `program`, printed and read again
};

// In hot code, modules are compiled in the background while their runs go on, each entered in what there is.
enum class Tier : uint8_t { kInterpreter, kPlainCode, kOptimisedCode, kHotCode };

struct Configuration {
  std::string_view name;
  session::ProgramPtr Subject::*program = &Subject::program;
  engine::ScriptOptions::Order order = engine::ScriptOptions::Order::kDelay;
  uint64_t shuffle = 0;
  int copies = 1;       // runs under way at once in one scheduler
  bool reread = false;  // the module that was printed and read again
  Tier tier = Tier::kInterpreter;
};

// The first is the reference.
std::span<const Configuration> Configurations();

// The compilers of the tiers, each made when it is first asked for.
class CodeSources {
 public:
  // False when this build has no compiled tiers.
  static bool Available();
  // Null for the interpreter. What it compiles, it compiles at the first entry, hot code aside.
  interp::CodeSource* Of(Tier tier);

 private:
  std::map<Tier, std::unique_ptr<interp::CodeSource>> sources_;
};

// One outcome for each copy.
std::vector<Outcome> RunIn(const Configuration& configuration, const Subject& subject, CodeSources& code);

}  // namespace jade::differential
