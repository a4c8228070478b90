#pragma once
// Values as JSON text and back, guided by their types.
//
//   Text, Int, Float, Bool   string, integer, number, boolean (a Float that is no number: null)
//   nominal                  as its base
//   T?                       null, or as T
//   [T]                      array
//   record                   object with the fields' names; optional fields may be missing when reading
//   enum                     "case", or {"case": {payload fields}}
//   Plan                     its canonical text; cannot be read
//
// Any thread, as long as nobody adds types.

#include <string>
#include <string_view>

#include "compiler/abi/value.h"
#include "compiler/result/result.h"
#include "compiler/types/type_table.h"

namespace jade::abi {

// Nesting beyond 256 levels becomes null; bytes that are not UTF-8 become U+FFFD.
std::string ToJson(const Value& value, types::TypeId type, const types::TypeTable& types);

// Fails with kInvalidArgument and the place ("[2].title: expected a string, got a number"). An Int is read only from an
// integer that fits; a Float from any number. Unknown members of an object are ignored when `lenient`.
Result<Value> FromJson(std::string_view json, types::TypeId type, const types::TypeTable& types, bool lenient = false);

// A JSON string literal.
std::string JsonQuote(std::string_view text);

}  // namespace jade::abi
