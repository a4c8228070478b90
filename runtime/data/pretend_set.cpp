#include "runtime/data/pretend_set.h"

#include <fmt/format.h>
#include <utf8proc.h>

#include <algorithm>
#include <filesystem>
#include <string_view>
#include <unordered_set>

#include "runtime/data/examiner.h"
#include "runtime/data/pretend.h"

namespace jade::data {
namespace {

constexpr double kAtlasCountries = 200;  // about: the other sorts of questions grow as the world does

bool IsCapital(int32_t point) {
  return point >= 'A' && point <= 'Z';
}

// Of the Latin script, as far as two bytes go.
bool IsLetter(int32_t point) {
  if (point < 0x80) return (point >= 'a' && point <= 'z') || IsCapital(point);
  return point >= 0xC0 && point < 0x250 && point != 0xD7 && point != 0xF7;
}

// Whole code points, or nothing.
std::vector<int32_t> PointsOf(std::string_view text) {
  std::vector<int32_t> points;
  while (!text.empty()) {
    utf8proc_int32_t point = 0;
    const utf8proc_ssize_t length = utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                                                     static_cast<utf8proc_ssize_t>(text.size()), &point);
    if (length <= 0) return {};
    points.push_back(point);
    text.remove_prefix(static_cast<size_t>(length));
  }
  return points;
}

}  // namespace

NamePieces PiecesOf(const std::vector<std::string>& tokens) {
  NamePieces pieces;
  for (const std::string& token : tokens) {
    const bool begins = token.starts_with(' ');
    const std::vector<int32_t> points = PointsOf(std::string_view(token).substr(begins ? 1 : 0));
    if (points.empty() || !std::ranges::all_of(points, IsLetter)) continue;
    if (std::ranges::any_of(points.begin() + 1, points.end(), IsCapital)) continue;
    if (begins && IsCapital(points[0]) && points.size() > 1) {
      std::string piece = token.substr(1);
      piece[0] = static_cast<char>(piece[0] - 'A' + 'a');
      pieces.beginnings.push_back(std::move(piece));
    } else if (!begins && !IsCapital(points[0]) && (points.size() > 1 || points[0] >= 0x80)) {
      pieces.rests.push_back(token);
    }
  }
  return pieces;
}

Result<AtlasFiles> MakePretendSet(const PretendSetOptions& options) {
  if (options.countries < 4 || options.countries > kMostCountries) {
    return Error(ErrorCode::kInvalidArgument, fmt::format("a pretend world has 4 to {} countries", kMostCountries));
  }
  std::unordered_set<std::string> real;
  if (std::filesystem::exists(options.facts + "/countries.yaml")) {
    JADE_ASSIGN_OR_RETURN(const World atlas, LoadAtlas(options.facts, kAtlasSeed));
    for (const Entity& entity : atlas.entities) real.insert(entity.name);
  }
  const World world = MakePretendWorld({.seed = options.seed,
                                        .pool = options.pool,
                                        .taken = &real,
                                        .countries = options.countries,
                                        .pieces = &options.pieces});
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
