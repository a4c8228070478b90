// jade index build|search

#include "runtime/retrieve/index.h"

#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "cli/terminal.h"

namespace jade::cli {
namespace {

struct BuildOptions {
  std::string corpus;
  std::string output;
  bool json = false;
};

struct SearchOptions {
  std::string index;
  std::string query;
  int k = 5;
  bool json = false;
};

int Build(const BuildOptions& options, const std::atomic<bool>& cancel) {
  ProgressBar bar;
  const auto summary = retrieve::BuildIndex(options.corpus, options.output, bar, cancel);
  if (!summary.ok()) return Fail(summary.error());
  if (options.json) {
    fmt::print(
        "{}\n",
        nlohmann::json{{"index", options.output}, {"passages", summary->passages}, {"bytes", summary->bytes}}.dump());
  } else {
    fmt::print("{}: {} passages, {}\n", options.output, HumanCount(summary->passages),
               HumanBytes(static_cast<double>(summary->bytes)));
  }
  return kFine;
}

int Search(const SearchOptions& options) {
  auto index = retrieve::Index::Open(options.index);
  if (!index.ok()) return Fail(index.error());
  const auto found = (*index)->Search(options.query, options.k);
  if (!found.ok()) return Fail(found.error());
  if (options.json) {
    nlohmann::json list = nlohmann::json::array();
    for (const auto& p : *found)
      list.push_back({{"id", p.id}, {"title", p.title}, {"text", p.text}, {"score", p.score}});
    fmt::print("{}\n", list.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
    return kFine;
  }
  const Style style = Style::For(stdout);
  if (found->empty()) fmt::print("nothing found\n");
  for (size_t i = 0; i < found->size(); ++i) {
    const auto& p = (*found)[i];
    fmt::print("{:2}  {}{}{}  {}{} · {:.2f}{}\n    {}\n", i + 1, style.bold, p.title, style.reset, style.dim, p.id,
               p.score, style.reset, OneLine(p.text, 160));
  }
  return kFine;
}

}  // namespace

void AddIndexCommand(CLI::App& app, Invocation& invocation) {
  CLI::App* index = app.add_subcommand("index", "Build and search BM25 indexes");
  index->require_subcommand(1);
  index->footer(
      "Examples:\n  jade index build corpus.jsonl -o corpus.db\n  jade index search corpus.db \"capital of Norway\" -k "
      "3");

  auto build = std::make_shared<BuildOptions>();
  CLI::App* build_command = index->add_subcommand("build", "Index a JSONL corpus of {\"id\", \"title\", \"text\"}");
  build_command->add_option("CORPUS", build->corpus, "JSONL file")->required();
  build_command->add_option("-o,--output", build->output, "index file; replaced whole or not at all")->required();
  build_command->add_flag("--json", build->json, "print the summary as JSON");
  build_command->callback(
      [build, &invocation] { invocation.action = [build, &invocation] { return Build(*build, *invocation.cancel); }; });

  auto search = std::make_shared<SearchOptions>();
  CLI::App* search_command = index->add_subcommand("search", "Show the best passages for a query");
  search_command->add_option("INDEX", search->index, "file made by `jade index build`")->required();
  search_command->add_option("QUERY", search->query, "free text")->required();
  search_command->add_option("-k", search->k, "how many")->check(CLI::Range(1, 1000))->capture_default_str();
  search_command->add_flag("--json", search->json, "print a JSON array");
  search_command->callback([search, &invocation] { invocation.action = [search] { return Search(*search); }; });
}

}  // namespace jade::cli
