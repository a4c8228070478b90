#pragma once
// The text of a prompt in as few segments as there are: neighbouring static texts become one, holes with a constant are
// static text, branches that are known are taken. After the fold pass, which finds the constants.

#include "compiler/ir/module.h"

namespace jade::passes {

// Of a template, others come back as they are. New texts go to `module`, whose function it is.
ir::Function Segments(ir::Module& module, const ir::Function& function);

}  // namespace jade::passes
