#pragma once
// What checking finds out about a program: the typed AST. Trees stay as the parser made them; facts stand in side
// tables indexed by ast::NodeId, one set of tables for each tree (module or plan). Later phases read, never write.
//
// A Program owns its modules, their trees and its types. It is immutable once CheckProgram has returned, except that
// checking a plan may add structural types: one thread may check plans while no other reads the type table.

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "compiler/ast/decl.h"
#include "compiler/ast/plan.h"
#include "compiler/sema/stages.h"
#include "compiler/types/signature.h"
#include "compiler/types/type_table.h"

namespace jade::sema {

using types::TypeId;

inline constexpr uint32_t kNone = UINT32_MAX;
inline constexpr TypeId kNoType{UINT32_MAX};  // nothing is known or expected

enum class SymbolKind : uint8_t {
  kNone,         // nothing, or already diagnosed
  kLocal,        // a parameter, `let`, element or state: `binding` is the NodeId that binds it (in the same tree)
  kResult,       // `result` of a check or invalid clause
  kRaw,          // `raw`: what the model wrote
  kInput,        // in a block plan: the plan's input
  kDeclaration,  // executor, planner, tool, workflow, reward, param: `declaration`
  kRecord,       // a record's constructor: `type`
  kNominal,      // a nominal type's constructor: `type`
  kCase,         // an enum's case: `type` and `case_index`
  kBuiltin,      // `builtin`: the operation, as compiler/ir/builtins.def names it; or "penalty", "calls" (tests only)
};

// What a name means.
struct Symbol {
  SymbolKind kind = SymbolKind::kNone;
  uint32_t declaration = kNone;
  uint32_t case_index = 0;
  ast::NodeId binding;
  TypeId type;
  std::string_view builtin;
};

// Applied to an expression's value after it is computed. Retyping changes nothing at run time: nominal to base,
// T to T?, and both inside lists.
enum class Conversion : uint8_t { kNone, kRetype, kIntToFloat, kToPlan };

struct NodeInfo {
  TypeId type;       // expressions, bindings, parameters: their type; type expressions: the type they name
  TypeId converted;  // expressions: the type after the conversion, == type without one
  Conversion conversion = Conversion::kNone;
  int32_t field = -1;  // FieldExpr on a record: the field's index
  Symbol symbol;       // NameExpr, FieldExpr naming something, Pattern of a case; of kToPlan: the declaration
};

struct BoundArgument {
  const ast::Expr* value = nullptr;  // a defaulted one belongs to the tree of the callee's module
  bool defaulted = false;
};

struct CallInfo {
  Symbol callee;
  // One for each parameter, in order of the parameters; for builtins in the order of the operation's signature. Where
  // evaluation order matters, arguments as written come first to last.
  std::vector<BoundArgument> arguments;
  uint32_t role = kNone;  // penalty(QR), calls(QR): the declaration asked about
};

struct Tables {
  std::vector<NodeInfo> nodes;                   // by NodeId
  std::unordered_map<uint32_t, CallInfo> calls;  // by NodeId of the CallExpr

  const NodeInfo& operator[](ast::NodeId id) const { return nodes[id.index]; }
  const CallInfo& call(const ast::CallExpr& expr) const { return calls.at(expr.id.index); }
};

enum class FormatKind : uint8_t { kText, kTag, kNumbered, kSubset, kAlternatives, kPlan };

struct FormatAlternative {  // `<ask> Ask`
  std::string tag;
  uint32_t case_index = 0;
  TypeId type = kNoType;  // of the case's one value; kNoType when it has none
};

struct OutputFormat {
  FormatKind kind = FormatKind::kText;
  std::string tag;             // kNumbered: without the number; kPlan: may be empty
  TypeId type = kNoType;       // kText, kTag: what the text is read as; kNumbered: the element
  uint32_t max = 0;            // kNumbered: a longer list is malformed; 0 is no limit
  uint32_t parameter = kNone;  // kSubset: index of the parameter chosen from
  std::vector<FormatAlternative> alternatives;
};

struct Sampling {  // unset members come from the configuration
  std::optional<double> temperature;
  std::optional<double> top_p;
  std::optional<int64_t> top_k;
  std::optional<int64_t> max_tokens;
  std::vector<std::string> stop;
};

// Executors and planners; messages and clause expressions are in the tree (ast::Role).
struct RoleInfo {
  OutputFormat format;
  double penalty = 0;
  double overrun = 0;
  Sampling sampling;
  // Planners.
  TypeId plan_argument = kNoType;
  TypeId plan_result = kNoType;
  std::string input_name;  // how a block plan calls its input: the planner's parameter of that type, or `input`
  std::shared_ptr<const StageGrammar> stages;  // null when `uses` speaks
  std::vector<uint32_t> uses;                  // declarations a block plan may call
};

struct ToolInfo {
  uint32_t retries = 0;
  int64_t timeout_us = 0;  // 0: none
};

// A callable or a param. Types and tests are not in this list.
struct Declaration {
  std::string name;
  ast::DeclKind kind = ast::DeclKind::kWorkflow;
  uint32_t module = 0;
  const ast::Decl* decl = nullptr;
  types::Signature signature;  // params: no parameters
  RoleInfo role;
  ToolInfo tool;
};

struct CheckedModule {
  std::string name;  // "std.rag"; empty for the file given
  source::SourceFilePtr file;
  std::unique_ptr<ast::Module> tree;
  Tables tables;
  std::vector<uint32_t> imports;       // modules of its `use`s, in order
  std::vector<uint32_t> declarations;  // its own, in source order
  // Everything visible unqualified, and the modules visible under a name.
  std::map<std::string, Symbol, std::less<>> values;
  std::map<std::string, TypeId, std::less<>> types;
  std::map<std::string, uint32_t, std::less<>> aliases;
};

struct Program {
  std::shared_ptr<types::TypeTable> types = std::make_shared<types::TypeTable>();
  std::vector<std::unique_ptr<CheckedModule>> modules;  // used before using; the file given is last
  std::vector<Declaration> declarations;
  uint32_t main = kNone;  // the `main` workflow of the file given, else its only workflow
  bool ok = false;        // no errors: only then may it be lowered

  const CheckedModule& root() const { return *modules.back(); }
  // Index of what `name` means in the file given, imports included; kNone when it is no callable or param.
  uint32_t Find(std::string_view name) const;
};

using ProgramPtr = std::shared_ptr<Program>;

}  // namespace jade::sema
