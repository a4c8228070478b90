#pragma once
// `<tag>Document0,Document3</tag>`: any of the documents of a list, each at most once, in any order. See machine.h.

#include <array>
#include <bit>
#include <cstdint>
#include <string>

#include "runtime/constrain/machine.h"
#include "runtime/constrain/spec.h"

namespace jade::constrain {

class SubsetMachine {
 public:
  struct State {
    uint16_t phase = 0;
    uint16_t at = 0;         // in the literal of the phase; in a number: its digits
    uint32_t number = 0;     // kNumber: so far
    uint32_t documents = 0;  // to choose from
    uint32_t chosen_count = 0;
    std::array<uint32_t, kMaxDocuments / 32> chosen{};
  };

  static Result<SubsetMachine> Make(const Spec& spec);

  State Start(uint32_t documents) const;
  bool Next(State* state, uint8_t byte) const;
  uint32_t Distance(const State& state) const;
  Utf8 Pending(const State& /*state*/) const { return Utf8::kWhole; }
  FreeText Free(const State& /*state*/) const { return {}; }
  const std::string& Required() const { return required_; }
  size_t MaxBytes() const;

 private:
  enum Phase : uint16_t { kOpen, kFirst, kName, kNumber, kClose, kDone };
  // Whether some document not chosen yet has a number that begins with these digits; the fewest digits it adds.
  static bool Completes(const State& state, uint32_t number, uint32_t digits, uint32_t* missing);

  std::string open_;
  std::string close_;
  std::string required_;
};

}  // namespace jade::constrain
