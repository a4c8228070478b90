#include "runtime/data/lookup.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <unordered_set>

namespace jade::data {
namespace {

constexpr float kK1 = 1.2f;
constexpr float kB = 0.75f;
constexpr int kTitleWeight = 2;

bool IsWordByte(unsigned char byte) {
  return byte >= 0x80 || (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
}

bool IsStopWord(const std::string& word) {
  static const std::unordered_set<std::string> kWords = {
      "a",    "an",   "and", "are", "as",   "at",   "be",   "by",    "did",   "do",  "does", "for",   "from", "has",
      "have", "how",  "in",  "is",  "it",   "its",  "name", "of",    "on",    "or",  "s",    "that",  "the",  "their",
      "they", "this", "to",  "was", "were", "what", "when", "where", "which", "who", "whom", "whose", "with", "there"};
  return kWords.contains(word);
}

std::string Stemmed(std::string word) {
  auto drop = [&](std::string_view ending, size_t least) {
    if (word.size() < ending.size() + least || !word.ends_with(ending)) return false;
    word.resize(word.size() - ending.size());
    return true;
  };
  if (drop("ies", 2)) return word + "y";
  if (!word.ends_with("ss") && !word.ends_with("us")) drop("s", 3);
  if (drop("ing", 3) || drop("ed", 3)) return word;
  drop("e", 3);
  return word;
}

}  // namespace

std::vector<std::string> SearchTerms(std::string_view text) {
  std::vector<std::string> terms;
  std::string word;
  for (size_t i = 0; i <= text.size(); ++i) {
    if (i < text.size() && IsWordByte(static_cast<unsigned char>(text[i]))) {
      char c = text[i];
      word += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    } else if (!word.empty()) {
      if (!IsStopWord(word)) terms.push_back(Stemmed(word));
      word.clear();
    }
  }
  return terms;
}

Lookup::Lookup(const Library& library, const std::vector<bool>& keep) {
  std::map<std::string, std::map<PassageId, int>> counts;
  std::vector<float> lengths(library.passages.size(), 0);
  float total = 0;
  size_t kept = 0;
  for (size_t i = 0; i < library.passages.size(); ++i) {
    if (!keep.empty() && !keep[i]) continue;
    auto id = static_cast<PassageId>(i);
    auto count = [&](std::string_view text, int weight) {
      for (std::string& term : SearchTerms(text)) {
        counts[std::move(term)][id] += weight;
        lengths[i] += 1;
      }
    };
    count(library.passages[i].title, kTitleWeight);
    count(library.passages[i].text, 1);
    total += lengths[i];
    ++kept;
  }
  if (kept == 0) return;
  float average = total / static_cast<float>(kept);
  for (const auto& [term, passages] : counts) {
    auto found = static_cast<float>(passages.size());
    float idf = std::max(1e-6f, std::log((static_cast<float>(kept) - found + 0.5f) / (found + 0.5f)));
    std::vector<Posting>& postings = postings_[term];
    for (const auto& [id, count] : passages) {
      auto frequency = static_cast<float>(count);
      float norm = kK1 * (1 - kB + kB * lengths[static_cast<size_t>(id)] / average);
      postings.push_back({id, idf * frequency * (kK1 + 1) / (frequency + norm)});
    }
  }
}

std::vector<PassageId> Lookup::Search(std::string_view query, size_t count) const {
  std::unordered_map<PassageId, float> scores;
  for (const std::string& term : SearchTerms(query)) {
    auto found = postings_.find(term);
    if (found == postings_.end()) continue;
    for (const Posting& posting : found->second) scores[posting.passage] += posting.weight;
  }
  std::vector<std::pair<float, PassageId>> ranked;
  for (const auto& [id, score] : scores) ranked.push_back({-score, id});
  size_t best = std::min(count, ranked.size());
  std::partial_sort(ranked.begin(), ranked.begin() + static_cast<std::ptrdiff_t>(best), ranked.end());
  std::vector<PassageId> ids;
  for (size_t i = 0; i < best; ++i) ids.push_back(ranked[i].second);
  return ids;
}

}  // namespace jade::data
