#pragma once
// The values that a prompt has given names, and what becomes of them when the program changes. One thread.

#include <map>
#include <string>
#include <vector>

#include "compiler/abi/value.h"
#include "compiler/sema/snippet.h"
#include "runtime/session/program.h"

namespace jade::repl {

struct KeptValue {
  abi::Value value;
  types::TypeId type;
};

class KeptValues {
 public:
  void Keep(const std::string& name, abi::Value value, types::TypeId type);
  bool Remove(const std::string& name) { return values_.erase(name) > 0; }
  const KeptValue* Find(const std::string& name) const;
  const std::map<std::string, KeptValue>& all() const { return values_; }
  std::vector<sema::Given> Given() const;

  // The same values for another program. A value stays when its type means there what it means here; a plan is made
  // anew from its text. Gives the names of the others, with the reason, and forgets them.
  std::vector<std::string> Carry(const session::Program& from, const session::ProgramPtr& to);

 private:
  std::map<std::string, KeptValue> values_;
};

}  // namespace jade::repl
