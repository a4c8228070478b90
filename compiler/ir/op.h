#pragma once
// The operation set of JIR. ops.def is the reference for operands, results and traps of each.

#include <cstdint>
#include <optional>
#include <string_view>

#include "compiler/ir/ids.h"
#include "compiler/source/source.h"

namespace jade::ir {

enum class Opcode : uint8_t {
#define JADE_OP(enumerator, name, traits) enumerator,
#include "compiler/ir/ops.def"
#undef JADE_OP
};

inline constexpr int kOpcodeCount = 0
#define JADE_OP(enumerator, name, traits) +1
#include "compiler/ir/ops.def"
#undef JADE_OP
    ;

// "int.add".
std::string_view OpcodeName(Opcode code);
std::optional<Opcode> OpcodeOf(std::string_view name);

enum class OpTrait : uint8_t { kPure, kTraps, kSuspends, kTerminator };
// What the operation may do at most, regions aside: a suspending operation may also trap.
OpTrait TraitOf(Opcode code);

// Bits of kWithin's imm; its operands follow in this order.
enum BudgetBit : uint8_t { kBudgetDepth = 1, kBudgetCalls = 2, kBudgetTokens = 4, kBudgetSeconds = 8 };

// One operation. `imm` and `aux` are as ops.def says; pools live in the Function.
struct Op {
  Opcode code = Opcode::kYield;
  uint32_t operand_begin = 0;  // Function::operands
  uint32_t operand_count = 0;
  uint32_t aux_begin = 0;  // Function::aux
  uint32_t aux_count = 0;
  uint32_t region_count = 0;
  ValueId result;         // invalid: none
  RegionId first_region;  // its regions have consecutive ids
  SiteId site;            // kIssue, kCall, kEnter, kRun
  // Place in program order, within the function: when several of a frame's operations trap, the least order's trap
  // counts and children of greater order are cancelled. Passes move operations and keep their order.
  uint32_t order = 0;
  int64_t imm = 0;
  source::Span span;
};

}  // namespace jade::ir
