#pragma once
// Names for pretend worlds: syllables of several made-up languages, and common given names and title words. Every name
// falls into one of two pools by its hash, so a name made for training can never be one made for the gate.
// Not shared between threads.

#include <string>
#include <string_view>
#include <unordered_set>

#include "runtime/data/rng.h"

namespace jade::data {

enum class NamePool { kTraining, kGate };

// The pool a full name belongs to: one in eight is kept for the gate.
NamePool PoolOf(std::string_view name);

class NameMaker {
 public:
  // `taken`: names never to produce (those of the atlas); may be null, must outlive the maker.
  NameMaker(uint64_t seed, NamePool pool, const std::unordered_set<std::string>* taken)
      : rng_(seed), pool_(pool), taken_(taken) {}

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
  std::string Surname();

  Rng rng_;
  NamePool pool_;
  const std::unordered_set<std::string>* taken_;
  std::unordered_set<std::string> used_;
  std::vector<std::string> surnames_;  // used before: relatives are near misses
  std::vector<std::string> stems_;     // used before: similar names are near misses
};

}  // namespace jade::data
