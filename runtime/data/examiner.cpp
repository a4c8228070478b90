#include "runtime/data/examiner.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <unordered_set>

#include "runtime/data/phrases.h"

namespace jade::data {
namespace {

using Json = nlohmann::ordered_json;

// How many questions of each sort the whole atlas has.
constexpr size_t kBridgesOfTwo = 1100;
constexpr size_t kBridgesOfThree = 800;
constexpr size_t kComparisons = 520;
constexpr size_t kAgreements = 300;
constexpr size_t kChecks = 200;
constexpr double kContinents = 0.4;  // share of countries asked for their continent: six answers are easily guessed
constexpr int kTriesPerQuestion = 60;

class Examiner {
 public:
  Examiner(const Asker& asker, const ExamOptions& options) : asker_(asker), share_(options.share), rng_(options.seed) {}

  std::vector<Question> Ask() {
    Singles();
    Bridges(2, kBridgesOfTwo);
    Bridges(3, kBridgesOfThree);
    Pairs(kComparisons, ComparisonForms().size(), true);
    Pairs(kAgreements, AgreementForms().size(), false);
    Checks();
    return std::move(questions_);
  }

 private:
  size_t Share(size_t count) const { return static_cast<size_t>(share_ * static_cast<double>(count)); }

  bool Keep(std::optional<Question> question) {
    if (!question || !texts_.insert(question->text).second) return false;
    questions_.push_back(std::move(*question));
    return true;
  }

  std::vector<EntityId> Subjects() const {
    std::vector<EntityId> ids;
    for (int kind = 0; kind < kKindCount; ++kind) {
      const auto& some = asker_.OfKind(static_cast<Kind>(kind));
      ids.insert(ids.end(), some.begin(), some.end());
    }
    return ids;
  }

  void Singles() {
    for (EntityId subject : Subjects()) {
      for (const Fact& fact : asker_.world().At(subject).facts) {
        if (fact.relation == Relation::kContinent && !rng_.Chance(kContinents)) continue;
        Keep(asker_.Single(subject, fact.relation, rng_));
      }
    }
  }

  void Bridges(size_t hops, size_t wanted) {
    std::vector<std::pair<EntityId, std::vector<Relation>>> paths;
    for (EntityId subject : Subjects()) {
      for (auto& path : asker_.Paths(subject, hops)) paths.push_back({subject, std::move(path)});
    }
    rng_.Shuffle(paths);
    size_t kept = 0;
    for (const auto& [subject, path] : paths) {
      if (kept == Share(wanted)) break;
      if (path.back() == Relation::kContinent && !rng_.Chance(kContinents)) continue;
      kept += Keep(asker_.Path(subject, path, rng_));
    }
  }

  // As many yes as no: each kept question asks for the other answer next.
  void Pairs(size_t wanted, size_t forms, bool comparison) {
    size_t kept = 0;
    bool yes = true;
    for (size_t i = 0; i < Share(wanted) * kTriesPerQuestion && kept < Share(wanted); ++i) {
      size_t form = rng_.Below(forms);
      const auto& ids = asker_.OfKind(comparison ? ComparisonForms()[form].kind : AgreementForms()[form].kind);
      if (ids.size() < 2) continue;
      EntityId a = rng_.Pick(ids), b = rng_.Pick(ids);
      auto question = comparison ? asker_.Comparison(a, b, form, rng_) : asker_.Agreement(a, b, form, rng_);
      if (!question || (!comparison && (question->answers[0] == "yes") != yes)) continue;
      if (!Keep(std::move(question))) continue;
      ++kept;
      yes = !yes;
    }
  }

  void Checks() {
    size_t kept = 0;
    for (size_t i = 0; i < Share(kChecks) * kTriesPerQuestion && kept < Share(kChecks); ++i) {
      size_t form = rng_.Below(CheckForms().size());
      const auto& ids = asker_.OfKind(CheckForms()[form].kind);
      if (!ids.empty()) kept += Keep(asker_.Check(rng_.Pick(ids), form, kept % 2 == 0, rng_));
    }
  }

  const Asker& asker_;
  double share_;
  Rng rng_;
  std::vector<Question> questions_;
  std::unordered_set<std::string> texts_;
};

Json PlanJson(const PlanChoice& choice) {
  return {{"full", choice.full}, {"cheapest", choice.cheapest}, {"good", choice.good}};
}

Json QuestionJson(const Question& question, const PlanChoice& choice, const World& world, const Library& library,
                  std::string id) {
  Json line;
  line["id"] = std::move(id);
  line["question"] = question.text;
  line["answer"] = question.answers[0];
  line["answers"] = question.answers;
  line["type"] = QuestionTypeName(question.type);
  line["hops"] = question.hops;
  line["support"] = Json::array();
  for (PassageId passage : question.support) line["support"].push_back(library.At(passage).title);
  line["entities"] = Json::array();
  for (EntityId entity : question.entities) {
    std::string name = world.At(entity).name;
    if (std::find(line["entities"].begin(), line["entities"].end(), Json(name)) == line["entities"].end()) {
      line["entities"].push_back(std::move(name));
    }
  }
  line["steps"] = Json::array();
  for (const Step& step : question.steps) {
    line["steps"].push_back({{"asked", step.asked},
                             {"resolved", step.resolved},
                             {"answer", step.answer},
                             {"support", library.At(step.passage).title}});
  }
  line["plan"] = PlanJson(choice);
  return line;
}

}  // namespace

Exam MakeExam(const Asker& asker, const Lookup& lookup, const ExamOptions& options) {
  Exam exam;
  for (const Question& question : Examiner(asker, options).Ask()) {
    const PlanChoice choice = ChoosePlans(question, FoundTogether(question, lookup));
    std::string id = fmt::format("{}-{:05}", options.name, exam.total++);
    exam.lines += QuestionJson(question, choice, asker.world(), asker.library(), std::move(id)).dump() + "\n";
    std::string type(QuestionTypeName(question.type));
    if (question.type == QuestionType::kBridge) type += std::to_string(question.hops);
    ++exam.counts[type];
    exam.cheaper += choice.cheapest != choice.full;
  }
  return exam;
}

std::string CorpusLines(const Library& library, char prefix) {
  std::string text;
  for (size_t i = 0; i < library.passages.size(); ++i) {
    const Passage& passage = library.passages[i];
    text += Json{{"id", fmt::format("{}{:05}", prefix, i)}, {"title", passage.title}, {"text", passage.text}}.dump();
    text += "\n";
  }
  return text;
}

}  // namespace jade::data
