#pragma once
// Values of a type as texts from outside: JSON for inputs and tools, plain text for what a model writes.

#include <string>

#include "tests/differential/random.h"
#include "tests/differential/type_pool.h"

namespace jade::differential {

std::string JsonValue(const Type& type, Random& random);
// As `-i NAME=…` takes it: texts plain, everything else JSON.
std::string InputText(const Type& type, Random& random);
// Between the tags of a reply.
std::string ReplyText(const Type& type, Random& random);

}  // namespace jade::differential
