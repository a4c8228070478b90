#include "runtime/data/pretend_set.h"

#include <fmt/format.h>

#include <filesystem>
#include <unordered_set>

#include "runtime/data/examiner.h"
#include "runtime/data/pretend.h"

namespace jade::data {
namespace {

constexpr double kAtlasCountries = 200;  // about: the other sorts of questions grow as the world does

}  // namespace

Result<AtlasFiles> MakePretendSet(const PretendSetOptions& options) {
  if (options.countries < 4 || options.countries > kMostCountries) {
    return Error(ErrorCode::kInvalidArgument, fmt::format("a pretend world has 4 to {} countries", kMostCountries));
  }
  std::unordered_set<std::string> real;
  if (std::filesystem::exists(options.facts + "/countries.yaml")) {
    JADE_ASSIGN_OR_RETURN(const World atlas, LoadAtlas(options.facts, kAtlasSeed));
    for (const Entity& entity : atlas.entities) real.insert(entity.name);
  }
  const World world =
      MakePretendWorld({.seed = options.seed, .pool = options.pool, .taken = &real, .countries = options.countries});
  const Library library = WritePassages(world, options.seed);
  const Lookup lookup(library);
  Exam exam = MakeExam(Asker(world, library, std::nullopt), lookup,
                       {.name = "pretend", .share = options.countries / kAtlasCountries, .seed = options.seed});
  AtlasFiles made;
  made.files["corpus.jsonl"] = CorpusLines(library, 'p');
  made.files["questions.jsonl"] = std::move(exam.lines);
  for (const Entity& entity : world.entities) ++made.summary.entities[std::string(KindName(entity.kind))];
  made.summary.questions[0] = std::move(exam.counts);
  made.summary.passages = library.passages.size();
  made.summary.cheaper = exam.cheaper;
  made.summary.total = exam.total;
  return made;
}

Result<AtlasSummary> BuildPretendSet(const PretendSetOptions& options) {
  JADE_ASSIGN_OR_RETURN(AtlasFiles made, MakePretendSet(options));
  return WriteFiles(std::move(made), options.output);
}

}  // namespace jade::data
