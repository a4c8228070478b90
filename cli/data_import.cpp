// jade data import: question sets and corpora from the files of public datasets.

#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "cli/terminal.h"
#include "runtime/datasets/import.h"

namespace jade::cli {
namespace {

struct Options {
  std::string dataset;
  datasets::ImportOptions import;
  uint64_t seed = 0;
  bool json = false;
};

void Show(const Options& options, const datasets::ImportSummary& summary) {
  if (options.json) {
    fmt::print("{}\n", nlohmann::ordered_json{{"questions", summary.questions},
                                              {"left_out", summary.left_out},
                                              {"passages", summary.passages},
                                              {"repeated", summary.repeated}}
                           .dump());
    return;
  }
  fmt::print("{}: {} questions", options.import.output, HumanCount(summary.questions));
  if (summary.left_out > 0) fmt::print(", {} that cannot be answered left out", HumanCount(summary.left_out));
  fmt::print("\n");
  if (options.import.corpus.empty()) return;
  fmt::print("{}: {} passages, {} repeated\n", options.import.corpus, HumanCount(summary.passages),
             HumanCount(summary.repeated));
}

int Run(const Options& options, const std::atomic<bool>& cancel) {
  ProgressBar bar;
  const auto summary = datasets::Import(options.import, bar, cancel);
  if (!summary.ok()) return Fail(summary.error());
  Show(options, *summary);
  return kFine;
}

std::string UnknownDataset(const std::string& name) {
  const auto dataset = datasets::ParseDataset(name);
  return dataset.ok() ? std::string() : dataset.error().message();
}

}  // namespace

void AddDataImportCommand(CLI::App& data, Invocation& invocation) {
  auto options = std::make_shared<Options>();
  datasets::ImportOptions& import = options->import;
  CLI::App* command = data.add_subcommand("import", "Make a question set, and a corpus, from the files of a dataset");
  command->footer(
      "Examples:\n"
      "  jade data import hotpotqa hotpot_dev_distractor_v1.json -o hotpot.jsonl --corpus hotpot_corpus.jsonl\n"
      "  jade data import 2wiki dev.json --aliases id_aliases.json -o 2wiki.jsonl --limit 500 --seed 1\n"
      "  jade data import nq NQ-open.dev.jsonl -o nq.jsonl\n"
      "  jade data import jsonl mine.jsonl -o qa.jsonl --question-field query --answer-field gold.text --id-field key\n"
      "Formats: docs/data-import.md");
  command->add_option("DATASET", options->dataset, "nq, popqa, ambigqa, hotpotqa, 2wiki, musique, bamboogle, or jsonl")
      ->required()
      ->check(CLI::Validator([](std::string& name) { return UnknownDataset(name); }, "", "dataset"));
  command->add_option("FILE", import.files, "as the dataset's authors publish them; several are read as one")
      ->required();
  command->add_option("-o,--out", import.output, "question set to write")->required();
  command->add_option("--corpus", import.corpus,
                      "corpus to write, of the passages of the questions (hotpotqa, 2wiki, musique)");
  CLI::Option* limit =
      command->add_option("--limit", import.limit, "so many questions, the first ones (0: all)")->capture_default_str();
  CLI::Option* seed =
      command->add_option("--seed", options->seed, "with --limit: a sample drawn from this seed instead")->needs(limit);
  command->add_option("--aliases", import.aliases, "2wiki: id_aliases.json, other names of the answers");
  command->add_option("--question-field", import.fields.question, "jsonl: field of the question (`a.b`: b inside a)")
      ->capture_default_str();
  command->add_option("--answer-field", import.fields.answer, "jsonl: field of the answer, or of the list of answers")
      ->capture_default_str();
  command->add_option("--id-field", import.fields.id, "jsonl: field of the id (default: numbered)");
  command->add_flag("--json", options->json, "print the summary as one JSON object");
  command->callback([options, seed, &invocation] {
    options->import.dataset = datasets::ParseDataset(options->dataset).value();
    if (seed->count() > 0) options->import.seed = options->seed;
    invocation.action = [options, &invocation] { return Run(*options, *invocation.cancel); };
  });
}

}  // namespace jade::cli
