#pragma once
// "did you mean …" for names that people and models mistype.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace jade::source {

// Edits (insert, delete, replace, swap of neighbours) between two words, or limit + 1 when there are more than `limit`.
// Case counts as an edit. O(|a|·|b|); words longer than 64 bytes never match.
int EditDistance(std::string_view a, std::string_view b, int limit);

// The nearest of `candidates`, when it is near enough to be meant: at most a third of the letters differ. Ties go to
// the earlier one.
std::optional<std::string> Nearest(std::string_view word, const std::vector<std::string>& candidates);

// "; did you mean `nearest`?", or nothing.
std::string DidYouMean(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace jade::source
