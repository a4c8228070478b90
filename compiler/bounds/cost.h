#pragma once
// How much of something a program spends at most: a polynomial over what is known only when it runs (lengths of lists,
// limits of the configuration), or as much as the budget gives. Plain values.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace jade::bounds {

class Cost {
 public:
  Cost() = default;  // nothing
  static Cost Number(int64_t number);
  static Cost Symbol(uint32_t symbol);
  static Cost Budget();  // no bound but the run's budget

  bool is_zero() const { return !budget_ && terms_.empty(); }
  bool is_budget() const { return budget_; }
  // The value when nothing in it is unknown.
  std::optional<int64_t> number() const;

  // Products with nothing are nothing. What is too large or too long to be said becomes Budget().
  friend Cost operator+(const Cost& a, const Cost& b);
  friend Cost operator*(const Cost& a, const Cost& b);
  // At least as large as both: the larger coefficient of each term.
  static Cost Max(const Cost& a, const Cost& b);
  // At most `limit` also holds.
  Cost AtMost(int64_t limit) const;

  // "2 + 4·n1", with `names` of the symbols; `budget` for what only the budget bounds.
  std::string ToString(std::span<const std::string> names, std::string_view budget) const;
  // Symbols in it, ascending.
  std::vector<uint32_t> symbols() const;

 private:
  struct Term {
    std::vector<uint32_t> symbols;  // ascending, with repetition; empty: the constant
    int64_t coefficient = 0;        // > 0
  };
  static Cost Of(std::vector<Term> terms);

  std::vector<Term> terms_;  // by degree, then symbols
  bool budget_ = false;
};

}  // namespace jade::bounds
