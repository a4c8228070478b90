#pragma once
// The measures of answers, shared by the language's builtins, rewards and `jade eval`: exact match, token F1, accuracy,
// and word counts. Pure functions of UTF-8 text; any thread. Bytes that are not UTF-8 count as U+FFFD.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace jade::builtins {

// How answers are normalised before they are compared.
enum class Normalisation {
  // The published training code's: compatibility forms and case folded, marks dropped, every punctuation character or
  // symbol of ASCII and every Unicode punctuation character turned into a space, articles dropped, spaces squeezed.
  kJade,
  // The official SQuAD script's: lower case, ASCII punctuation deleted, articles dropped, spaces squeezed.
  kSquad,
};

std::string NormaliseAnswer(std::string_view text, Normalisation form);

// 1 or 0: equal to one of the gold answers after normalisation.
double ExactMatch(std::string_view answer, const std::vector<std::string>& gold, Normalisation form);

// The best harmonic mean of token precision and recall over the gold answers. When either side has no tokens: 1 if
// neither has, else 0.
double TokenF1(std::string_view answer, const std::vector<std::string>& gold, Normalisation form);

// 1 or 0: contains one of the gold answers (after normalisation, and not empty).
double Accuracy(std::string_view answer, const std::vector<std::string>& gold, Normalisation form);

// Every gold answer is "yes" or "no" after normalisation, and there is one.
bool IsYesNo(const std::vector<std::string>& gold, Normalisation form);

// Words between white space, as Python's str.split().
int64_t CountWords(std::string_view text);

// Maximal runs of letters, digits and underscores, as Python's re.findall(r"\w+").
int64_t CountWordTokens(std::string_view text);

// White space (of Unicode) removed at both ends; case by simple mapping, but for the dotted capital I, whose lower case
// is two code points as in Python's str.lower.
std::string_view Trim(std::string_view text);
std::string LowerCase(std::string_view text);
std::string UpperCase(std::string_view text);

// The first letter as in a title, the others in lower case, as Python's str.capitalize.
std::string Capitalise(std::string_view text);

// Canonical decomposition (NFD): letters and their marks apart. Bytes that are not UTF-8 leave the text as it is.
std::string Decompose(std::string_view text);

// The pieces between (Unicode) white space, none of them empty.
std::vector<std::string_view> SplitWords(std::string_view text);

int64_t CountCodePoints(std::string_view text);

}  // namespace jade::builtins
