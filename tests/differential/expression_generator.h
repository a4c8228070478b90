#pragma once
// Writes expressions of a given type, bounded in size. What they may hold is in the Context: names in scope, whether
// calls are allowed, and whether the text is a planner's (calls, literals, operators and `if` only).

#include <fmt/format.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/differential/random.h"
#include "tests/differential/type_pool.h"

namespace jade::differential {

// A text whose pieces are made from left to right: between braces their order is the language's, between parentheses
// the compiler's, and the same seed must give the same program with every compiler.
struct Written {
  template <typename... Pieces>
  Written(fmt::format_string<Pieces...> format, Pieces&&... pieces)
      : text(fmt::format(format, std::forward<Pieces>(pieces)...)) {}
  std::string text;
};

struct Parameter {
  std::string name;
  const Type* type;
  bool has_default = false;
};

struct Callable {
  std::string name;
  std::vector<Parameter> parameters;
  const Type* result = nullptr;
  int group = -1;  // workflows that call each other: the last parameter, `steps`, bounds them
};

struct Variable {
  std::string name;
  const Type* type;
};

struct Context {
  std::vector<Variable> variables;
  bool calls = false;
  bool plan = false;   // the text of a plan
  bool placed = true;  // the place gives the type, so that literals adapt and `[]` and `none` may stand
  int loops = 0;
  int group = -1;     // of the workflow that is written
  std::string steps;  // its parameter that bounds the recursion

  Context With(std::string name, const Type* type) const {
    Context inner = *this;
    inner.variables.push_back({std::move(name), type});
    return inner;
  }
  Context Free() const {
    Context inner = *this;
    inner.placed = false;
    return inner;
  }
  Context InLoop() const {
    Context inner = *this;
    ++inner.loops;
    return inner;
  }
};

struct Features {
  bool traps = false;
  bool budgets = false;
  bool tokens = false;  // the budget is one of tokens, not of calls
};

class ExpressionGenerator {
 public:
  ExpressionGenerator(Random& random, TypePool& types, const std::vector<Callable>& callables, Features features)
      : random_(random), types_(types), callables_(callables), features_(features) {}

  // How many more forms the expressions from here on may use.
  void SetSize(int size) { size_ = size; }
  std::string Expression(const Type* type, const Context& context);
  std::string Block(const Type* type, const Context& context);
  // A variable or the smallest literal.
  std::string Leaf(const Type* type, const Context& context);
  std::string Literal(const Type* type, const Context& context);
  // The parts of a template over the names in scope, without its quotes.
  std::string TemplateParts(const Context& context, int parts);
  std::string NewName(const char* prefix) { return prefix + std::to_string(++names_); }
  // A call with all its parameters.
  std::string Call(const Callable& callee, const Context& context);

 private:
  using Code = std::optional<std::string>;
  using Maker = Code (ExpressionGenerator::*)(const Type*, const Context&);
  struct Form {
    uint32_t weight;
    bool in_plans;
    Maker make;
  };
  static const std::vector<Form>& Forms();

  std::string Compound(const Type* type, const Context& context);
  std::string Operand(const Type* type, const Context& context);
  std::string IntOperand(const Context& context) { return Operand(types_.Int(), context.Free()); }
  const Callable& AnyCallable();
  const Variable* VariableOf(const Type* type, const Context& context);
  Code Named(const Type* type, const Context& context);

  // expression_forms.cpp: any type
  Code If(const Type* type, const Context& context);
  Code Match(const Type* type, const Context& context);
  Code Coalesce(const Type* type, const Context& context);
  Code FieldOf(const Type* type, const Context& context);
  Code IndexOf(const Type* type, const Context& context);
  Code CallOf(const Type* type, const Context& context);
  Code Fold(const Type* type, const Context& context);
  Code Repeat(const Type* type, const Context& context);
  Code Within(const Type* type, const Context& context);
  Code Run(const Type* type, const Context& context);
  std::string Limits();

  // typed_forms.cpp: by type
  Code Arithmetic(const Type* type, const Context& context);
  Code Number(const Type* type, const Context& context);
  Code Comparison(const Type* type, const Context& context);
  Code Logic(const Type* type, const Context& context);
  Code Question(const Type* type, const Context& context);
  Code Template(const Type* type, const Context& context);
  Code TextFunction(const Type* type, const Context& context);
  Code Constructor(const Type* type, const Context& context);
  Code Each(const Type* type, const Context& context);
  Code ListFunction(const Type* type, const Context& context);
  Code Optional(const Type* type, const Context& context);
  Code Converted(const Type* type, const Context& context);
  std::string Hole(const Context& context);

  Random& random_;
  TypePool& types_;
  const std::vector<Callable>& callables_;
  Features features_;
  int size_ = 0;
  int nesting_ = 0;
  int token_limits_ = 0;
  int names_ = 0;
};

}  // namespace jade::differential
