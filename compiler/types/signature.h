#pragma once
// What a call needs to know of a callable: executors, tools, planners, workflows, rewards, constructors and builtins
// alike. Plain values.

#include <string>
#include <vector>

#include "compiler/types/type_table.h"

namespace jade::types {

struct Parameter {
  std::string name;
  TypeId type;
  bool has_default = false;
  bool from_input = false;  // in a pipeline bound to the pipeline's own input

  // A pipeline leaves it out when the context has nothing for it.
  bool optional() const { return has_default; }
};

struct Signature {
  std::vector<Parameter> parameters;
  TypeId result;

  // The one required parameter when there is exactly one: such a callable can stand where a Plan is expected.
  const Parameter* SoleRequired() const {
    const Parameter* sole = nullptr;
    for (const Parameter& parameter : parameters) {
      if (parameter.optional()) continue;
      if (sole != nullptr) return nullptr;
      sole = &parameter;
    }
    return sole;
  }
};

// "(query: Query, k: Int = …) -> [Doc]".
std::string SignatureText(const Signature& signature, const TypeTable& types);

}  // namespace jade::types
