#pragma once
// What checking found, as text: the declarations of the file given, with the types of what they bind. For goldens and
// `jade compile --emit ast`. Pure.

#include <string>

#include "compiler/sema/plan.h"
#include "compiler/sema/typed.h"

namespace jade::sema {

std::string Print(const Program& program);

// "pipeline R,AG: Query -> Answer", then a line for each stage with where its parameters come from.
std::string Print(const Program& program, const TypedPlan& plan);

}  // namespace jade::sema
