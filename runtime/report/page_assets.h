#pragma once
// page.css and page.js, as the build puts them into the program (embed.cmake).

#include <string_view>

namespace jade::report {

extern const std::string_view kPageStyle;
extern const std::string_view kPageScript;
extern const std::string_view kPageScriptHash;  // base64 of its SHA-256, for the page's policy

}  // namespace jade::report
