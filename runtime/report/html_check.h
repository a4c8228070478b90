#pragma once
// For tests: whether the tags of a page are balanced and its attributes whole. Strict about what our page uses, not a
// parser of HTML.

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <vector>

namespace jade::report {

// One past the end of the tag that begins at `at`; npos when it does not end, or holds a `<` outside quotes.
inline size_t EndOfTag(std::string_view html, size_t at) {
  char quote = 0;
  for (size_t i = at + 1; i < html.size(); ++i) {
    const char c = html[i];
    if (quote != 0) {
      if (c == quote) quote = 0;
    } else if (c == '"' || c == '\'') {
      quote = c;
    } else if (c == '<') {
      return std::string_view::npos;
    } else if (c == '>') {
      return i + 1;
    }
  }
  return std::string_view::npos;
}

// The names of all elements in the order of their start, or what is wrong as the only entry, which then begins with
// '!'.
inline std::vector<std::string> ElementsOf(std::string_view html) {
  constexpr std::array<std::string_view, 4> kVoid = {"meta", "input", "br", "!DOCTYPE"};
  std::vector<std::string> names;
  std::vector<std::string> open;
  for (size_t at = html.find('<'); at != std::string_view::npos; at = html.find('<', at)) {
    const size_t end = EndOfTag(html, at);
    if (end == std::string_view::npos) return {"!a tag without an end at " + std::string(html.substr(at, 60))};
    const bool is_end = html[at + 1] == '/';
    const std::string_view inside = html.substr(at + 1 + (is_end ? 1 : 0), end - at - 2 - (is_end ? 1 : 0));
    const std::string name(inside.substr(0, inside.find_first_of(" /\n")));
    if (is_end) {
      if (open.empty() || open.back() != name) return {"!unexpected </" + name + "> at " + std::to_string(at)};
      open.pop_back();
    } else {
      names.push_back(name);
      const bool is_whole = inside.back() == '/' || std::find(kVoid.begin(), kVoid.end(), name) != kVoid.end();
      if (!is_whole) open.push_back(name);
    }
    at = end;
    // Scripts and styles hold text, whatever it looks like.
    if (!is_end && (name == "script" || name == "style")) at = html.find("</" + name, at);
  }
  if (!open.empty()) return {"!no end of <" + open.back() + ">"};
  return names;
}

}  // namespace jade::report
