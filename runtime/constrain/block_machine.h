#pragma once
// Reads blocks, `let a = R(question); AG(question, a)`, byte by byte, as a part of PlanMachine: calls of the names in
// scope with arguments whose types fit, names bound before, literals and lists. The symbol table and the open calls are
// in the state. Immutable: any thread.

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/constrain/machine.h"
#include "runtime/constrain/spec.h"

namespace jade::constrain {

class BlockMachine {
 public:
  static constexpr uint32_t kDepth = 6;  // calls and lists in each other
  static constexpr uint32_t kLets = 8;
  static constexpr uint32_t kNameBytes = kMaxNameBytes + 1;
  static constexpr uint32_t kListItems = 8;
  static constexpr uint32_t kDigits = 9;
  static constexpr uint32_t kNever = UINT32_MAX / 4;

  using Name = std::array<char, kNameBytes>;  // filled up with zeros
  struct Frame {
    uint16_t id = 0;  // the stage called; of a list: the type of its elements
    uint8_t list = 0;
    uint8_t argument = 0;  // being written
  };
  struct Local {
    Name name{};
    uint32_t type = 0;
  };
  struct State {
    uint8_t phase = 0;
    uint8_t depth = 0;
    uint8_t lets = 0;    // bound
    uint8_t in_let = 0;  // the next one is being bound
    uint16_t word = 0;   // kWord: the first candidate that begins with what was read; kNumber: its part
    uint8_t length = 0;  // of what was read of a word, name, number or separator
    uint8_t utf8 = 0;
    std::array<Frame, kDepth> frames{};
    std::array<Local, kLets> locals{};
  };

  // `scope` was checked (CheckScope).
  explicit BlockMachine(std::shared_ptr<const PlanScope> scope);

  bool Possible() const { return Distance({}) < kNever; }
  bool Next(State* state, uint8_t byte) const;
  uint32_t Distance(const State& state) const;  // kNever when there is no complete text
  Utf8 Pending(const State& state) const { return static_cast<Utf8>(state.utf8); }
  FreeText Free(const State& state) const;

 private:
  enum Phase : uint8_t { kExpression, kFirst, kWord, kLetName, kEquals, kBlank, kNumber, kString, kAfter };
  enum Part : uint16_t { kWhole, kFraction };  // of a number
  // What a word can be. Locals and stages follow.
  enum Candidate : uint16_t { kLet, kTrue, kFalse, kNone, kInput, kLocals };
  static constexpr uint16_t kStages = kLocals + kLets;
  static constexpr uint32_t kAny = UINT32_MAX;  // as a wanted type: whatever a call gives

  uint16_t CandidateEnd() const { return static_cast<uint16_t>(kStages + scope_->stages.size()); }
  static uint8_t Closing(const Frame& frame) { return static_cast<uint8_t>(frame.list != 0 ? ']' : ')'); }
  static uint32_t Open(const State& state) { return kDepth - state.depth; }
  uint32_t Wanted(const State& state) const;
  uint32_t Bare(uint32_t type) const;
  bool Accepts(uint32_t wanted, uint32_t type) const;
  uint32_t CostOf(uint32_t wanted, uint32_t open) const;
  uint32_t CallCost(uint32_t stage, uint32_t open) const;  // of `(…)`
  uint32_t Required(uint32_t stage) const { return required_[stage]; }
  std::string_view TextOf(const State& state, uint16_t candidate) const;
  // Bytes from behind the word to the end of its expression; kNever where it cannot stand.
  uint32_t TailOf(const State& state, uint16_t candidate, uint32_t wanted) const;
  uint32_t Rest(const State& state) const;  // from behind the expression to the end
  bool IsTaken(const State& state, std::string_view name) const;
  // It is taken and no longer name begins with it.
  bool IsDeadEnd(const State& state, std::string_view name) const;
  uint32_t Missing(const State& state) const;  // bytes until the name of the `let` is one

  FreeText FreeName(const State& state) const;
  bool BeginExpression(State* state, uint8_t byte) const;
  bool Word(State* state, uint8_t byte) const;
  bool FindWord(State* state, uint8_t byte) const;
  bool LetName(State* state, uint8_t byte) const;
  bool Number(State* state, uint8_t byte) const;
  bool After(State* state, uint8_t byte) const;

  std::shared_ptr<const PlanScope> scope_;
  std::vector<std::vector<bool>> accepts_;               // [wanted][type]
  std::vector<uint32_t> required_;                       // arguments a call must have, by stage
  std::array<std::vector<uint32_t>, kDepth + 1> costs_;  // [open][type]
  std::array<std::vector<uint32_t>, kDepth + 1> calls_;  // [open][stage]
  std::array<uint32_t, kDepth + 1> any_call_{};
  bool lets_ = false;
};

}  // namespace jade::constrain
