#pragma once
// "did you mean …" for names that people and models mistype: of the language, of files, settings and options.

#include <string>
#include <string_view>
#include <vector>

namespace jade::source {

// The candidate nearest to `word` when near enough to be a slip of the pen: up to a third of its letters added,
// dropped, changed or swapped with a neighbour, its case aside. Else empty. Ties go to the first; words longer than 64
// bytes match nothing. O(candidates × length²). The view is one of `candidates`.
std::string_view Nearest(std::string_view word, const std::vector<std::string_view>& candidates);

// "; did you mean `nearest`?", or nothing: the end of an error's message.
std::string DidYouMean(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace jade::source
