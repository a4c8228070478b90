#include "tests/differential/program_generator.h"

#include <fmt/ranges.h>

#include "tests/differential/expression_generator.h"
#include "tests/differential/value_writer.h"

namespace jade::differential {
namespace {

class ProgramGenerator {
 public:
  explicit ProgramGenerator(uint64_t seed)
      : random_(seed),
        types_(std::make_shared<TypePool>()),
        features_(FeaturesOf(random_)),
        expressions_(random_, *types_, callables_, features_) {
    program_.seed = seed;
    program_.types = types_;
    program_.traps = features_.traps;
    program_.budgets = features_.budgets;
    if (features_.budgets && !features_.tokens && random_.Chance(30)) program_.calls = random_.Between(0, 12);
    if (features_.traps && random_.Chance(20)) program_.depth = random_.Between(0, 3);
  }

  GeneratedProgram Generate() {
    Types();
    Params();
    Tools();
    Team();
    const int executors = random_.Between(0, 2);
    for (int i = 0; i < executors; ++i) FreeExecutor(i);
    Decompositions();
    if (random_.Chance(70)) Planners();
    const int groups = random_.Between(1, 3);
    for (int i = 0; i < groups; ++i) Workflows(i);
    Main();
    return std::move(program_);
  }

 private:
  static Features FeaturesOf(Random& random) {
    const uint32_t mode = random.Below(10);
    return {.traps = mode >= 4 && mode <= 6, .budgets = mode >= 7, .tokens = mode == 9};
  }

  void Types();
  void Params();
  void Tools();
  void Team();
  void FreeExecutor(int number);
  void Decompositions();
  void Planners();
  std::string StagePlan();
  std::string BlockPlan(const std::vector<Callable>& admitted);
  void Workflows(int group);
  void Main();

  Context Pure(const std::vector<Parameter>& parameters) const;
  std::string Sized(int size, const Type* type, const Context& context);
  // Writes an executor. `parameters` as text, when it says more than names and types.
  void Executor(const Callable& signature, const std::string& parameters, RoleScript script, const std::string& emits);
  static std::string ParametersOf(const Callable& callee);

