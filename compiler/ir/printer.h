#pragma once
// The text form of JIR: stable, one operation a line, values numbered in the order they appear. Reading it back
// (reader.h) and printing again gives the same text.

#include <string>
#include <string_view>
#include <vector>

#include "compiler/ir/module.h"

namespace jade::ir {

struct PrintOptions {
  bool spans = false;  // byte ranges and files, so that traps of the reread module know their places
  bool types = true;   // type declarations
};

// The module's own entries (not its base's): types, files, params, callees, functions.
std::string Print(const Module& module, const PrintOptions& options = {});

// One function of it.
std::string PrintFunction(const Module& module, const Function& function, const PrintOptions& options = {});

// Names of types as the text form writes them: those of two modules that are called alike get a suffix `~2`.
class TypeNames {
 public:
  explicit TypeNames(const types::TypeTable& types);
  std::string operator()(types::TypeId type) const;

 private:
  const types::TypeTable& types_;
  std::vector<std::string> declared_;  // by type index; empty unless nominal, record or enum
};

// "\"a\\n\"": printable ASCII and valid UTF-8 stay, `"`, `\` and control characters are escaped.
std::string Quote(std::string_view text);

// True for names the text form writes without quotes.
bool IsPlainName(std::string_view name);

}  // namespace jade::ir
