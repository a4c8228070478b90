#pragma once
// What a reply may be, as data: made from a role's output format and the types and names in scope, written as one line
// of text (the id of a constraint, recorded with the call) and read back from it. The line is complete: whoever has it
// and a vocabulary can compute the same masks. Plain values; any thread.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/ir/callee.h"
#include "compiler/result/result.h"
#include "compiler/types/type_table.h"

namespace jade::constrain {

// Hostile input is refused above these (kInvalidArgument).
inline constexpr size_t kMaxTagBytes = 128;
inline constexpr size_t kMaxPrefixBytes = size_t{64} << 10;
inline constexpr size_t kMaxChoices = 256;       // alternatives, words, stages, types
inline constexpr uint32_t kMaxDocuments = 1024;  // of a longer list only the first can be chosen
inline constexpr size_t kMaxIdBytes = size_t{1} << 20;

// What stands between two tags.
enum class ValueKind : uint8_t { kText, kInt, kFloat, kBool, kWord, kNothing };
struct ValueSpec {
  ValueKind kind = ValueKind::kText;
  bool optional = false;           // `none` may stand instead
  std::vector<std::string> words;  // kWord: the one of these it is
  friend bool operator==(const ValueSpec&, const ValueSpec&) = default;
};

struct AlternativeSpec {
  std::string tag;
  ValueSpec value;
  friend bool operator==(const AlternativeSpec&, const AlternativeSpec&) = default;
};

// The types and names a planner's text is checked against. Types, stages and grammars are numbered.
struct PlanScope {
  static constexpr uint32_t kNone = UINT32_MAX;
  // What can be written for a value of a type, and which values can stand where it is wanted.
  enum class Shape : uint8_t { kPlain, kList, kOptional, kPlan };
  enum class Literal : uint8_t { kNoLiteral, kText, kInt, kFloat, kBool };
  struct Type {
    Shape shape = Shape::kPlain;
    Literal literal = Literal::kNoLiteral;  // of the type, of an optional: of its element
    bool key = false;                       // a pipeline hands it on
    uint32_t element = kNone;               // list, optional: the element; plan: the argument
    uint32_t result = kNone;                // plan
    std::vector<uint32_t> accepts;          // types whose values convert to it, itself among them
    friend bool operator==(const Type&, const Type&) = default;
  };
  struct Parameter {
    uint32_t type = 0;
    bool has_default = false;
    bool from_input = false;
    friend bool operator==(const Parameter&, const Parameter&) = default;
  };
  struct Stage {
    std::string name;
    std::vector<Parameter> parameters;
    uint32_t result = 0;
    friend bool operator==(const Stage&, const Stage&) = default;
  };
  // `stages [R [DS]] AG`: an automaton over stages. State 0 is where it starts.
  struct Edge {
    uint32_t from = 0;
    uint32_t to = 0;
    uint32_t stage = kNone;     // kNone: taken without reading a stage
    uint32_t sub_plan = kNone;  // the grammar of `QDS(…)`
    friend bool operator==(const Edge&, const Edge&) = default;
  };
  struct Grammar {
    uint32_t states = 1;
    uint32_t accept = 0;
    std::vector<Edge> edges;
    friend bool operator==(const Grammar&, const Grammar&) = default;
  };
  std::vector<Type> types;
  std::vector<Stage> stages;
  std::vector<Grammar> grammars;  // empty: rows of any of `stages`, and blocks
  uint32_t argument = 0;
  uint32_t result = 0;
  std::string input;  // blocks: what the plan's input is called; empty: no blocks
  friend bool operator==(const PlanScope&, const PlanScope&) = default;
};

enum class SpecKind : uint8_t { kText, kTag, kNumbered, kSubset, kAlternatives, kPlan };

struct Spec {
  SpecKind kind = SpecKind::kText;
  std::string tag;         // kPlan: may be empty
  ValueSpec value;         // kText, kTag, kNumbered: of each
  uint32_t max = 0;        // kNumbered: most elements; 0: as many as are read
  uint32_t documents = 0;  // kSubset: how many there are to choose from
  std::vector<AlternativeSpec> alternatives;
  std::shared_ptr<const PlanScope> plan;
  std::string prefix;  // what the reply goes on from: the role's prefill
  uint32_t limit = 0;  // tokens of the reply, its end included; 0: none. The text is complete within it.
};

// The text of one format, everything a machine is made of. Equal texts, equal languages.
std::string MachineText(const Spec& spec);
// MachineText and what differs from call to call: prefix, limit, number of documents.
std::string IdText(const Spec& spec);
// Reads an IdText. kInvalidArgument says where it is wrong; bounded by kMaxIdBytes.
Result<Spec> ParseId(std::string_view text);

// Every number names something; kInvalidArgument otherwise.
Status CheckScope(const PlanScope& scope);

// Whether a tag or word can be one (1 to kMaxTagBytes of printable ASCII without `<`, `>`, `/` and blanks).
Status CheckTag(const std::string& tag);

// The spec of an executor's format; kUnsupported when nothing is read as its type. Not for kPlan: plan_scope.h.
Result<Spec> SpecOf(const ir::OutputFormat& format, const types::TypeTable& types);

}  // namespace jade::constrain
