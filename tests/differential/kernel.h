#pragma once
// Functions of JIR that make no calls, generated from a seed: scalars, texts, lists, optionals, branches, folds, maps
// and repeats, fed with the values at the edges of their types. What the passes make of one, what is read back of it,
// and what it gives when its arguments are constants, is what the interpreter gives.

#include <optional>
#include <string>
#include <vector>

#include "compiler/abi/value.h"
#include "compiler/ir/module.h"
#include "tests/differential/random.h"

namespace jade::differential {

class CodeSources;

struct Kernel {
  std::shared_ptr<ir::Module> module;
  ir::FunctionId function;
  std::vector<types::TypeId> parameters;
};

// With `constants`, one for each parameter, the same function of them, without parameters.
Kernel GenerateKernel(uint64_t seed, const std::vector<abi::Value>* constants = nullptr);
abi::Value RandomArgument(types::TypeId type, const types::TypeTable& types, Random& random);

// What went wrong, with the kernel's text.
std::optional<std::string> CheckKernel(uint64_t seed, CodeSources& code, bool tiers);

}  // namespace jade::differential
