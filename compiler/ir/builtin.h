#pragma once
// Builtin functions of the language as JIR names them; builtins.def is the reference.

#include <cstdint>
#include <optional>
#include <string_view>

namespace jade::ir {

enum class Builtin : uint8_t {
#define JADE_BUILTIN(enumerator, name, signature) enumerator,
#include "compiler/ir/builtins.def"
#undef JADE_BUILTIN
};

inline constexpr int kBuiltinCount = 0
#define JADE_BUILTIN(enumerator, name, signature) +1
#include "compiler/ir/builtins.def"
#undef JADE_BUILTIN
    ;

std::string_view BuiltinName(Builtin builtin);
std::string_view BuiltinSignature(Builtin builtin);  // "T[T]>F"
std::optional<Builtin> BuiltinOf(std::string_view name);

}  // namespace jade::ir