  Random random_;
  std::shared_ptr<TypePool> types_;
  Features features_;
  std::vector<Callable> callables_;
  ExpressionGenerator expressions_;
  GeneratedProgram program_;
  std::vector<Variable> params_;
  const Type* query_ = nullptr;
  const Type* answer_ = nullptr;
  const Type* doc_ = nullptr;
  const Type* step_ = nullptr;
};

void ProgramGenerator::Types() {
  query_ = types_->Declare({.kind = Kind::kNominal, .name = "Q", .item = types_->Text()});
  answer_ = types_->Declare({.kind = Kind::kNominal, .name = "A", .item = types_->Text()});
  program_.text += "type Q = new Text\ntype A = new Text\n";
  if (random_.Chance(40)) {
    types_->Declare({.kind = Kind::kNominal, .name = "N", .item = types_->Int()});
    program_.text += "type N = new Int\n";
  }
  doc_ = types_->Declare(
      {.kind = Kind::kRecord, .name = "D", .fields = {{"title", types_->Text()}, {"score", types_->Int()}}});
  program_.text += "record D { title: Text, score: Int }\n";
  if (random_.Chance(50)) {
    Type record{.kind = Kind::kRecord, .name = "R"};
    std::string fields;
    const int count = random_.Between(1, 3);
    for (int i = 0; i < count; ++i) {
      record.fields.push_back({Written{"f{}", i}.text, types_->Any(random_)});
      fields += Written{"{}f{}: {}", i > 0 ? ", " : "", i, record.fields.back().type->name}.text;
    }
    types_->Declare(record);
    program_.text += "record R { " + fields + " }\n";
  }
  step_ = types_->Declare({.kind = Kind::kEnum,
                           .name = "Step",
                           .cases = {{"Ask", {{"q", query_}}}, {"Final", {{"a", answer_}}}, {"Stop", {}}}});
  program_.text += "enum Step { Ask(q: Q), Final(a: A), Stop }\n";
  if (random_.Chance(50)) {
    Type chosen{.kind = Kind::kEnum, .name = "E", .cases = {{"Move", {}}, {"Stay", {}}}};
    chosen.cases[0].fields = {{"x", types_->Int()}, {"y", types_->Any(random_)}};
    const std::string y = chosen.cases[0].fields[1].type->name;
    types_->Declare(chosen);
    program_.text += Written{"enum E {{ Move(x: Int, y: {}), Stay }}\n", y}.text;
  }
}

void ProgramGenerator::Params() {
  const std::vector<const Type*> kinds = {types_->Int(), types_->Float(), types_->Bool(), types_->Text()};
  const int count = random_.Between(0, 2);
  for (int i = 0; i < count; ++i) {
    const Type* type = random_.Pick(kinds);
    const std::string name = Written{"p{}", i}.text;
    program_.text += Written{"param {}: {} = {}\n", name, type->name, expressions_.Literal(type, {})}.text;
    params_.push_back({name, type});
    if (random_.Chance(30)) program_.params[name] = InputText(*type, random_);
  }
}

void ProgramGenerator::Tools() {
  const uint32_t failing = features_.traps ? 4 : 0;
  program_.text += Written{"tool {}(n: Int) -> Int\n", kCaughtTool}.text;
  program_.tools[std::string(kCaughtTool)] = {types_->Int(), 0};
  program_.text += "tool Search(query: Q, k: Int = 2) -> [D] { retry 1 }\n";
  program_.tools["Search"] = {types_->ListOf(doc_), failing};
  callables_.push_back({"Search", {{"query", query_}, {"k", types_->Int(), true}}, types_->ListOf(doc_)});
  if (random_.Chance(50)) return;
  Callable tool{"Look", {{"of", types_->Any(random_)}}, types_->Any(random_)};
  program_.text += Written{"tool Look({}) -> {}\n", ParametersOf(tool), tool.result->name}.text;
  program_.tools["Look"] = {tool.result, failing};
  callables_.push_back(tool);
}

std::string ProgramGenerator::ParametersOf(const Callable& callee) {
  std::string text;
  for (const Parameter& parameter : callee.parameters) {
    text += Written{"{}{}: {}", text.empty() ? "" : ", ", parameter.name, parameter.type->name}.text;
  }
  return text;
}

Context ProgramGenerator::Pure(const std::vector<Parameter>& parameters) const {
  Context context;
  context.variables = params_;
  for (const Parameter& parameter : parameters) context.variables.push_back({parameter.name, parameter.type});
  return context;
}

std::string ProgramGenerator::Sized(int size, const Type* type, const Context& context) {
  expressions_.SetSize(size);
  return expressions_.Expression(type, context);
}

void ProgramGenerator::Executor(const Callable& signature, const std::string& parameters, RoleScript script,
                                const std::string& emits) {
  const Context context = Pure(signature.parameters);
  std::string& text = program_.text;
  text += Written{"executor {}({}) -> {} {{\n", signature.name, parameters, signature.result->name}.text;
  if (random_.Chance(30)) text += "system \"" + expressions_.TemplateParts(context, 1) + "\"\n";
  text += "user \"" + signature.name + " " + expressions_.TemplateParts(context, random_.Between(1, 4)) + "\"\n";
  if (random_.Chance(15)) text += "assistant \"so far\"\nuser \"on\"\n";
  text += "emits " + emits + "\n";
  const Context raw = context.With("raw", types_->Text());
  const Context result = raw.With("result", signature.result);
  if (random_.Chance(50)) {
    text += "check " + Sized(5, types_->Bool(), result.Free()) + "\n";
    if (random_.Chance(50)) text += "invalid " + Sized(5, signature.result, result) + "\n";
  }
  if (!features_.traps || random_.Chance(85)) text += "malformed " + Sized(5, signature.result, raw) + "\n";
  if (random_.Chance(50)) text += Written{"penalty {}.5\n", random_.Between(0, 3)}.text;
  text += "}\n";
  script.broken_percent = random_.Chance(60) ? 10 : 0;
  script.failing_percent = features_.traps && random_.Chance(40) ? 6 : 0;
  program_.roles[signature.name] = std::move(script);
  callables_.push_back(signature);
}

void ProgramGenerator::Team() {
  Executor({"Rewrite", {{"sub", query_}, {"root", query_}}, query_}, "sub: Q, root: Q from input",
           {.format = Format::kTag, .tag = "query", .type = query_}, "<query> Q");
  Executor({"Select", {{"question", query_}, {"docs", types_->ListOf(doc_)}}, types_->ListOf(doc_)},
           "question: Q from input, docs: [D]", {.format = Format::kSubset, .tag = "id"}, "<id> subset docs");
  Executor({"Reply", {{"question", query_}, {"docs", types_->ListOf(doc_), true}}, answer_},
           "question: Q from input, docs: [D] = []", {.format = Format::kTag, .tag = "answer", .type = answer_},
           "<answer> A");
  Executor({"Split", {{"question", query_}}, types_->ListOf(query_)}, "question: Q",
           {.format = Format::kNumbered, .tag = "q", .type = query_, .max = 3}, "<q#> [Q] max 3");
  if (random_.Chance(60)) {
    Executor(
        {"Next", {{"question", query_}, {"told", answer_, true}}, step_}, "question: Q, told: A = \"\"",
        {.format = Format::kAlternatives, .alternatives = {{"ask", query_}, {"final", answer_}, {"stop", nullptr}}},
        "<ask> Ask | <final> Final | <stop> Stop");
  }
}

void ProgramGenerator::FreeExecutor(int number) {
  Callable signature{Written{"Role{}", number}.text, {}, nullptr};
  const int count = random_.Between(1, 3);
  for (int i = 0; i < count; ++i) signature.parameters.push_back({Written{"a{}", i}.text, types_->Any(random_)});
  const std::vector<const Type*> read = {types_->Int(), types_->Bool(), types_->Text(),
                                         query_,        answer_,        types_->Float()};
  const Type* type = random_.Pick(read);
  RoleScript script{.format = Format::kTag, .tag = "r", .type = type};
  std::string emits = "<r> " + type->name;
  signature.result = type;
  if (type->IsText() && random_.Chance(40)) {
    script.format = Format::kText;
    emits = "text";
  } else if (random_.Chance(30)) {
    script.format = Format::kNumbered;
    script.max = 3;
    signature.result = types_->ListOf(type);
    emits = Written{"<r#> [{}] max 3", type->name}.text;
  }
  Executor(signature, ParametersOf(signature), script, emits);
}

void ProgramGenerator::Decompositions() {
  program_.text +=
      "workflow Serial(question: Q, sub: Plan<Q, A>? = none) -> A {\n"
      "let notes = fold q in Split(question) with told: [A] = [] {\n"
      "let better = Rewrite(q, question)\n"
      "told + [match sub {\nsome(plan) => run plan on better\nnone => Reply(better)\n}]\n"
      "}\n"
      "Reply(question, [D(\"{n}\", len(notes)) for n in notes])\n"
      "}\n"
      "workflow Parallel(question: Q, sub: Plan<Q, A>? = none) -> A {\n"
      "let notes = each q in Split(question) {\n"
      "match sub {\nsome(plan) => run plan on q\nnone => Reply(q, Search(q))\n}\n"
      "}\n"
      "Reply(question, [D(\"{n}\", 1) for n in notes])\n"
      "}\n";
  const std::vector<Parameter> parameters = {{"question", query_},
                                             {"sub", types_->OptionalOf(types_->PlanOf(query_, answer_)), true}};
  callables_.push_back({"Serial", parameters, answer_});
  callables_.push_back({"Parallel", parameters, answer_});
}

std::string ProgramGenerator::StagePlan() {
  static const std::vector<std::string> kGood = {"Reply",
                                                 "Rewrite, Reply",
                                                 "Search, Reply",
                                                 "Rewrite, Search, Select, Reply",
                                                 "Serial",
                                                 "Parallel",
                                                 "Serial(Search, Reply)",
                                                 "Parallel(Reply)",
                                                 "Search,Select,Reply",
                                                 "Serial( Reply )"};
  static const std::vector<std::string> kBad = {"Select, Reply",   "Search, Select",  "Reply(Search)",
                                                "I would search.", "Rewrite,, Reply", "Parallel(Search)",
                                                "Search(",         "Nobody, Reply"};
  return random_.Chance(75) ? random_.Pick(kGood) : random_.Pick(kBad);
}

std::string ProgramGenerator::BlockPlan(const std::vector<Callable>& admitted) {
  if (random_.Chance(20)) return StagePlan();
  ExpressionGenerator writer(random_, *types_, admitted, features_);
  Context context;
  context.calls = true;
  context.plan = true;
  context.variables = {{"question", query_}};
  std::string text;
  const int lets = random_.Between(0, 3);
  for (int i = 0; i < lets; ++i) {
    writer.SetSize(5);
    const Callable& callee = random_.Pick(admitted);
    const std::string name = writer.NewName("v");
    text += Written{"let {} = {}; ", name, writer.Call(callee, context)}.text;
    context.variables.push_back({name, callee.result});
  }
  writer.SetSize(6);
  return text + (random_.Chance(80) ? writer.Call(admitted[2], context) : writer.Expression(answer_, context));
}

void ProgramGenerator::Planners() {
  const Type* plan = types_->PlanOf(query_, answer_);
  static const std::vector<std::string> kFallbacks = {"Reply", "Serial", "Parallel"};
  const auto write = [&](const std::string& name, const std::string& admits, RoleScript script) {
    program_.text +=
        Written{
            "planner {}(question: Q) -> Plan<Q, A> {{\nuser \"{} {{question}}\"\nemits <workflow> plan\n{}\n"
            "malformed {}\ninvalid {}\npenalty 2.0\noverrun 1.0\n}}\n",
            name,
            name,
            admits,
            random_.Pick(kFallbacks),
            random_.Pick(kFallbacks)}
            .text;
    script.format = Format::kPlan;
    script.tag = "workflow";
    script.broken_percent = 10;
    program_.roles[name] = std::move(script);
    callables_.push_back({name, {{"question", query_}}, plan});
  };
  RoleScript stages;
  const int count = random_.Between(2, 5);
  for (int i = 0; i < count; ++i) stages.plans.push_back(StagePlan());
  write("PlanStages",
        "stages [Rewrite] [Search [Select]] Reply | Serial | Parallel | Serial([Search] Reply) | Parallel([Search] "
        "Reply)",
        stages);
  if (random_.Chance(40)) return;
  std::vector<Callable> admitted;
  for (const char* name : {"Rewrite", "Search", "Reply", "Select", "Serial", "Parallel"}) {
    for (const Callable& callee : callables_) {
      if (callee.name == name) admitted.push_back(callee);
    }
  }
  RoleScript blocks;
  for (int i = 0; i < count; ++i) blocks.plans.push_back(BlockPlan(admitted));
  write("PlanBlocks", "uses Rewrite, Search, Reply, Select, Serial, Parallel", blocks);
}

void ProgramGenerator::Workflows(int group) {
  const bool recursive = random_.Chance(35);
  const int count = recursive ? random_.Between(1, 2) : 1;
  std::vector<Callable> members;
  for (int i = 0; i < count; ++i) {
    Callable one{Written{"W{}{}", group, i == 0 ? "a" : "b"}.text, {}, types_->Any(random_)};
    if (random_.Chance(40)) one.result = random_.Chance(50) ? answer_ : query_;
    const int parameters = random_.Between(1, 3);
    for (int k = 0; k < parameters; ++k) one.parameters.push_back({Written{"a{}", k}.text, types_->Any(random_)});
    if (!recursive && random_.Chance(15)) one.parameters.push_back({"plan", types_->PlanOf(query_, answer_)});
    if (recursive) {
      one.parameters.push_back({"steps", types_->Int()});
      one.group = group;
    }
    members.push_back(one);
  }
  if (recursive) callables_.insert(callables_.end(), members.begin(), members.end());
  for (const Callable& one : members) {
    Context context = Pure(one.parameters);
    context.calls = true;
    context.group = recursive ? group : -1;
    context.steps = "steps";
    expressions_.SetSize(random_.Between(6, 24));
    std::string body = expressions_.Block(one.result, context);
    if (recursive)
      body = Written{"{{\nif steps <= 0 {{ {} }} else {}\n}}", expressions_.Leaf(one.result, context), body}.text;
    program_.text += Written{"workflow {}({}) -> {} {}\n", one.name, ParametersOf(one), one.result->name, body}.text;
  }
  if (!recursive) callables_.insert(callables_.end(), members.begin(), members.end());
}

void ProgramGenerator::Main() {
  Callable main{"Main", {{"question", query_}, {"n", types_->Int()}}, types_->Any(random_)};
  const int more = random_.Between(0, 3);
  for (int i = 0; i < more; ++i) main.parameters.push_back({Written{"a{}", i}.text, types_->Any(random_)});
  for (const Parameter& parameter : main.parameters)
    program_.inputs[parameter.name] = InputText(*parameter.type, random_);
  Context context = Pure(main.parameters);
  context.calls = true;
  expressions_.SetSize(random_.Between(15, 50));
  program_.text += Written{"main workflow Main({}) -> {} {}\n", ParametersOf(main), main.result->name,
                           expressions_.Block(main.result, context)}
                       .text;
}

}  // namespace

GeneratedProgram GenerateProgram(uint64_t seed) {
  return ProgramGenerator(seed).Generate();
}

}  // namespace jade::differential
