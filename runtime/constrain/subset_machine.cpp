#include "runtime/constrain/subset_machine.h"

#include <fmt/format.h>

#include <algorithm>

#include "runtime/constrain/limits.h"

namespace jade::constrain {
namespace {

constexpr std::string_view kDocument = "Document";
constexpr uint32_t kMaxDigits = 4;  // of a number below kMaxDocuments
static_assert(kMaxDocuments <= 10'000);

bool IsChosen(const SubsetMachine::State& state, uint32_t document) {
  return (state.chosen[document / 32] >> (document % 32) & 1) != 0;
}

}  // namespace

Result<SubsetMachine> SubsetMachine::Make(const Spec& spec) {
  JADE_TRY(CheckTag(spec.tag));
  SubsetMachine machine;
  machine.open_ = fmt::format("<{}>", spec.tag);
  machine.close_ = fmt::format("</{}>", spec.tag);
  std::string bytes = machine.open_ + machine.close_ + std::string(kDocument) + ",0123456789";
  std::sort(bytes.begin(), bytes.end());
  bytes.erase(std::unique(bytes.begin(), bytes.end()), bytes.end());
  machine.required_ = std::move(bytes);
  return machine;
}

SubsetMachine::State SubsetMachine::Start(uint32_t documents) const {
  State state;
  state.documents = std::min(documents, kMaxDocuments);
  return state;
}

size_t SubsetMachine::MaxBytes() const {
  return kMaxReplyBytes;
}

bool SubsetMachine::Completes(const State& state, uint32_t number, uint32_t digits, uint32_t* missing) {
  uint64_t low = number;
  uint64_t count = 1;
  for (uint32_t more = 0; digits + more <= kMaxDigits; ++more) {
    for (uint64_t one = low; one < std::min<uint64_t>(low + count, state.documents); ++one) {
      if (IsChosen(state, static_cast<uint32_t>(one))) continue;
      *missing = more;
      return true;
    }
    if (number == 0) return false;  // zero is written alone
    low *= 10;
    count *= 10;
  }
  return false;
}

bool SubsetMachine::Next(State* state, uint8_t byte) const {
  const auto literal = [&](std::string_view text, Phase then) {
    if (byte != static_cast<uint8_t>(text[state->at])) return false;
    if (++state->at < text.size()) return true;
    state->phase = then;
    state->at = 0;
    return true;
  };
  const auto close = [&] {
    state->phase = kClose;
    state->at = 0;
    return literal(close_, kDone);
  };
  switch (state->phase) {
    case kOpen:
      return literal(open_, kFirst);
    case kFirst:
      if (byte == '<') return close();
      if (state->documents == 0) return false;
      state->phase = kName;
      return literal(kDocument, kNumber);
    case kName:
      return literal(kDocument, kNumber);
    case kNumber: {
      uint32_t missing = 0;
      const bool ended = state->at > 0 && state->number < state->documents && !IsChosen(*state, state->number);
      if (byte >= '0' && byte <= '9') {
        if (state->at > 0 && state->number == 0) return false;
        state->number = state->number * 10 + (byte - '0');
        ++state->at;
        return state->at <= kMaxDigits && Completes(*state, state->number, state->at, &missing);
      }
      if (!ended || (byte != ',' && byte != '<')) return false;
      if (byte == ',' && state->chosen_count + 1 == state->documents) return false;
      state->chosen[state->number / 32] |= 1U << (state->number % 32);
      ++state->chosen_count;
      state->number = 0;
      state->at = 0;
      if (byte == '<') return close();
      state->phase = kName;
      return true;
    }
    case kClose:
      return literal(close_, kDone);
    default:
      return false;
  }
}

uint32_t SubsetMachine::Distance(const State& state) const {
  const auto close = static_cast<uint32_t>(close_.size());
  uint32_t missing = 0;
  switch (state.phase) {
    case kOpen:
      return static_cast<uint32_t>(open_.size()) - state.at + close;
    case kFirst:
      return close;
    case kName:
      // Of a number not begun, one digit is missing at least.
      for (uint32_t first = 0, best = kMaxDigits + 1; first <= 9; ++first) {
        if (Completes(state, first, 1, &missing)) best = std::min(best, missing + 1);
        if (first == 9) missing = best;
      }
      return static_cast<uint32_t>(kDocument.size()) - state.at + missing + close;
    case kNumber:
      if (state.at == 0) {
        State before = state;
        before.phase = kName;
        before.at = static_cast<uint16_t>(kDocument.size());
        return Distance(before);
      }
      (void)Completes(state, state.number, state.at, &missing);
      return missing + close;
    case kClose:
      return close - state.at;
    default:
      return 0;
  }
}

}  // namespace jade::constrain
