#pragma once
// Values as the language writes them. Pure.

#include <string>

#include "compiler/abi/value.h"
#include "compiler/types/type_table.h"

namespace jade::repl {

// `Doc(id: "1", title: "Dune")`, `[1, 2]`, `Step.Ask("who?")`, `none`, a plan as its text. What does not fit into
// `columns` is laid out over several lines; what is longer than 64 KiB or nested deeper than 64 levels ends in `…`.
std::string ShowValue(const abi::Value& value, types::TypeId type, const types::TypeTable& types, size_t columns = 100);

// A plan's text; of a declaration that stands for a plan its name.
std::string PlanText(const abi::Value& plan);

}  // namespace jade::repl
