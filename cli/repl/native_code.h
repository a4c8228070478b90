#pragma once
// A function of the program as the code generator leaves it.

#include <string>

#include "compiler/ir/module.h"

namespace jade::repl {

enum class NativeForm : uint8_t { kLlvm, kAssembly };

// Fails with kUnavailable in a build without a code generator.
Result<std::string> NativeText(const ir::ModulePtr& module, ir::FunctionId function, NativeForm form);

}  // namespace jade::repl
