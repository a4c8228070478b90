// usage: jade_constrain_bench MODEL...     what masks cost, over the tokenizer of a .gguf or tokenizer.json
// Walks replies as a model writes them: the tokens of real replies, each checked against its mask. Prints microseconds
// a step, the first walk (masks computed) and later ones (masks known), and the slowest single mask.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <string>
#include <vector>

#include "compiler/sema/sema.h"
#include "runtime/constrain/library.h"
#include "runtime/constrain/plan_scope.h"
#include "runtime/constrain/token_trie.h"
#include "runtime/constrain/walk_fixtures.h"
#include "runtime/tokenizer/tokenizer.h"
#include "runtime/weights/gguf.h"

namespace jade::constrain {
namespace {

// Of this thread's work: on a shared machine the wall clock measures the others.
double Micros() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return 1e6 * static_cast<double>(now.tv_sec) + 1e-3 * static_cast<double>(now.tv_nsec);
}
double MicrosSince(double begin) {
  return Micros() - begin;
}

Result<tokenizer::Tokenizer> Load(const std::string& path) {
  if (!path.ends_with(".gguf")) return tokenizer::Tokenizer::LoadTokenizerJson(path);
  JADE_ASSIGN_OR_RETURN(const weights::GgufFile file, weights::GgufFile::Open(path));
  JADE_ASSIGN_OR_RETURN(tokenizer::TokenizerSpec spec, weights::TokenizerSpecFromGguf(file));
  return tokenizer::Tokenizer::Create(std::move(spec));
}

struct Case {
  std::string name;
  Spec spec;
  std::string reply;
};

constexpr char kBlocks[] = R"(
use std.rag
planner P(question: Query) -> Plan<Query, Answer> {
  user "{question}"
  emits <plan> plan
  uses QR, R, DS, AG, QDS
  malformed QDS
}
)";

std::vector<Case> Cases() {
  const std::string words = "In which country was the author of the novel Dune born, and who directed its first film?";
  std::vector<Case> cases;
  const auto add = [&](std::string name, std::string reply) -> Spec& {
    cases.push_back({std::move(name), {}, std::move(reply)});
    cases.back().spec.limit = 256;
    return cases.back().spec;
  };
  Spec& tag = add("tag", "<query>" + words + "</query>");
  tag.kind = SpecKind::kTag;
  tag.tag = "query";
  Spec& list =
      add("numbered", "<q1>Who wrote Dune?</q1><q2>In which country was that author born?</q2><q3>" + words + "</q3>");
  list.kind = SpecKind::kNumbered;
  list.tag = "q";
  list.max = 7;
  Spec& number = add("int", "<n>123456</n>");
  number.kind = SpecKind::kTag;
  number.tag = "n";
  number.value.kind = ValueKind::kInt;
  Spec& subset = add("subset", "<id>Document0,Document3,Document12,Document7</id>");
  subset.kind = SpecKind::kSubset;
  subset.tag = "id";
  subset.documents = 20;
  diag::Diagnostics sink;
  const auto file = std::make_shared<const source::SourceFile>("bench.jade", kBlocks);
  const sema::ProgramPtr team = sema::CheckProgram(file, {}, sink);
  const auto plan = [&](const std::string& name, const std::string& planner, const std::string& reply) {
    cases.push_back({name, *PlanSpecOf(*team, team->Find(planner)), reply});
    cases.back().spec.limit = 256;
  };
  plan("stages", "MakePlan", "<workflow>QR,R,DS,AG</workflow>");
  plan("uses: stages", "P", "<plan>QR,R,DS,R,DS,AG</plan>");
  plan("uses: block", "P",
       "<plan>let found = R(question); let more = R(QR(question, \"who wrote Dune and when?\")); "
       "AG(question, DS(question, more))</plan>");
  return cases;
}

struct Cost {
  double total = 0;
  double slowest = 0;
  size_t steps = 0;
};

Cost Follow(const engine::BoundConstraint& bound, const std::vector<int32_t>& ids) {
  Cost cost;
  const auto state = bound.Start(engine::kAnyLength);
  for (const int32_t id : ids) {
    const double begin = Micros();
    const bool allowed = state->Allowed().Has(id);
    const double micros = MicrosSince(begin);
    if (!allowed || !state->Accept(id)) {
      fmt::print(stderr, "token {} is not allowed\n", id);
      break;
    }
    cost.total += micros;
    cost.slowest = std::max(cost.slowest, micros);
    ++cost.steps;
  }
  return cost;
}

int Run(const std::string& path) {
  auto tokenizer = Load(path);
  if (!tokenizer.ok()) {
    fmt::print(stderr, "{}\n", tokenizer.error().ToString());
    return 1;
  }
  const VocabularyPtr vocabulary = VocabularyOf(*tokenizer);
  const double begin = Micros();
  const TokenTrie trie(vocabulary);
  fmt::print("{}: {} tokens, trie of {} nodes in {:.0f} ms; not plain text: {} of {} nodes\n", path,
             vocabulary->bytes.size(), trie.all().nodes.size(), 1e-3 * MicrosSince(begin),
             trie.text(TextClass::kTagged).others.ids.size(), trie.text(TextClass::kTagged).others.nodes.size());
  fmt::print("{:<14}{:>6}{:>12}{:>12}{:>12}{:>12}{:>10}\n", "format", "steps", "first us", "later us", "slowest us",
             "machine us", "bind us");
  for (const Case& one : Cases()) {
    const Library library;
    double start = Micros();
    const auto constraint = library.Make(one.spec);
    const double make = MicrosSince(start);
    (void)(*constraint)->Bind(vocabulary);  // the trie
    start = Micros();
    const auto bound = (*constraint)->Bind(vocabulary);
    const double bind = MicrosSince(start);
    std::vector<int32_t> ids = tokenizer->Encode(one.reply);
    ids.push_back(vocabulary->end_ids[0]);
    const Cost first = Follow(**bound, ids);
    Cost later;
    for (int round = 0; round < 200; ++round) {
      const Cost again = Follow(**bound, ids);
      later.total += again.total;
      later.steps += again.steps;
    }
    fmt::print("{:<14}{:>6}{:>12.1f}{:>12.2f}{:>12.1f}{:>12.0f}{:>10.1f}\n", one.name, first.steps,
               first.total / static_cast<double>(first.steps), later.total / static_cast<double>(later.steps),
               first.slowest, make, bind);
  }
  return 0;
}

}  // namespace
}  // namespace jade::constrain

int main(int argc, char** argv) {
  int status = argc < 2 ? 2 : 0;
  for (int i = 1; i < argc; ++i) status = std::max(status, jade::constrain::Run(argv[i]));
  return status;
}
