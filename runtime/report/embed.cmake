# cmake -DOUT=page_assets.cpp -DROOT=runtime/report -P embed.cmake

# The base64 of the bytes that `hex` spells.
function(base64_of_hex hex out)
  set(alphabet ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/)
  string(LENGTH "${hex}" length)
  set(text "")
  foreach(at RANGE 0 ${length} 6)
    if(at EQUAL length)
      break()
    endif()
    string(SUBSTRING "${hex}" ${at} 6 group)  # three bytes, or what is left of them
    string(LENGTH "${group}" digits)
    string(SUBSTRING "${group}0000" 0 6 group)
    math(EXPR value "0x${group}")
    foreach(shift 18 12 6 0)
      math(EXPR index "(${value} >> ${shift}) & 63")
      string(SUBSTRING ${alphabet} ${index} 1 letter)
      string(APPEND four "${letter}")
    endforeach()
    math(EXPR letters "${digits} / 2 + 1")
    string(SUBSTRING "${four}" 0 ${letters} four)
    string(APPEND text "${four}")
    foreach(padding RANGE ${letters} 3)
      if(padding LESS 4 AND letters LESS 4)
        string(APPEND text "=")
      endif()
    endforeach()
    set(four "")
  endforeach()
  set(${out} "${text}" PARENT_SCOPE)
endfunction()

# Pieces below the length of literal that every compiler takes.
function(literal_of file out)
  file(READ "${file}" text)
  string(LENGTH "${text}" length)
  set(literal "")
  set(at 0)
  while(at LESS length)
    string(SUBSTRING "${text}" ${at} 8000 piece)
    string(APPEND literal "R\"JADE(${piece})JADE\"\n")
    math(EXPR at "${at} + 8000")
  endwhile()
  set(${out} "${literal}" PARENT_SCOPE)
endfunction()

literal_of(${ROOT}/page.css style)
literal_of(${ROOT}/page.js script)
file(SHA256 ${ROOT}/page.js hex)
base64_of_hex(${hex} hash)
file(WRITE "${OUT}" "// Generated from runtime/report/page.css and page.js by embed.cmake.
#include \"runtime/report/page_assets.h\"

namespace jade::report {

const std::string_view kPageStyle = ${style};
const std::string_view kPageScript = ${script};
const std::string_view kPageScriptHash = \"${hash}\";

}  // namespace jade::report
")
