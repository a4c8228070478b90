#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "runtime/retrieve/index.h"

namespace jade::retrieve {
namespace {

constexpr size_t kMaxTerms = 64;
constexpr size_t kMaxWords = 4 * kMaxTerms;  // distinct words looked at before stop words are dropped
constexpr size_t kMaxTermBytes = 128;

// Words that carry no topic. Sorted for binary search.
constexpr std::array<std::string_view, 107> kStopWords = {
    "a",       "about",  "after",  "all",    "also",   "am",    "an",   "and",    "any",   "are",    "as",   "at",
    "be",      "been",   "before", "being",  "both",   "but",   "by",   "can",    "could", "did",    "do",   "does",
    "doing",   "during", "each",   "either", "for",    "from",  "had",  "has",    "have",  "having", "he",   "her",
    "hers",    "him",    "his",    "how",    "i",      "if",    "in",   "into",   "is",    "it",     "its",  "itself",
    "just",    "me",     "more",   "most",   "my",     "no",    "nor",  "not",    "of",    "on",     "or",   "other",
    "our",     "out",    "over",   "own",    "s",      "same",  "she",  "should", "so",    "some",   "such", "t",
    "than",    "that",   "the",    "their",  "theirs", "them",  "then", "there",  "these", "they",   "this", "those",
    "through", "to",     "too",    "under",  "until",  "up",    "very", "was",    "we",    "were",   "what", "when",
    "where",   "which",  "while",  "who",    "whom",   "whose", "why",  "will",   "with",  "would",  "you"};

bool IsStopWord(std::string_view word) {
  static_assert(std::is_sorted(kStopWords.begin(), kStopWords.end()));
  return std::binary_search(kStopWords.begin(), kStopWords.end(), word);
}

// Runs of ASCII letters and digits, lower-cased, and of bytes above ASCII (FTS5's unicode61 tokenizer folds and splits
// those further inside the quotes).
std::vector<std::string> Words(std::string_view query) {
  std::vector<std::string> words;
  std::string word;
  const auto finish = [&] {
    if (!word.empty() && word.size() <= kMaxTermBytes && std::find(words.begin(), words.end(), word) == words.end()) {
      words.push_back(word);
    }
    word.clear();
  };
  for (const char c : query) {
    if (words.size() == kMaxWords) return words;
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x80U || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z')) {
      word += c;
    } else if (c >= 'A' && c <= 'Z') {
      word += static_cast<char>(c - 'A' + 'a');
    } else {
      finish();
    }
  }
  finish();
  return words;
}

}  // namespace

std::string MatchExpression(std::string_view query) {
  std::vector<std::string> words = Words(query);
  std::vector<std::string> topical;
  std::copy_if(words.begin(), words.end(), std::back_inserter(topical), [](const auto& w) { return !IsStopWord(w); });
  if (topical.empty()) topical = std::move(words);
  if (topical.size() > kMaxTerms) topical.resize(kMaxTerms);
  std::string expression;
  for (const std::string& word : topical) {
    if (!expression.empty()) expression += " OR ";
    expression += '"' + word + '"';
  }
  return expression;
}

}  // namespace jade::retrieve
