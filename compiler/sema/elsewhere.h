#pragma once
// Names that are not declared but mean something elsewhere: in other languages, or in the standard library. For the
// help of a diagnostic. Private to compiler/sema.

#include <string_view>

namespace jade::sema {

// What a value of another language is called here (`null`: "none"), or empty.
std::string_view OurWord(std::string_view name);

// What to write for a type of another language, as a help; or empty.
std::string_view TypeElsewhere(std::string_view name);

// The module of the standard library that declares `name`, or empty. Reads their texts: only for names that failed.
std::string_view StandardModuleOf(std::string_view name);

}  // namespace jade::sema
