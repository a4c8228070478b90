// jade index build|search

#include "runtime/retrieve/index.h"

#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "cli/backbone.h"
#include "cli/command.h"
#include "cli/terminal.h"
#include "runtime/assets/assets.h"
#include "runtime/retrieve/tool_call.h"

namespace jade::cli {
namespace {

struct BuildOptions {
  std::string corpus;
  std::string output;
  std::string dense;  // an encoder; empty: no vectors
  std::string kind = "flat";
  bool json = false;
};

struct SearchOptions {
  std::string index;
  std::string query;
  int k = 5;
  bool dense = false;
  bool hybrid = false;
  std::string model;
  bool json = false;
};

// Everything that can be known to be wrong is said before hours of encoding.
Status PrepareVectors(const BuildOptions& options, const Invocation& invocation) {
  if (options.dense.empty()) return {};
  if (auto model = assets::FindModel(options.dense); !model.ok()) return model.error();
  return EnterBackbone(invocation.arguments);
}

void ShowBuilt(const BuildOptions& options, const retrieve::BuildSummary& index, const VectorsSummary& vectors) {
  if (options.json) {
    nlohmann::json json{{"index", options.output}, {"passages", index.passages}, {"bytes", index.bytes}};
    if (!options.dense.empty()) {
      json["vectors"] = {{"path", vectors.path},   {"count", vectors.vectors},
                         {"bytes", vectors.bytes}, {"model", options.dense},
                         {"kind", options.kind},   {"texts_per_second", vectors.texts_per_second}};
    }
    fmt::print("{}\n", json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
    return;
  }
  fmt::print("{}: {} passages, {}\n", options.output, HumanCount(index.passages),
             HumanBytes(static_cast<double>(index.bytes)));
  if (options.dense.empty()) return;
  fmt::print("{}: {} vectors ({}, {}), {}, {}\n", vectors.path, HumanCount(static_cast<uint64_t>(vectors.vectors)),
             options.dense, options.kind, HumanBytes(static_cast<double>(vectors.bytes)),
             HumanRate(vectors.texts_per_second, "texts"));
}

int Build(const BuildOptions& options, const Invocation& invocation) {
  if (Status prepared = PrepareVectors(options, invocation); !prepared.ok()) return Fail(prepared.error());
  ProgressBar bar;
  const auto index = retrieve::BuildIndex(options.corpus, options.output, bar, *invocation.cancel);
  if (!index.ok()) return Fail(index.error());
  VectorsSummary vectors;
  if (!options.dense.empty()) {
    auto built =
        BuildVectors({.index = options.output, .model = options.dense, .kind = options.kind}, bar, *invocation.cancel);
    if (!built.ok()) return Fail(built.error());
    vectors = *std::move(built);
  }
  ShowBuilt(options, *index, vectors);
  return kFine;
}

Result<std::vector<retrieve::Passage>> Find(const SearchOptions& options, const Invocation& invocation) {
  if (options.dense || options.hybrid) {
    JADE_TRY(EnterBackbone(invocation.arguments));
    JADE_ASSIGN_OR_RETURN(const auto searcher,
                          OpenSearcher({.index = options.index, .model = options.model, .hybrid = options.hybrid}));
    const std::vector<retrieve::Query> queries = {{options.query, options.k}};
    JADE_ASSIGN_OR_RETURN(auto found, searcher->Search(queries));
    return std::move(found.front());
  }
  JADE_ASSIGN_OR_RETURN(const auto index, retrieve::Index::Open(options.index));
  return index->Search(options.query, options.k);
}

int Search(const SearchOptions& options, const Invocation& invocation) {
  const auto found = Find(options, invocation);
  if (!found.ok()) return Fail(found.error());
  if (options.json) {
    fmt::print("{}\n", retrieve::PassagesJson(*found));
    return kFine;
  }
  const Style style = Style::For(stdout);
  if (found->empty()) fmt::print("nothing found\n");
  for (size_t i = 0; i < found->size(); ++i) {
    const auto& p = (*found)[i];
    // Scores of a fusion are sums of a few hundredths.
    const std::string score = options.hybrid ? fmt::format("{:.4f}", p.score) : fmt::format("{:.2f}", p.score);
    fmt::print("{:2}  {}{}{}  {}{} · {}{}\n    {}\n", i + 1, style.bold, p.title, style.reset, style.dim, p.id, score,
               style.reset, OneLine(p.text, 160));
  }
  return kFine;
}

}  // namespace

void AddIndexCommand(CLI::App& app, Invocation& invocation) {
  CLI::App* index = app.add_subcommand("index", "Build and search indexes of passages, by words and by meaning");
  index->require_subcommand(1);
  index->footer(
      "Examples:\n  jade index build corpus.jsonl -o corpus.db\n  jade index search corpus.db \"capital of Norway\" -k "
      "3\n  jade index build corpus.jsonl -o corpus.db --dense all-minilm-l6-v2\n  jade index search corpus.db "
      "\"capital "
      "of Norway\" --hybrid");

  auto build = std::make_shared<BuildOptions>();
  CLI::App* build_command = index->add_subcommand("build", "Index a JSONL corpus of {\"id\", \"title\", \"text\"}");
  build_command->add_option("CORPUS", build->corpus, "JSONL file")->required();
  build_command->add_option("-o,--output", build->output, "index file; replaced whole or not at all")->required();
  auto* dense = build_command->add_option("--dense", build->dense,
                                          "also encode the passages with this model, into INDEX.vectors");
  build_command->add_option("--kind", build->kind, "how vectors are searched: flat (exact), ivf or hnsw")
      ->check(CLI::IsMember({"flat", "ivf", "hnsw"}))
      ->needs(dense)
      ->capture_default_str();
  build_command->add_flag("--json", build->json, "print the summary as JSON");
  build_command->callback(
      [build, &invocation] { invocation.action = [build, &invocation] { return Build(*build, invocation); }; });

  auto search = std::make_shared<SearchOptions>();
  CLI::App* search_command = index->add_subcommand("search", "Show the best passages for a query");
  search_command->add_option("INDEX", search->index, "file made by `jade index build`")->required();
  search_command->add_option("QUERY", search->query, "free text")->required();
  search_command->add_option("-k", search->k, "how many")->check(CLI::Range(1, 1000))->capture_default_str();
  auto* by_meaning = search_command->add_flag("--dense", search->dense, "by vectors instead of by words (BM25)");
  search_command->add_flag("--hybrid", search->hybrid, "by both, ranks fused")->excludes(by_meaning);
  search_command->add_option("--model", search->model,
                             "the encoder, when it lies elsewhere than when the vectors were built");
  search_command->add_flag("--json", search->json, "print a JSON array");
  search_command->callback(
      [search, &invocation] { invocation.action = [search, &invocation] { return Search(*search, invocation); }; });
}

}  // namespace jade::cli
