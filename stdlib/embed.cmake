# cmake -DOUT=stdlib.cpp -DROOT=stdlib "-DMODULES=std/rag|std/types" -P embed.cmake
string(REPLACE "|" ";" MODULES "${MODULES}")
set(rows "")
set(names "")
foreach(module IN LISTS MODULES)
  file(READ "${ROOT}/${module}.jade" text)
  string(REPLACE "/" "." name "${module}")
  # Pieces below the length of literal that every compiler takes.
  string(LENGTH "${text}" length)
  set(literal "")
  set(at 0)
  while(at LESS length)
    string(SUBSTRING "${text}" ${at} 8000 piece)
    string(APPEND literal "R\"JADE(${piece})JADE\"\n")
    math(EXPR at "${at} + 8000")
  endwhile()
  string(APPEND rows "    {\"${name}\", std::string_view(${literal})},\n")
  string(APPEND names "\"${name}\", ")
endforeach()
set(code "// Generated from stdlib/**/*.jade by stdlib/embed.cmake.
#include \"stdlib/stdlib.h\"

#include <map>

namespace jade::stdlib {

const std::string_view* Find(std::string_view name) {
  static const std::map<std::string_view, std::string_view> kModules = {
${rows}  };
  auto found = kModules.find(name);
  return found == kModules.end() ? nullptr : &found->second;
}

const std::vector<std::string_view>& Names() {
  static const std::vector<std::string_view> kNames = {${names}};
  return kNames;
}

}  // namespace jade::stdlib
")
file(WRITE "${OUT}" "${code}")
