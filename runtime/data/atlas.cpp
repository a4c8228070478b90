#include "runtime/data/atlas.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <unordered_set>

#include "runtime/data/facts.h"
#include "runtime/data/phrases.h"
#include "runtime/data/questions.h"
#include "runtime/files/atomic_file.h"

namespace jade::data {
namespace {

using Json = nlohmann::ordered_json;

// How many questions of each sort the whole atlas has; the splits share them 70 : 10 : 20.
constexpr size_t kBridgesOfTwo = 1100;
constexpr size_t kBridgesOfThree = 800;
constexpr size_t kComparisons = 520;
constexpr size_t kAgreements = 300;
constexpr size_t kChecks = 200;
constexpr std::array<double, 3> kShares = {0.70, 0.10, 0.20};
constexpr double kContinents = 0.4;  // share of countries asked for their continent: six answers are easily guessed
constexpr int kTriesPerQuestion = 60;
constexpr size_t kBuffer = 1 << 20;  // bytes of demonstrations between writes

// All questions of one split, without repetition.
class Examiner {
 public:
  Examiner(const Asker& asker, Split split, uint64_t seed)
      : asker_(asker), share_(kShares[static_cast<size_t>(split)]), rng_(HashText(SplitName(split), seed)) {}

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

std::string CorpusText(const Library& library) {
  std::string text;
  for (size_t i = 0; i < library.passages.size(); ++i) {
    const Passage& passage = library.passages[i];
    text += Json{{"id", fmt::format("a{:05}", i)}, {"title", passage.title}, {"text", passage.text}}.dump() + "\n";
  }
  return text;
}

}  // namespace

Result<World> LoadAtlas(const std::string& facts, uint64_t seed) {
  JADE_ASSIGN_OR_RETURN(World world, LoadFacts(facts));
  AssignSplits(world, seed);
  return world;
}

Result<AtlasFiles> MakeAtlas(const AtlasOptions& options) {
  JADE_ASSIGN_OR_RETURN(World world, LoadAtlas(options.facts, options.seed));
  Library library = WritePassages(world, options.seed);
  Lookup lookup(library);
  AtlasFiles made;
  AtlasSummary& summary = made.summary;
  for (const Entity& entity : world.entities) ++summary.entities[std::string(KindName(entity.kind))];
  summary.passages = library.passages.size();
  made.files["corpus.jsonl"] = CorpusText(library);
  for (Split split : {Split::kTrain, Split::kDev, Split::kTest}) {
    Asker asker(world, library, split);
    std::vector<Question> questions = Examiner(asker, split, options.seed).Ask();
    std::string& text = made.files[std::string(SplitName(split)) + ".jsonl"];
    for (size_t i = 0; i < questions.size(); ++i) {
      PlanChoice choice = ChoosePlans(questions[i], FoundTogether(questions[i], lookup));
      std::string id = fmt::format("atlas-{}-{:05}", SplitName(split), i);
      text += QuestionJson(questions[i], choice, world, library, std::move(id)).dump() + "\n";
      std::string type(QuestionTypeName(questions[i].type));
      if (questions[i].type == QuestionType::kBridge) type += std::to_string(questions[i].hops);
      ++summary.questions[static_cast<size_t>(split)][type];
      summary.cheaper += choice.cheapest != choice.full;
      ++summary.total;
    }
  }
  return made;
}

Result<AtlasSummary> BuildAtlas(const AtlasOptions& options) {
  JADE_ASSIGN_OR_RETURN(AtlasFiles made, MakeAtlas(options));
  std::error_code failed;
  std::filesystem::create_directories(options.output, failed);
  if (failed) return Error(ErrorCode::kIo, failed.message()).Wrap("creating `" + options.output + "`");
  for (const auto& [name, text] : made.files) {
    JADE_TRY(files::WriteFileAtomically(options.output + "/" + name, text));
  }
  return std::move(made.summary);
}

Status WriteDemonstrations(const WriteOptions& options, progress::Sink& progress, const std::atomic<bool>& cancel) {
  DemonstrationOptions demonstrations = options.demonstrations;
  World atlas;
  bool present = std::filesystem::exists(options.facts + "/countries.yaml");
  if (demonstrations.real > 0 || present) {
    JADE_ASSIGN_OR_RETURN(atlas, LoadAtlas(options.facts, demonstrations.atlas_seed));
    demonstrations.atlas = &atlas;
  }
  JADE_ASSIGN_OR_RETURN(files::AtomicFile file, files::AtomicFile::Create(options.path));
  std::string lines;
  uint64_t made = 0;
  progress.Begin({"demonstrations", "demonstrations", static_cast<uint64_t>(std::max(0, demonstrations.count)), 0});
  Status status = MakeDemonstrations(demonstrations, [&](const Demonstration& demonstration) -> Status {
    if (cancel) return Error(ErrorCode::kCancelled, "interrupted");
    progress.Update(++made, "");
    lines += ToJsonLine(demonstration) + "\n";
    if (lines.size() < kBuffer) return {};
    Status written = file.Write(lines);
    lines.clear();
    return written;
  });
  progress.End();
  JADE_TRY(std::move(status));
  JADE_TRY(file.Write(lines));
  return file.Commit();
}

std::string AtlasSummary::ToText() const {
  std::string text = fmt::format("{} passages about", passages);
  for (const auto& [kind, count] : entities) text += fmt::format(" {} {},", count, kind);
  text.back() = '\n';
  text += fmt::format("{:<12}{:>8}{:>8}{:>8}\n", "questions", "train", "dev", "test");
  std::map<std::string, std::array<size_t, 3>> rows;
  for (size_t split = 0; split < 3; ++split) {
    for (const auto& [type, count] : questions[split]) rows[type][split] = count;
  }
  for (const auto& [type, counts] : rows) {
    text += fmt::format("{:<12}{:>8}{:>8}{:>8}\n", type, counts[0], counts[1], counts[2]);
  }
  double share = total == 0 ? 0.0 : 100.0 * static_cast<double>(cheaper) / static_cast<double>(total);
  return text + fmt::format("{} questions, {:.0f} % with a cheaper plan that is as good\n", total, share);
}

}  // namespace jade::data
