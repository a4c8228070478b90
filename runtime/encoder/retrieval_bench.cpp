// jade_retrieval_bench INDEX QUESTIONS.jsonl MODEL_FOLDER [K]
//
// Of an index with vectors: how much of the questions' evidence (`support`: titles) stands among the first K passages,
// and what a query costs alone and in batches of 64, by words, by vectors and by both.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>
#include <set>

#include "runtime/dense/dense_searcher.h"
#include "runtime/encoder/encoder.h"

namespace jade::encoder {
namespace {

using Clock = std::chrono::steady_clock;
using Found = std::vector<std::vector<retrieve::Passage>>;
using Search = std::function<Result<Found>(std::span<const retrieve::Query>)>;

struct Question {
  retrieve::Query query;
  std::set<std::string> support;
};

std::vector<Question> ReadQuestions(const std::string& path, int k) {
  std::vector<Question> questions;
  std::ifstream in(path);
  for (std::string line; std::getline(in, line);) {
    const auto object = nlohmann::json::parse(line);
    questions.push_back({{object["question"], k}, object["support"].get<std::set<std::string>>()});
  }
  return questions;
}

double Milliseconds(Clock::time_point since) {
  return std::chrono::duration<double, std::milli>(Clock::now() - since).count();
}

// Recall of evidence, questions with all of it, ms a query alone and in batches.
Status Measure(const std::string& name, const std::vector<Question>& questions, const Search& search) {
  std::vector<retrieve::Query> queries;
  for (const Question& question : questions) queries.push_back(question.query);
  std::vector<double> alone;
  size_t evidence = 0, found_evidence = 0, complete = 0;
  for (const Question& question : questions) {
    const auto started = Clock::now();
    JADE_ASSIGN_OR_RETURN(const auto found, search({{question.query}}));
    alone.push_back(Milliseconds(started));
    std::set<std::string> titles;
    for (const auto& passage : found.front()) titles.insert(passage.title);
    const auto hits = static_cast<size_t>(std::count_if(question.support.begin(), question.support.end(),
                                                        [&](const auto& title) { return titles.contains(title); }));
    evidence += question.support.size();
    found_evidence += hits;
    complete += hits == question.support.size() ? 1 : 0;
  }
  const auto started = Clock::now();
  constexpr size_t kBatch = 64;
  for (size_t i = 0; i < queries.size(); i += kBatch) {
    JADE_TRY(search(std::span(queries).subspan(i, std::min(kBatch, queries.size() - i))));
  }
  const double batched = Milliseconds(started) / static_cast<double>(queries.size());
  std::sort(alone.begin(), alone.end());
  fmt::print(
      "{:8} evidence {:.1f} %, all of it {:.1f} % of {} questions; {:.2f} ms alone (median), {:.2f} in batches\n", name,
      100.0 * static_cast<double>(found_evidence) / static_cast<double>(evidence),
      100.0 * static_cast<double>(complete) / static_cast<double>(questions.size()), questions.size(),
      alone[alone.size() / 2], batched);
  return {};
}

Status Run(const std::string& index_path, const std::string& questions_path, const std::string& model, int k) {
  const auto questions = ReadQuestions(questions_path, k);
  if (questions.empty()) return Error(ErrorCode::kNotFound, "no questions in " + questions_path);
  JADE_ASSIGN_OR_RETURN(const auto index, retrieve::Index::Open(index_path));
  JADE_TRY(Measure("bm25", questions, [&](std::span<const retrieve::Query> queries) -> Result<Found> {
    Found found;
    for (const auto& query : queries) {
      JADE_ASSIGN_OR_RETURN(auto passages, index->Search(query.text, query.k));
      found.push_back(std::move(passages));
    }
    return found;
  }));
  for (const auto& [name, mode] :
       {std::pair{"dense", dense::SearchMode::kDense}, std::pair{"hybrid", dense::SearchMode::kHybrid}}) {
    JADE_ASSIGN_OR_RETURN(auto own_index, retrieve::Index::Open(index_path));
    const std::string model_name = std::filesystem::path(model).filename().string();
    JADE_ASSIGN_OR_RETURN(auto encoder, LoadEncoder({.folder = model, .name = model_name}));
    JADE_ASSIGN_OR_RETURN(const auto searcher, dense::OpenSearcher(std::move(own_index), dense::VectorsPath(index_path),
                                                                   std::move(encoder), mode));
    JADE_TRY(
        Measure(name, questions, [&](std::span<const retrieve::Query> queries) { return searcher->Search(queries); }));
  }
  return {};
}

}  // namespace
}  // namespace jade::encoder

int main(int argc, char** argv) {
  if (argc < 4) {
    fmt::print(stderr, "jade_retrieval_bench INDEX QUESTIONS.jsonl MODEL_FOLDER [K]\n");
    return 2;
  }
  const jade::Status ran = jade::encoder::Run(argv[1], argv[2], argv[3], argc > 4 ? std::atoi(argv[4]) : 5);
  if (ran.ok()) return 0;
  fmt::print(stderr, "{}\n", ran.error().ToString());
  return 1;
}
