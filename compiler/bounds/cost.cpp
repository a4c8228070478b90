#include "compiler/bounds/cost.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace jade::bounds {
namespace {

constexpr size_t kTerms = 24;  // a bound longer than this says nothing to anybody
constexpr size_t kDegree = 6;

}  // namespace

Cost Cost::Number(int64_t number) {
  Cost cost;
  if (number > 0) cost.terms_.push_back({{}, number});
  return cost;
}

Cost Cost::Symbol(uint32_t symbol) {
  Cost cost;
  cost.terms_.push_back({{symbol}, 1});
  return cost;
}

Cost Cost::Budget() {
  Cost cost;
  cost.budget_ = true;
  return cost;
}

std::optional<int64_t> Cost::number() const {
  if (budget_ || terms_.size() > 1) return std::nullopt;
  if (terms_.empty()) return 0;
  return terms_[0].symbols.empty() ? std::optional(terms_[0].coefficient) : std::nullopt;
}

// Sorts, joins like terms and checks the limits.
Cost Cost::Of(std::vector<Term> terms) {
  std::sort(terms.begin(), terms.end(), [&](const Term& a, const Term& b) {
    return a.symbols.size() != b.symbols.size() ? a.symbols.size() < b.symbols.size() : a.symbols < b.symbols;
  });
  Cost cost;
  for (Term& term : terms) {
    if (term.symbols.size() > kDegree) return Budget();
    if (!cost.terms_.empty() && cost.terms_.back().symbols == term.symbols) {
      int64_t& sum = cost.terms_.back().coefficient;
      if (__builtin_add_overflow(sum, term.coefficient, &sum)) return Budget();
    } else {
      cost.terms_.push_back(std::move(term));
    }
  }
  return cost.terms_.size() > kTerms ? Budget() : cost;
}

Cost operator+(const Cost& a, const Cost& b) {
  if (a.budget_ || b.budget_) return Cost::Budget();
  if (a.is_zero()) return b;
  if (b.is_zero()) return a;
  std::vector<Cost::Term> terms = a.terms_;
  terms.insert(terms.end(), b.terms_.begin(), b.terms_.end());
  return Cost::Of(std::move(terms));
}

Cost operator*(const Cost& a, const Cost& b) {
  if (a.is_zero() || b.is_zero()) return {};
  if (a.budget_ || b.budget_) return Cost::Budget();
  std::vector<Cost::Term> terms;
  for (const Cost::Term& left : a.terms_) {
    for (const Cost::Term& right : b.terms_) {
      Cost::Term& product = terms.emplace_back(left);
      product.symbols.insert(product.symbols.end(), right.symbols.begin(), right.symbols.end());
      std::sort(product.symbols.begin(), product.symbols.end());
      if (__builtin_mul_overflow(left.coefficient, right.coefficient, &product.coefficient)) return Cost::Budget();
    }
  }
  return Cost::Of(std::move(terms));
}

Cost Cost::Max(const Cost& a, const Cost& b) {
  if (a.budget_ || b.budget_) return Budget();
  std::vector<Term> terms = a.terms_;
  for (const Term& term : b.terms_) {
    auto same = std::find_if(terms.begin(), terms.end(), [&](const Term& t) { return t.symbols == term.symbols; });
    if (same == terms.end()) {
      terms.push_back(term);
    } else {
      same->coefficient = std::max(same->coefficient, term.coefficient);
    }
  }
  return Of(std::move(terms));
}

Cost Cost::AtMost(int64_t limit) const {
  const std::optional<int64_t> known = number();
  return is_zero() || (known && *known <= limit) ? *this : Number(limit);
}

std::string Cost::ToString(std::span<const std::string> names, std::string_view budget) const {
  if (budget_) return std::string(budget);
  if (terms_.empty()) return "0";
  std::string text;
  for (const Term& term : terms_) {
    if (!text.empty()) text += " + ";
    const bool bare = term.coefficient == 1 && !term.symbols.empty();
    if (!bare) text += fmt::format("{}", term.coefficient);
    for (size_t i = 0; i < term.symbols.size(); ++i) {
      if (!bare || i > 0) text += "·";
      text += names[term.symbols[i]];
    }
  }
  return text;
}

std::vector<uint32_t> Cost::symbols() const {
  std::vector<uint32_t> all;
  for (const Term& term : terms_) all.insert(all.end(), term.symbols.begin(), term.symbols.end());
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  return all;
}

}  // namespace jade::bounds
