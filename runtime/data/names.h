#pragma once
// Names for pretend worlds: syllables of several made-up languages, and common given names and title words. Every name
// falls into one of two pools by its hash, so a name made for training can never be one made for the gate.
// Not shared between threads.

#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "runtime/data/rng.h"

namespace jade::data {

enum class NamePool { kTraining, kGate };

// The pool a full name belongs to: one in eight is kept for the gate.
NamePool PoolOf(std::string_view name);

// Pieces of words that stems are put together of, beside the syllables: those of a model's vocabulary, so that it meets
// all of them. Either may be empty.
struct NamePieces {
  std::vector<std::string> beginnings;  // of capitalised words, lower-cased
  std::vector<std::string> rests;       // what goes on with a word
};

class NameMaker {
 public:
  // `taken`: names never to produce (those of the atlas); may be null. Both outlive the maker.
  NameMaker(uint64_t seed, NamePool pool, const std::unordered_set<std::string>* taken,
            const NamePieces* pieces = nullptr)
      : rng_(seed), pool_(pool), taken_(taken), pieces_(pieces) {}

  std::string Country();
  std::string City();
  std::string Person();
  std::string Book();
  std::string Element();
  std::string Symbol(std::string_view element);
  std::string Mountain();
  std::string University(const std::string& city);
  std::string Museum(const std::string& city);
  std::string Currency(const std::string& country);
  std::string Language();
  std::string Continent();
  std::string Word();  // any capitalised made-up word

 private:
  template <typename Make>
  std::string Unique(Make make, size_t shortest = 4);  // repeats until the name is new, of the pool, and not taken
  std::string Stem(int syllables);
  std::string PiecedStem();
  std::string Surname();

  Rng rng_;
  NamePool pool_;
  const std::unordered_set<std::string>* taken_;
  const NamePieces* pieces_;
  std::unordered_set<std::string> used_;
  std::vector<std::string> surnames_;  // used before: relatives are near misses
  std::vector<std::string> stems_;     // used before: similar names are near misses
};

}  // namespace jade::data
