#include <mutex>

#include "compiler/parse/parse.h"

namespace jade::parse {
namespace {

// Visits the grammar's decisions, those of plans above all.
constexpr const char* kModule = R"jade(
use std.rag as rag
type Query = new Text
type Queries = [Query]
record Note { question: Query, answer: Answer? }
enum Reply { Ask(query: Query), Stop }
executor QR(sub: Query, root: Query from input, notes: [Note] = []) -> Query {
  system """Rewrite {if root == sub}it{else if true}that{else}this{end}"""
  user "{for n in notes}{n.question} -> {n.answer}{end} {sub}"
  emits <query> Query | <q#> [Query] max 7 | <id> subset docs | text
  check result != root and words(result) <= 100 or not (-1 < 2)
  malformed Query(raw)
  invalid result
  penalty 2.0
  sample temperature 1.0, max_tokens 64
}
tool R(query: Query, k: Int = 5) -> [Doc] { retry 2, timeout 5s }
planner MakePlan(question: Query) -> Plan<Query, Answer> {
  user "{question}"
  emits <workflow> plan
  stages [QR] [R [DS]] AG | QDS(AG) | QDP
  uses QDS, QDP
  overrun 1.0
}
main workflow QDS(question: Query, sub: Plan<Query, Answer>? = none) -> Answer {
  let notes = fold q in Decompose(question) with notes: [Note] = [] {
    notes + [Note(q, run (sub ?? SubPlan(q)) on q)]
  }
  let parts = each q in [x for x in notes if x.ok] { if q.a { match q { none => 1, some(v) => { v[0] } } } else { 2 } }
  let last = repeat up to 3 with s = 0 { s + 1 * 2 until s > 2 }
  within { calls: 40, tokens: 6000 } run MakePlan(question) on question else AG@final(question, docs: [])
}
param alpha: Float = 0.0
reward Team(answer: Answer, run: Run) -> Float { alpha - min(run.turns - 1, 3) / 3.0 % 2 }
test "a test" {
  reply QR "no", "yes"
  let x = QR("who")
  expect x == "no"
}
)jade";

constexpr const char* kPlans[] = {
    "QR, R, DS, AG", "QDS(R, DS, AG)",
    "let a = R(question); let b = R(QR(question, k: 2)); AG(question, DS(question, a + b))"};

}  // namespace

void WarmUp() {
  static std::once_flag once;
  std::call_once(once, [] {
    diag::Diagnostics sink;
    ParseModule(std::make_shared<source::SourceFile>("<warm-up>", kModule), sink);
    for (const char* plan : kPlans) ParsePlan(std::make_shared<source::SourceFile>("<warm-up>", plan), sink);
    JADE_CHECK(sink.empty(), "the warm-up sample does not parse: {}", sink.all()[0].message);
  });
}

}  // namespace jade::parse
