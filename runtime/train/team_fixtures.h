#pragma once
// A small team to train in tests: its program, model and questions in a folder, and the figures of its runs.

#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>

#include "runtime/backbone/model_io.h"
#include "runtime/train/training_fixtures.h"

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

// A model of random weights as a Hugging Face folder.
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

// start/, questions.jsonl and solve.jade.
inline void WriteSmallTeam(const TemporaryFolder& folder) {
  WriteSmallModel(folder / "start", 5);
  std::string questions;
  for (int i = 0; i < 24; ++i) {
    questions += nlohmann::json{{"id", std::to_string(i)},
                                {"question", std::string(1, static_cast<char>('a' + i))},
                                {"answer", "e"}}
                     .dump() +
                 "\n";
  }
  folder.Write("questions.jsonl", questions);
  folder.Write("solve.jade", std::string(kLettersProgram));
}

// By step and tag, without what a clock says.
using RunFigures = std::map<std::pair<int64_t, std::string>, double>;

inline RunFigures FiguresOf(const std::string& run_folder) {
  RunFigures figures;
  std::ifstream file(run_folder + "/metrics.jsonl");
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

}  // namespace jade::train::testing
