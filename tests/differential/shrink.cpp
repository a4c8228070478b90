// Delta debugging in two ways that take turns until neither helps: dropping lines, larger pieces first, and only such
// as keep braces balanced; and putting what stands in a bracket's inner bracket, or a literal, in the place of all that
// stands in it. What is left need not mean much, but it loads and fails as the whole did.
#include <algorithm>
#include <sstream>

#include "tests/differential/oracle.h"

namespace jade::differential {
namespace {

using Lines = std::vector<std::string>;

Lines Split(const std::string& text) {
  Lines lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

std::string Join(const Lines& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  return text;
}

bool Balanced(Lines::const_iterator begin, Lines::const_iterator end) {
  int depth = 0;
  for (auto line = begin; line != end; ++line) {
    for (const char c : *line) {
      depth += c == '{' ? 1 : c == '}' ? -1 : 0;
      if (depth < 0) return false;
    }
  }
  return depth == 0;
}

struct Bracket {
  size_t begin;  // of what stands inside
  size_t end;
};

std::vector<Bracket> Brackets(const std::string& text) {
  std::vector<Bracket> found;
  std::vector<size_t> open;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '(' || text[i] == '[' || text[i] == '{') open.push_back(i + 1);
    if ((text[i] == ')' || text[i] == ']' || text[i] == '}') && !open.empty()) {
      found.push_back({open.back(), i});
      open.pop_back();
    }
  }
  // The largest first.
  std::sort(found.begin(), found.end(),
            [](const Bracket& a, const Bracket& b) { return a.end - a.begin > b.end - b.begin; });
  return found;
}

class Shrinker {
 public:
  Shrinker(const GeneratedProgram& program, const Failure& failure, CodeSources& code)
      : candidate_(program), what_(failure.what), text_(program.text), code_(code) {}

  std::string Run() {
    for (bool smaller = true; smaller && tries_ < kMaxTries;) {
      smaller = DropLines();
      while (ReplaceBracket()) smaller = true;
    }
    return text_;
  }

 private:
  static constexpr int kMaxTries = 20'000;

  bool Try(std::string text) {
    if (++tries_ > kMaxTries || text.size() >= text_.size()) return false;
    candidate_.text = std::move(text);
    const std::optional<Failure> again = Check(candidate_, code_, {.tiers = what_.find("code") != std::string::npos});
    if (!again || again->what != what_) return false;
    text_ = candidate_.text;
    return true;
  }

  bool DropLines() {
    bool smaller = false;
    Lines lines = Split(text_);
    for (size_t size = lines.size(); size > 0; size = size > 8 ? size * 2 / 3 : size - 1) {
      for (size_t at = 0; at + size <= lines.size();) {
        const auto begin = lines.begin() + static_cast<std::ptrdiff_t>(at);
        const auto end = begin + static_cast<std::ptrdiff_t>(size);
        Lines left(lines.begin(), begin);
        left.insert(left.end(), end, lines.end());
        if (Balanced(begin, end) && Try(Join(left))) {
          lines = std::move(left);
          smaller = true;
        } else {
          ++at;
        }
      }
    }
    return smaller;
  }

  bool ReplaceBracket() {
    static const std::vector<std::string> kLiterals = {"",     "0",   "true",     "\"a\"",    "[]",
                                                       "none", "1.0", "Q(\"a\")", "A(\"a\")", "[1]"};
    const std::vector<Bracket> brackets = Brackets(text_);
    for (const Bracket& outer : brackets) {
      const auto with = [&](std::string_view inside) {
        return text_.substr(0, outer.begin) + std::string(inside) + text_.substr(outer.end);
      };
      for (const std::string& literal : kLiterals) {
        if (literal.size() < outer.end - outer.begin && Try(with(literal))) return true;
      }
      for (const Bracket& inner : brackets) {
        const bool inside = inner.begin > outer.begin && inner.end < outer.end && inner.end > inner.begin;
        if (inside && Try(with(std::string_view(text_).substr(inner.begin, inner.end - inner.begin)))) return true;
      }
    }
    return false;
  }

  GeneratedProgram candidate_;
  std::string what_;
  std::string text_;
  CodeSources& code_;
  int tries_ = 0;
};

}  // namespace

std::string Shrink(const GeneratedProgram& program, const Failure& failure, CodeSources& code) {
  return Shrinker(program, failure, code).Run();
}

}  // namespace jade::differential
