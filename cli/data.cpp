// jade data atlas and pretend, and where `jade data import` is added

#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "cli/terminal.h"
#include "runtime/data/atlas.h"
#include "runtime/data/pretend_set.h"
#include "runtime/tokenizer/tokenizer.h"

namespace jade::cli {
namespace {

struct Options {
  std::string facts = "data/atlas";
  std::string output;
  uint64_t seed = 0;
  int demonstrations = -1;  // none: build the atlas
  std::string stage = "c";
  std::string pool = "training";
  std::string split = "train";
  std::string plans = "chosen";
  double real = 0.0;
  bool json = false;
};

nlohmann::ordered_json SummaryJson(const data::AtlasSummary& summary) {
  nlohmann::ordered_json json{{"passages", summary.passages},
                              {"questions", summary.total},
                              {"cheaper", summary.cheaper},
                              {"entities", summary.entities}};
  for (data::Split split : {data::Split::kTrain, data::Split::kDev, data::Split::kTest}) {
    json[std::string(data::SplitName(split))] = summary.questions[static_cast<size_t>(split)];
  }
  return json;
}

int Show(const Result<data::AtlasSummary>& summary, bool json) {
  if (!summary.ok()) return Fail(summary.error());
  if (json) {
    fmt::print("{}\n", SummaryJson(*summary).dump());
  } else {
    fmt::print("{}", summary->ToText());
  }
  return kFine;
}

int Build(const Options& options) {
  data::AtlasOptions atlas{.facts = options.facts, .output = options.output.empty() ? options.facts : options.output};
  if (options.seed != 0) atlas.seed = options.seed;
  return Show(data::BuildAtlas(atlas), options.json);
}

int Demonstrate(const Options& options, const std::atomic<bool>& cancel) {
  const auto stage = data::ParseStage(options.stage);
  if (!stage.ok()) return Fail(stage.error());
  data::WriteOptions write{.path = options.output, .facts = options.facts};
  write.demonstrations.count = options.demonstrations;
  write.demonstrations.seed = options.seed != 0 ? options.seed : 1;
  write.demonstrations.stage = *stage;
  write.demonstrations.pool = options.pool == "gate" ? data::NamePool::kGate : data::NamePool::kTraining;
  write.demonstrations.atlas_split = options.split == "test"  ? data::Split::kTest
                                     : options.split == "dev" ? data::Split::kDev
                                                              : data::Split::kTrain;
  write.demonstrations.real = options.real;
  write.demonstrations.uniform_plans = options.plans == "uniform";
  ProgressBar bar;
  const Status written = data::WriteDemonstrations(write, bar, cancel);
  if (!written.ok()) return Fail(written.error());
  if (options.json) {
    fmt::print("{}\n",
               nlohmann::ordered_json{{"file", options.output}, {"demonstrations", options.demonstrations}}.dump());
  } else {
    fmt::print("{}: {} demonstrations\n", options.output, HumanCount(static_cast<uint64_t>(options.demonstrations)));
  }
  return kFine;
}

void AddPretend(CLI::App& data, Invocation& invocation) {
  struct Wanted {
    data::PretendSetOptions set;
    std::string pool = "training";
    std::string tokenizer;
    bool json = false;
  };
  auto wanted = std::make_shared<Wanted>();
  CLI::App* pretend = data.add_subcommand("pretend", "Make a corpus and a question set about a pretend world");
  pretend->footer(
      "Examples:\n  jade data pretend --out pretend\n  jade data pretend --countries 1000 --seed 3 --out pretend\n"
      "A `train` configuration takes them as `train.data.train` and `train.data.corpus` (docs/training.md).");
  pretend->add_option("-o,--out", wanted->set.output, "folder of corpus.jsonl and questions.jsonl")->required();
  pretend->add_option("--countries", wanted->set.countries, "its size: about 8 passages and 25 questions for each")
      ->check(CLI::Range(4, data::kMostCountries))
      ->capture_default_str();
  pretend->add_option("--seed", wanted->set.seed, "of names, facts, wordings and questions")->capture_default_str();
  pretend->add_option("--pool", wanted->pool, "which names it uses: training, or gate for unseen ones")
      ->check(CLI::IsMember({"training", "gate"}))
      ->capture_default_str();
  pretend->add_option("--tokenizer", wanted->tokenizer,
                      "tokenizer.json of a model: more than half of the names are made of pieces of its vocabulary");
  pretend->add_option("--facts", wanted->set.facts, "folder of the atlas's YAML files, whose names are left out")
      ->check(CLI::ExistingDirectory)
      ->capture_default_str();
  pretend->add_flag("--json", wanted->json, "print the summary as JSON");
  pretend->callback([wanted, &invocation] {
    wanted->set.pool = wanted->pool == "gate" ? data::NamePool::kGate : data::NamePool::kTraining;
    invocation.action = [wanted] {
      if (!wanted->tokenizer.empty()) {
        const auto tokenizer = tokenizer::Tokenizer::LoadTokenizerJson(wanted->tokenizer);
        if (!tokenizer.ok()) return Fail(tokenizer.error());
        std::vector<std::string> tokens;
        for (int32_t id = 0; id < tokenizer->vocab_size(); ++id) {
          if (!tokenizer->IsSpecial(id)) tokens.emplace_back(tokenizer->TokenBytes(id));
        }
        wanted->set.pieces = data::PiecesOf(tokens);
      }
      return Show(data::BuildPretendSet(wanted->set), wanted->json);
    };
  });
}

}  // namespace

void AddDataCommand(CLI::App& app, Invocation& invocation) {
  CLI::App* data = app.add_subcommand("data", "Make question sets, corpora and role demonstrations");
  data->require_subcommand(1);

  auto options = std::make_shared<Options>();
  CLI::App* atlas = data->add_subcommand("atlas", "Build the atlas from its facts, or write role demonstrations");
  atlas->footer(
      "Examples:\n  jade data atlas\n  jade data atlas --demos 100000 --stage c --seed 3 --out demos.jsonl\n"
      "  jade data atlas --demos 1000 --stage gate --out gate.jsonl\n"
      "  jade data atlas --demos 1000 --stage gate --real 1 --split test --out gate-atlas.jsonl");
  atlas->add_option("--facts", options->facts, "folder of the YAML files")->capture_default_str();
  atlas->add_option("-o,--out", options->output,
                    "folder of corpus.jsonl, train.jsonl, dev.jsonl and test.jsonl (by default that of the facts), or "
                    "the file of demonstrations");
  atlas->add_option("--seed", options->seed, "by default that of the committed files, or 1 for demonstrations")
      ->check(CLI::PositiveNumber);
  CLI::Option* demonstrations =
      atlas->add_option("--demos", options->demonstrations, "write so many demonstrations instead")
          ->check(CLI::Range(0, 100000000));
  atlas->add_option("--stage", options->stage, "a copying, b short contexts, c everything; gate, gate5 to evaluate")
      ->check(CLI::IsMember({"a", "b", "c", "gate", "gate5"}))
      ->needs(demonstrations)
      ->capture_default_str();
  atlas->add_option("--pool", options->pool, "which names pretend worlds use: training, or gate for unseen ones")
      ->check(CLI::IsMember({"training", "gate"}))
      ->needs(demonstrations)
      ->capture_default_str();
  atlas->add_option("--real", options->real, "share of demonstrations about the atlas instead of pretend worlds")
      ->check(CLI::Range(0.0, 1.0))
      ->needs(demonstrations)
      ->capture_default_str();
  atlas->add_option("--split", options->split, "whose questions --real takes: train, dev or test")
      ->check(CLI::IsMember({"train", "dev", "test"}))
      ->needs(demonstrations)
      ->capture_default_str();
  atlas
      ->add_option("--plans", options->plans,
                   "what planners choose: chosen to fit the question, or uniform, any valid plan")
      ->check(CLI::IsMember({"chosen", "uniform"}))
      ->needs(demonstrations)
      ->capture_default_str();
  atlas->add_flag("--json", options->json, "print the summary as JSON");
  atlas->callback([options, demonstrations, &invocation] {
    const bool demonstrate = demonstrations->count() > 0;
    if (demonstrate && options->output.empty()) throw CLI::RequiredError("--out");
    invocation.action = [options, demonstrate, &invocation] {
      return demonstrate ? Demonstrate(*options, *invocation.cancel) : Build(*options);
    };
  });
  AddPretend(*data, invocation);
  AddDataImportCommand(*data, invocation);
}

}  // namespace jade::cli
