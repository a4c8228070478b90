#include "runtime/data/atlas.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "runtime/data/examiner.h"
#include "runtime/data/facts.h"
#include "runtime/data/questions.h"
#include "runtime/files/atomic_file.h"

namespace jade::data {
namespace {

constexpr std::array<double, 3> kShares = {0.70, 0.10, 0.20};  // of the splits, in the questions of each sort
constexpr size_t kBuffer = 1 << 20;                            // bytes of demonstrations between writes

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
  made.files["corpus.jsonl"] = CorpusLines(library, 'a');
  for (Split split : {Split::kTrain, Split::kDev, Split::kTest}) {
    Asker asker(world, library, split);
    Exam exam = MakeExam(asker, lookup,
                         {.name = fmt::format("atlas-{}", SplitName(split)),
                          .share = kShares[static_cast<size_t>(split)],
                          .seed = HashText(SplitName(split), options.seed)});
    made.files[std::string(SplitName(split)) + ".jsonl"] = std::move(exam.lines);
    summary.questions[static_cast<size_t>(split)] = std::move(exam.counts);
    summary.cheaper += exam.cheaper;
    summary.total += exam.total;
  }
  return made;
}

Result<AtlasSummary> WriteFiles(AtlasFiles made, const std::string& folder) {
  std::error_code failed;
  std::filesystem::create_directories(folder, failed);
  if (failed) return Error(ErrorCode::kIo, failed.message()).Wrap("creating `" + folder + "`");
  for (const auto& [name, text] : made.files) {
    JADE_TRY(files::WriteFileAtomically(folder + "/" + name, text));
  }
  return std::move(made.summary);
}

Result<AtlasSummary> BuildAtlas(const AtlasOptions& options) {
  JADE_ASSIGN_OR_RETURN(AtlasFiles made, MakeAtlas(options));
  return WriteFiles(std::move(made), options.output);
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
  text += fmt::format("{:<12}", "questions");
  std::map<std::string, std::string> rows;
  for (const auto& split : questions) {
    for (const auto& [type, count] : split) rows[type];
  }
  for (const Split split : {Split::kTrain, Split::kDev, Split::kTest}) {
    const auto& counts = questions[static_cast<size_t>(split)];
    if (counts.empty()) continue;  // a set of one split
    text += fmt::format("{:>8}", SplitName(split));
    for (auto& [type, row] : rows) row += fmt::format("{:>8}", counts.contains(type) ? counts.at(type) : 0);
  }
  text += "\n";
  for (const auto& [type, row] : rows) text += fmt::format("{:<12}{}\n", type, row);
  double share = total == 0 ? 0.0 : 100.0 * static_cast<double>(cheaper) / static_cast<double>(total);
  return text + fmt::format("{} questions, {:.0f} % with a cheaper plan that is as good\n", total, share);
}

}  // namespace jade::data
