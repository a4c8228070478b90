// What planners may write: nothing that is not accepted, and of rows of stages everything that is.

#include <gtest/gtest.h>

#include <set>

#include "runtime/call/output.h"
#include "runtime/constrain/library.h"
#include "runtime/constrain/plan_scope.h"
#include "runtime/constrain/walk_fixtures.h"
#include "runtime/session/plan_cache.h"

namespace jade::constrain {
namespace {

constexpr char kTeam[] = R"(
type Query = new Text
type Answer = new Text
type Count = new Int
record Doc { title: Text }
enum Mood { Good, Bad }
executor Feel(q: Query) -> Mood { user "{q}"
  emits <good> Good | <bad> Bad
  malformed Mood.Bad }
executor Tell(mood: Mood, q: Query from input, hint: Text = "", doc: Doc? = none) -> Answer { user "{q} {doc == none}"
  emits <a> Answer
  malformed Answer("") }
executor Rewrite(q: Query) -> Query { user "{q}"
  emits <q> Query
  malformed q }
tool Find(q: Query, k: Int = 5) -> [Doc]
tool One(docs: [Doc]) -> Doc
tool Plain(q: Query) -> Text
tool Now() -> Count
tool Odd(n: Count, share: Float, sure: Bool, names: [Query], perhaps: Query?, all: [[Int]]) -> [Query]
workflow Deep(q: Query, sub: Plan<Query, Answer>) -> Answer { run sub on q }
workflow Deeper(q: Query, sub: Plan<Query, Answer>? = none) -> Answer { run (sub ?? Simple) on q }
workflow Simple(q: Query) -> Answer { Tell(Feel(q), q) }
planner Uses(question: Query) -> Plan<Query, Answer> { user "{question}"
  emits plan
  uses Feel, Tell, Rewrite, Find, One, Deep, Deeper, Now, Odd
  malformed Simple }
planner Lists(question: Query) -> Plan<Query, [Query]> { user "{question}"
  emits <plan> plan
  uses Odd, Now, Rewrite
  malformed Listed }
workflow Listed(q: Query) -> [Query] { [q] }
planner Nested(question: Query) -> Plan<Query, Answer> { user "{question}"
  emits <plan> plan
  stages [Rewrite] Feel Tell | Deeper | Deep(Feel Tell | Deeper(Feel [Find [One]] Tell)) [Rewrite Feel Tell]
  malformed Simple }
)";

class Plans : public testing::Test {
 protected:
  static session::ProgramPtr Load(const std::string& text) {
    session::Loaded loaded = text.empty() ? *session::Program::LoadFile(JADE_SOURCE_DIR "/workflows/jade.jade")
                                          : session::Program::LoadText("team.jade", text);
    for (const auto& one : loaded.diagnostics) ADD_FAILURE() << one.message;
    return loaded.program;
  }

  Plans() : programs_{Load(""), Load(kTeam)} {
    for (const session::ProgramPtr& program : programs_) {
      for (uint32_t i = 0; i < program->module()->callee_count(); ++i) {
        if (program->module()->callee({i}).kind == ir::CalleeKind::kPlanner) planners_.push_back({program, {i}});
      }
    }
  }

  struct Planner {
    session::ProgramPtr program;
    ir::CalleeId callee;
    const ir::Callee& role() const { return program->module()->callee(callee); }
    Result<Spec> spec() const { return PlanSpecOf(program->checked(), program->DeclarationOf(callee)); }
  };
  const Planner& Find(const std::string& name) {
    for (const Planner& planner : planners_) {
      if (planner.role().name == name) return planner;
    }
    ADD_FAILURE() << "no planner " << name;
    return planners_[0];
  }
  static bool Accepted(const Planner& planner, const std::string& text, session::PlanCache* plans) {
    return plans->Compile(planner.program->module(), planner.callee, text, 1).plan.has_value();
  }
  std::shared_ptr<const engine::BoundConstraint> Bound(const Planner& planner) {
    const auto spec = planner.spec();
    const auto made = library_.Make(*spec);
    EXPECT_TRUE(made.ok()) << made.error().ToString();
    return *(*made)->Bind(bytes_);
  }

