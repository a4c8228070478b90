#pragma once
// Machine code for JIR, in this process: makes an object file for a module (compiler/codegen), or takes it from the
// disk, links it with ORC and hands out its functions. No LLVM in this header.
//
// A Jit may be used from any thread. The code of a module lives as long as its ModuleCode or one of its functions is
// held; then its memory is unmapped and its symbols are gone.

#include <memory>
#include <string>
#include <vector>

#include "compiler/codegen/codegen.h"
#include "compiler/ir/module.h"
#include "compiler/result/result.h"
#include "runtime/interp/native.h"

namespace jade::jit {

struct JitOptions {
  codegen::Optimise optimise = codegen::Optimise::kFull;
  std::string cache_directory;  // of objects; empty: none are kept. Made when it is missing
  bool debugger = false;        // lines of the source, and objects announced to gdb
};

// The code of a module's own functions.
class ModuleCode {
 public:
  virtual ~ModuleCode() = default;
  // By index behind Module::first_function(); null: the function is not compiled.
  virtual interp::NativeFunctionPtr Find(uint32_t own_index) const = 0;
  virtual bool from_cache() const = 0;
  virtual size_t object_bytes() const = 0;
};
using ModuleCodePtr = std::shared_ptr<const ModuleCode>;

class Jit {
 public:
  // Fails with kUnavailable when there is no code generator for this machine.
  static Result<std::shared_ptr<Jit>> Create(const JitOptions& options);
  virtual ~Jit() = default;
  // Compiles and links all functions of a module. Milliseconds.
  virtual Result<ModuleCodePtr> Compile(const ir::Module& module) = 0;
};

}  // namespace jade::jit
