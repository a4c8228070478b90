#pragma once
// A small training run for the tests of this room: what is rewarded, on what model, and how its figures are read.

#include <gtest/gtest.h>

#include <cstring>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "runtime/backbone/model_io.h"
#include "runtime/train/train_run.h"
#include "runtime/train/training_fixtures.h"
#include "runtime/weights/safetensors.h"

namespace jade::train::testing {

// The reward counts the letter `e` in what the second role says; the first role's reply is read by nobody but it.
inline constexpr std::string_view kLettersProgram = R"(use std.types
executor Think(question: Query) -> Query {
  user """{question}"""
  emits <query> Query
  malformed Query(raw)
  penalty 0.5
  sample max_tokens 6
}
executor Say(question: Query) -> Answer {
  user """{question}"""
  emits <answer> Answer
  malformed Answer(raw)
  penalty 0.0
  sample max_tokens 6
}
reward Letters(answer: Answer, gold: [Text], run: Run) -> Float { if contains(lower(answer), "e") { 1.0 } else { 0.0 } }
main workflow Solve(question: Query) -> Answer { Say(Think(question)) }
)";

// 30,000 random weights as a Hugging Face folder.
inline void WriteSmallModel(const std::string& folder, uint64_t seed) {
  weights::ModelConfig model;
  model.vocab_size = 259;
  model.hidden_size = 32;
  model.layers = 2;
  model.heads = 2;
  model.kv_heads = 1;
  model.head_dim = 16;
  model.ffn_size = 64;
  model.max_positions = 128;
  model.tied_embeddings = true;
  model.eos_ids = {2};
  backbone::Decoder decoder(model);
  decoder.InitialiseRandom(seed);
  const tokenizer::TokenizerSpec spec = ByteTokenizerSpec();
  EXPECT_TRUE(backbone::SaveDecoder(decoder, folder, {.dtype = at::kFloat, .tokenizer = &spec}).ok());
}

// By step and tag.
using RunFigures = std::map<std::pair<int64_t, std::string>, double>;

// A team of two roles on a random model of 30,000 weights, and 24 questions.
class TrainRunFixture : public ::testing::Test {
 protected:
  TrainRunFixture() {
    WriteSmallModel(folder_ / "start", 5);
    std::string questions;
    for (int i = 0; i < 24; ++i) {
      questions +=
          nlohmann::json{
              {"id", std::to_string(i)}, {"question", std::string(1, static_cast<char>('a' + i))}, {"answer", "e"}}
              .dump() +
          "\n";
    }
    folder_.Write("questions.jsonl", questions);
    const session::Loaded loaded = session::Program::LoadText("solve.jade", std::string(kLettersProgram));
    EXPECT_NE(loaded.program, nullptr) << (loaded.diagnostics.empty() ? "" : loaded.diagnostics.front().message);
    parts_.model = folder_ / "start";
    parts_.program = loaded.program;
    parts_.request.program = loaded.program;
    parts_.request.reward = "Letters";
  }

  // `more` are lines of the map `train`.
  TrainConfig Config(const std::string& run, const std::string& more = "") {
    const std::string text =
        "backbone: { model: tiny, dtype: fp32, threads: 1, kv_cache: 4MiB }\ntrain:\n  file: solve.jade\n  run: " +
        (folder_ / run) + "\n  data: { train: " + (folder_ / "questions.jsonl") +
        ", dev: " + (folder_ / "questions.jsonl") +
        " }\n  dev: { every: 3 }\n  steps: 6\n  actor: { lr: 3e-3 }\n"
        "  critic: { lr: 3e-3 }\n  rollout: { questions: 24, samples: 2 }\n" +
        more;
    auto config = ParseTrainConfig("train.yaml", text);
    EXPECT_TRUE(config.ok()) << config.error().ToString();
    config->update.compute = ComputeType::kFp32;
    if (more.find("mini_batch") == std::string::npos) {
      config->update.mini_batch = 0;
      config->update.mini_batches = 2;
    }
    return *config;
  }
  Result<TrainSummary> Train(const TrainConfig& config, const TrainOptions& options = {}) {
    at::set_num_threads(1);
    progress::SilentSink silent;
    return RunTraining(config, parts_, silent, options);
  }
  // Lines of metrics.jsonl by step and tag, without what a clock says.
  RunFigures Figures(const std::string& run) {
    RunFigures figures;
    std::ifstream file(folder_ / (run + "/metrics.jsonl"));
    std::string line;
    while (std::getline(file, line)) {
      const auto json = nlohmann::json::parse(line);
      for (const auto& [tag, value] : json.at("scalars").items()) {
        if (tag.starts_with("time/") || tag.starts_with("speed/") || value.is_null()) continue;
        figures[{json.at("step").get<int64_t>(), tag}] = value.get<double>();
      }
    }
    return figures;
  }

  std::string TextOf(const std::string& file) const {
    std::ifstream in(folder_ / file);
    return {std::istreambuf_iterator<char>(in), {}};
  }

  TemporaryFolder folder_;
  TrainParts parts_;
};

// A batch that a run exported, by token of the packed sequences.
struct ExportedBatch {
  explicit ExportedBatch(const std::string& path) : json(nlohmann::json::parse(std::ifstream(path + ".json"))) {
    const auto file = weights::SafetensorsFile::Open(path + ".safetensors").value();
    const auto read = [&](const char* name, auto* out) {
      const weights::TensorView* view = file.Find(name);
      ASSERT_NE(view, nullptr) << name;
      out->resize(view->data.size() / sizeof(out->front()));
      std::memcpy(out->data(), view->data.data(), view->data.size());
    };
    read("cu_seqlens", &bounds);
    read("counted", &counted);
    read("log_probs", &log_probs);
    read("advantages", &advantages);
    read("returns", &returns);
  }

  nlohmann::json json;
  std::vector<int32_t> bounds;
  std::vector<uint8_t> counted;
  std::vector<float> log_probs, advantages, returns;
};

}  // namespace jade::train::testing