  std::vector<session::ProgramPtr> programs_;
  std::vector<Planner> planners_;
  Library library_;
  VocabularyPtr bytes_ = Bytes();
};

// Every row of up to four stages, each alone or with a sub-plan of one: admitted exactly when it is accepted.
TEST_F(Plans, RowsOfStagesAreThoseThatAreAccepted) {
  size_t accepted = 0;
  for (const Planner& planner : planners_) {
    const Spec spec = *planner.spec();
    const auto bound = Bound(planner);
    session::PlanCache plans(planner.program, 16);
    std::vector<std::string> names;
    for (const PlanScope::Stage& stage : spec.plan->stages) names.push_back(stage.name);
    for (size_t i = 0; i < spec.plan->stages.size(); ++i)
      names.push_back("Deep(Feel," + spec.plan->stages[i].name + ")");
    names.emplace_back("QDS(R,AG)");
    names.emplace_back("Deep(Deep(Deep(Feel,Tell)))");
    std::vector<std::string> rows = {""};
    for (int length = 1; length <= 3; ++length) {
      std::vector<std::string> longer;
      for (const std::string& row : rows) {
        for (const std::string& name : names) longer.push_back(row.empty() ? name : row + "," + name);
      }
      for (const std::string& row : longer) {
        // The plan of `Deep` has no default: without one there is nothing to run.
        const bool runs =
            ("," + row + ",").find(",Deep,") == std::string::npos && row.find(",Deep)") == std::string::npos;
        const bool fine = runs && Accepted(planner, row, &plans);
        accepted += fine ? 1 : 0;
        const std::string text = spec.tag.empty() ? row : "<" + spec.tag + ">" + row + "</" + spec.tag + ">";
        ASSERT_EQ(AdmitsText(*bound, text), fine) << planner.role().name << ": " << row;
      }
      rows = std::move(longer);
    }
  }
  EXPECT_GT(accepted, 50u);
}

TEST_F(Plans, Blocks) {
  const Planner& planner = Find("Uses");
  const auto bound = Bound(planner);
  session::PlanCache plans(planner.program, 16);
  for (const char* good :
       {"Tell(Feel(question), question)", "let m = Feel(question); Tell(m, question, \"short\", One(Find(question)))",
        "let lets = Rewrite(question); Tell(Feel(lets), lets)", "Tell(Feel(\"who?\"), question)", "Deeper(question)",
        "\"a literal is an answer\"", "let a = Odd(Now(), 0.5, true, [question, \"x\"], none, [[1, 20], []]); \"\"",
        "Tell(Feel(question), question, \"\", none)", "Tell(Feel(question), \"\xC3\xA4\")",
        "let trues = Now(); let a = Odd(trues, 12.25, false, [], question, []); Deeper(question)"}) {
    EXPECT_TRUE(Accepted(planner, good, &plans)) << good;
    EXPECT_TRUE(AdmitsText(*bound, good)) << good;
  }
  for (const char* bad :
       {"", "question", "Tell(Feel(root), question)", "Tell(Feel(question))", "let m = Feel(question); Tell(m)",
        "let m = Feel(question); let m = Feel(question); Tell(m, question)",
        "let let = Feel(question); Deeper(question)", "let plan = Feel(question); Deeper(question)",
        "let question = Feel(question); Deeper(question)", "let m = Feel(m); Deeper(question)", "Deep(question)",
        "Tell(Feel(question), \"{question}\")", "Tell(Feel(question),question)", "let m = Feel(question)",
        "Feel(question)", "Tell(Feel(question), \"<\")"}) {
    EXPECT_FALSE(AdmitsText(*bound, bad)) << bad;
  }
}

TEST_F(Plans, NestingIsBounded) {
  const auto bound = Bound(Find("Uses"));
  const auto nested = [](const std::string& name, int levels, const std::string& inside) {
    std::string text = inside;
    for (int i = 0; i < levels; ++i) text = name + "(" + text + ")";
    return text;
  };
  EXPECT_TRUE(AdmitsText(*bound, nested("Deep", 4, "Feel,Tell")));
  EXPECT_FALSE(AdmitsText(*bound, nested("Deep", 5, "Feel,Tell")));
  EXPECT_TRUE(AdmitsText(*bound, nested("Deeper", 1, nested("Rewrite", 5, "question"))));
  EXPECT_FALSE(AdmitsText(*bound, nested("Deeper", 1, nested("Rewrite", 6, "question"))));
  // Where no call fits any more, the shortest argument still does.
  const auto state = bound->Start(engine::kAnyLength);
  const std::string deepest = "let a = Rewrite(Rewrite(Rewrite(Rewrite(Rewrite(Rewrite(";
  for (const char c : deepest) {
    ASSERT_TRUE(state->Accept(static_cast<uint8_t>(c)));
  }
  EXPECT_FALSE(state->Allowed().Has('R'));
  EXPECT_TRUE(state->Allowed().Has('q'));
  EXPECT_TRUE(state->Allowed().Has('"'));
}

TEST_F(Plans, WithoutAnythingToWriteThereIsNoConstraint) {
  PlanScope scope;
  scope.types = {{.key = true, .accepts = {0}}, {.key = true, .accepts = {1}}};
  scope.result = 1;
  scope.stages = {{.name = "A", .parameters = {{.type = 0}}, .result = 0}};
  Spec spec;
  spec.kind = SpecKind::kPlan;
  EXPECT_EQ(library_.Make(spec).error().code(), ErrorCode::kInvalidArgument);
  spec.plan = std::make_shared<const PlanScope>(scope);
  EXPECT_EQ(library_.Make(spec).error().code(), ErrorCode::kInvalidArgument);
  scope.result = 7;
  spec.plan = std::make_shared<const PlanScope>(scope);
  EXPECT_EQ(library_.Make(spec).error().code(), ErrorCode::kInvalidArgument);
  // One value of each of twenty types in any order: too many places.
  scope = {};
  scope.input = "question";
  for (uint32_t i = 0; i < 20; ++i) {
    scope.types.push_back({.key = true, .accepts = {i}});
    scope.stages.push_back({.name = "S" + std::to_string(i), .parameters = {}, .result = i});
  }
  spec.plan = std::make_shared<const PlanScope>(scope);
  const auto made = library_.Make(spec);
  ASSERT_FALSE(made.ok());
  EXPECT_NE(made.error().message().find("4096 places"), std::string::npos);
}

class PlanWalks : public Plans, public testing::WithParamInterface<int> {};

TEST_P(PlanWalks, AreAccepted) {
  auto tokenizer = tokenizer::Tokenizer::LoadTokenizerJson(JADE_SOURCE_DIR "/models/nano/tokenizer.json");
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.error().ToString();
  const VocabularyPtr vocabulary = VocabularyOf(*tokenizer);
  Walker walker(vocabulary, static_cast<uint64_t>(GetParam()));
  std::set<std::string> seen;
  for (const Planner& planner : planners_) {
    session::PlanCache plans(planner.program, 16);
    for (int round = 0; round < 120; ++round) {
      Spec spec = *planner.spec();
      spec.limit = 60 + static_cast<uint32_t>(walker.Below(140));
      const auto constraint = library_.Make(spec);
      ASSERT_TRUE(constraint.ok());
      const Walk walk = walker.Run(**(*constraint)->Bind(vocabulary), spec.limit);
      ASSERT_EQ(walk.problem, "") << (*constraint)->id();
      ASSERT_TRUE(walk.ended) << walk.text;
      const call::ParsedOutput output =
          call::ParseOutput(planner.role().format, walk.text, planner.program->module()->types());
      ASSERT_EQ(output.status, call::OutputStatus::kOk) << walk.text;
      const call::CompiledPlan plan =
          plans.Compile(planner.program->module(), planner.callee, output.value.as_text(), 1);
      ASSERT_TRUE(plan.plan.has_value()) << walk.text << "\n" << plan.diagnostics_json;
      seen.insert(planner.role().name + walk.text);
    }
  }
  EXPECT_GT(seen.size(), 200u);
}
INSTANTIATE_TEST_SUITE_P(Seeds, PlanWalks, testing::Range(0, 4));

// Teams nobody thought of: whatever their planners may write is accepted.
class RandomTeam {
 public:
  explicit RandomTeam(uint64_t seed) : random_(seed) {}

