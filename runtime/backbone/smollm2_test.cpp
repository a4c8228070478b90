// SmolLM2-135M from its GGUF against `transformers`, through the whole engine: chat form, tokenizer, dequantisation,
// prefill, decode and greedy sampling of twenty prompts at once.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>

#include "runtime/backbone/backbone.h"

namespace jade::backbone {
namespace {

std::string FindModel() {
  const char* cache = std::getenv("XDG_CACHE_HOME");
  const char* home = std::getenv("HOME");
  const std::filesystem::path root = cache != nullptr && *cache != '\0'
                                         ? std::filesystem::path(cache)
                                         : std::filesystem::path(home ? home : "") / ".cache";
  std::error_code missing;
  for (const auto& entry : std::filesystem::directory_iterator(root / "jade/models/smollm2-135m", missing)) {
    if (entry.path().extension() == ".gguf") return entry.path().string();
  }
  return {};
}

TEST(SmolLm2, GreedyRepliesAreThoseOfTransformers) {
  const std::string model = FindModel();
  if (model.empty()) {
    GTEST_SKIP() << "SmolLM2-135M is not in the cache (~/.cache/jade/models/smollm2-135m/*.gguf); fetch it with "
                    "`jade pull smollm2-135m`";
  }
  std::ifstream lines(std::string(JADE_SOURCE_DIR) + "/tests/fixtures/models/smollm2-135m.greedy.jsonl");
  if (!lines) {
    GTEST_SKIP() << "tests/fixtures/models/smollm2-135m.greedy.jsonl is missing; make it with "
                    "`scripts/fixtures/models.py smollm2 MODEL.gguf`";
  }
  std::string line;
  std::getline(lines, line);
  const int new_tokens = nlohmann::json::parse(line)["new_tokens"];
  BackboneOptions options;
  options.model = model;
  options.dtype = "fp32";
  auto engine = LoadBackbone(options);
  ASSERT_TRUE(engine.ok()) << engine.error().ToString();
  auto queue = std::make_shared<engine::EventQueue>();
  (*engine)->Connect(queue);
  std::map<uint64_t, nlohmann::json> cases;
  while (std::getline(lines, line)) {
    const uint64_t id = cases.size() + 1;
    cases[id] = nlohmann::json::parse(line);
    engine::Request request;
    request.id = id;
    request.messages = std::make_shared<engine::Messages>(
        engine::Messages{{engine::MessageRole::kUser, cases[id]["prompt"].get<std::string>()}});
    request.sampling.temperature = 0.0;
    request.sampling.max_tokens = new_tokens;
    ASSERT_TRUE((*engine)->Submit(request).ok());
  }
  ASSERT_GE(cases.size(), 20u);
  size_t replies = 0;
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(4);
  while (replies < cases.size() && std::chrono::steady_clock::now() < deadline) {
    std::vector<engine::Event> events;
    if (!queue->Drain(&events)) queue->Wait(std::chrono::seconds(1));
    for (const engine::Event& event : events) {
      if (event.kind != engine::Event::Kind::kReply) continue;
      ++replies;
      ASSERT_FALSE(event.reply.error.has_value()) << event.reply.error->ToString();
      const nlohmann::json& expected = cases[event.id];
      EXPECT_EQ(event.reply.observation_ids, expected["prompt_ids"].get<std::vector<int32_t>>()) << expected["prompt"];
      EXPECT_EQ(event.reply.action_ids, expected["reply_ids"].get<std::vector<int32_t>>())
          << expected["prompt"] << ": " << event.reply.text << " (least lead " << expected["least_lead"] << ")";
    }
  }
  EXPECT_EQ(replies, cases.size());
}

}  // namespace
}  // namespace jade::backbone
