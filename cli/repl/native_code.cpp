#include "cli/repl/native_code.h"

namespace jade::repl {

Result<std::string> NativeText(const ir::ModulePtr& /*module*/, ir::FunctionId /*function*/, NativeForm /*form*/) {
  return Error(ErrorCode::kUnavailable, "this build has no code generator");
}

}  // namespace jade::repl