  std::string Text() {
    std::string text =
        "type A = new Text\ntype B = new Text\ntype N = new Int\ntype F = new Float\ntype Y = new Bool\n"
        "record Doc { title: Text, note: A }\nenum Mood { Good, Bad }\n";
    const uint64_t tools = 2 + Below(5);
    for (uint64_t i = 0; i < tools; ++i) {
      names_.push_back(Pick({"a", "let", "T", "tool", "Ta", "x_", "R"}) + std::to_string(i));
      text += "workflow " + names_.back() + "(";
      const uint64_t parameters = Below(4);
      for (uint64_t p = 0; p < parameters; ++p) {
        const bool plan = Below(6) == 0;
        const std::string type = plan ? "Plan<" + Key() + ", " + Key() + ">?" : Type();
        text += (p > 0 ? ", p" : "p") + std::to_string(p) + ": " + type;
        if (!plan && type == "A" && Below(3) == 0) text += " from input";
        if (plan || (type.ends_with('?') && Below(2) == 0)) text += " = none";
        if (type == "Int" && Below(2) == 0) text += " = 3";
      }
      const std::string result = Below(4) == 0 ? Type() : Key();
      text += ") -> " + result + " { Make" + std::to_string(i) + "() }\ntool Make" + std::to_string(i) + "() -> " +
              result + "\n";
    }
    for (int planner = 0; planner < 3; ++planner) {
      const std::string result = Key();
      const std::string name = "P" + std::to_string(planner);
      text += "tool Else" + name + "(q: A) -> " + result + "\nplanner " + name + "(" + Pick({"question", "a", "lets"}) +
              ": A) -> Plan<A, " + result + "> { user \"x\"\n  emits " + Pick({"plan", "<plan> plan"}) + "\n  ";
      text += Below(2) == 0 ? "uses " + Row(", ") : "stages " + Pattern(2);
      text += "\n  malformed Else" + name + " }\n";
    }
    return text;
  }

