#include "compiler/sema/elsewhere.h"

#include <algorithm>
#include <array>
#include <string>

#include "stdlib/stdlib.h"

namespace jade::sema {
namespace {

struct Word {
  std::string_view word;
  std::string_view ours;
};

template <size_t N>
std::string_view Find(const std::array<Word, N>& table, std::string_view word) {
  const auto* found = std::find_if(table.begin(), table.end(), [&](const Word& entry) { return entry.word == word; });
  return found != table.end() ? found->ours : std::string_view();
}

constexpr std::array<Word, 8> kValues = {{
    {"None", "none"},
    {"null", "none"},
    {"nil", "none"},
    {"undefined", "none"},
    {"True", "true"},
    {"TRUE", "true"},
    {"False", "false"},
    {"FALSE", "false"},
}};

constexpr std::array<Word, 13> kTypes = {{
    {"str", "text has the type `Text`"},
    {"string", "text has the type `Text`"},
    {"String", "text has the type `Text`"},
    {"integer", "whole numbers have the type `Int`"},
    {"double", "numbers with a fraction have the type `Float`"},
    {"number", "numbers have the type `Int` or `Float`"},
    {"boolean", "truth values have the type `Bool`"},
    {"list", "a list type is written `[T]`"},
    {"List", "a list type is written `[T]`"},
    {"Array", "a list type is written `[T]`"},
    {"Optional", "an optional is written `T?`"},
    {"dict", "values with names are a `record`"},
    {"Map", "values with names are a `record`"},
}};

bool IsNameByte(char c) {
  return c == '_' || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

// Whether a line of `text` begins with a word and then `name`.
bool Declares(std::string_view text, std::string_view name) {
  for (size_t line = 0; line < text.size();) {
    const size_t end = std::min(text.find('\n', line), text.size());
    std::string_view words = text.substr(line, end - line);
    const size_t blank = words.find(' ');
    if (blank != std::string_view::npos && blank > 0 && IsNameByte(words[0])) {
      words.remove_prefix(blank + 1);
      if (words.starts_with(name) && (words.size() == name.size() || !IsNameByte(words[name.size()]))) return true;
    }
    line = end + 1;
  }
  return false;
}

}  // namespace

std::string_view OurWord(std::string_view name) {
  return Find(kValues, name);
}

std::string_view TypeElsewhere(std::string_view name) {
  return Find(kTypes, name);
}

std::string_view StandardModuleOf(std::string_view name) {
  if (name.empty()) return {};
  for (const std::string_view module : stdlib::Names()) {
    if (Declares(*stdlib::Find(module), name)) return module;
  }
  return {};
}

}  // namespace jade::sema
