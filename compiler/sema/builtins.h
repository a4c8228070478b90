#pragma once
// The builtin functions as the checker sees them. Names and signatures follow compiler/ir/builtins.def, which says what
// they do; `len` and `contains` choose an operation by the type of their first argument. Constant data.

#include <string_view>
#include <vector>

namespace jade::sema {

struct BuiltinRow {
  std::string_view name;        // as written
  std::string_view operation;   // as compiler/ir/builtins.def names it
  std::string_view signature;   // T Text, I Int, F Float, B Bool, N number, a any type, [x], x?, `>` before the result
  std::string_view parameters;  // "answer, gold"
  bool swapped = false;         // two arguments, the operation takes them the other way round
};

// All rows of a name, in order of preference; empty when it is no builtin.
std::vector<const BuiltinRow*> FindBuiltin(std::string_view name);
const std::vector<BuiltinRow>& AllBuiltins();

}  // namespace jade::sema