 private:
  uint64_t Below(uint64_t bound) { return random_() % bound; }
  std::string Pick(const std::vector<std::string>& from) { return from[Below(from.size())]; }
  std::string Key() { return Pick({"A", "B", "N", "Doc", "Mood", "[Doc]", "[A]"}); }
  std::string Type() {
    return Pick({"A", "B", "N", "F", "Y", "Doc", "Mood", "[Doc]", "[A]", "[[N]]", "Text", "Int", "Float", "Bool", "A?",
                 "Doc?", "[Float]", "[A]?", "Float?"});
  }
  std::string Row(const std::string& separator) {
    std::string row;
    for (const std::string& name : names_) {
      if (Below(4) != 0) row += (row.empty() ? "" : separator) + name;
    }
    return row.empty() ? names_[0] : row;
  }
  std::string Pattern(int depth) {
    std::string pattern = Pick(names_);
    const uint64_t more = Below(3);
    for (uint64_t i = 0; i < more && depth > 0; ++i) {
      const uint64_t form = Below(4);
      if (form == 0) pattern += " [" + Pattern(depth - 1) + "]";
      if (form == 1) pattern += " " + Pick(names_) + "(" + Pattern(depth - 1) + ")";
      if (form == 2) pattern += " | " + Pattern(depth - 1);
      if (form == 3) pattern += " " + Pattern(depth - 1);
    }
    return pattern;
  }

  std::mt19937_64 random_;
  std::vector<std::string> names_;
};

TEST(RandomPlans, AreAccepted) {
  const VocabularyPtr vocabulary =
      Bytes({"let ", "; ", "(question", "question)", ", ", "\", ", "P", "R1", "a1", "[]", "let a = "});
  Walker walker(vocabulary, 1);
  const Library library;
  size_t planners = 0;
  std::set<std::string> seen;
  for (uint64_t seed = 0; seed < 120; ++seed) {
    const std::string text = RandomTeam(seed).Text();
    const session::Loaded loaded = session::Program::LoadText("random.jade", text);
    if (loaded.program == nullptr) continue;  // what is random is not always right
    const ir::Module& module = *loaded.program->module();
    session::PlanCache plans(loaded.program, 16);
    for (uint32_t i = 0; i < module.callee_count(); ++i) {
      if (module.callee({i}).kind != ir::CalleeKind::kPlanner) continue;
      const Result<Spec> spec = PlanSpecOf(loaded.program->checked(), loaded.program->DeclarationOf({i}));
      ASSERT_TRUE(spec.ok()) << spec.error().ToString();
      const auto constraint = library.Make(*spec);
      if (!constraint.ok()) continue;  // no plan at all
      ++planners;
      const auto bound = *(*constraint)->Bind(vocabulary);
      for (int round = 0; round < 10; ++round) {
        Walk walk = walker.Run(*bound, 3000);
        ASSERT_EQ(walk.problem, "");
        if (!walk.ended) continue;
        const call::ParsedOutput output = call::ParseOutput(module.callee({i}).format, walk.text, module.types());
        ASSERT_EQ(output.status, call::OutputStatus::kOk) << walk.text;
        const call::CompiledPlan plan = plans.Compile(loaded.program->module(), {i}, output.value.as_text(), 1);
        ASSERT_TRUE(plan.plan.has_value()) << text << walk.text << "\n" << plan.diagnostics_json;
        seen.insert(walk.text);
      }
    }
  }
  EXPECT_GT(planners, 50u);
  EXPECT_GT(seen.size(), 200u);
}

}  // namespace
}  // namespace jade::constrain
