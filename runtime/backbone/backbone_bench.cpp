// usage: jade_backbone_bench train [SEQUENCE_LENGTH [TOKENS]]   a training step of nano's shape
//        jade_backbone_bench attention [SEQUENCE_LENGTH]         attention and its backward pass, flat and sharp
//        jade_backbone_bench serve MODEL [DTYPE]                 prefill and batched decode through the engine
// Prints the matrix-product peak beside, so that each figure has its limit.
#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "runtime/backbone/backbone.h"
#include "runtime/backbone/fused_ops.h"
#include "runtime/backbone/model.h"

namespace jade::backbone {
namespace {

double Seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

void PrintPeak() {
  const at::Tensor a = at::randn({1024, 1024}), b = at::randn({1024, 1024});
  at::mm(a, b);
  const double begin = Seconds();
  for (int i = 0; i < 10; ++i) at::mm(a, b);
  fmt::print("fp32 matrix products: {:.0f} GFLOP/s on {} threads\n", 20e-9 * 1024 * 1024 * 1024 / (Seconds() - begin),
             at::get_num_threads());
}

void BenchTraining(int64_t length, int64_t tokens) {
  PrintPeak();
  ModelConfig c;
  c.vocab_size = 4096, c.hidden_size = 256, c.layers = 6, c.heads = 4, c.kv_heads = 2, c.head_dim = 64;
  c.ffn_size = 704, c.max_positions = 1024, c.tied_embeddings = true;
  Decoder decoder(c);
  decoder.InitialiseRandom(1);
  decoder.SetRequiresGrad(true);
  const std::vector<std::vector<int32_t>> sequences(static_cast<size_t>(tokens / length),
                                                    std::vector<int32_t>(static_cast<size_t>(length), 5));
  const PackedBatch batch = PackSequences(sequences);
  const at::Tensor targets = at::randint(0, c.vocab_size, {batch.token_count()}, at::kLong);
  for (int step = 0; step < 5; ++step) {
    const double begin = Seconds();
    const DecoderWeights weights = decoder.Weights(at::kFloat);
    const at::Tensor hidden_ND = decoder.ForwardPacked(batch, weights);
    const double middle = Seconds();
    (-TokenLogProbs(hidden_ND, weights.head_VD, targets).mean()).backward();
    const double end = Seconds();
    fmt::print("forward {:.0f} ms, loss and backward {:.0f} ms: {:.0f} tokens/s\n", 1e3 * (middle - begin),
               1e3 * (end - middle), static_cast<double>(batch.token_count()) / (end - begin));
  }
}

// The sharper the attention, the more probabilities lie below the smallest normal number: the time must not care.
void BenchAttention(int64_t length) {
  const HeadLayout layout{8, 4, 32};
  const std::vector<int64_t> cu_seqlens{0, length, 2 * length, 3 * length, 4 * length};
  double flat = 0;
  for (const double sharpness : {1.0, 4.0, 16.0}) {
    at::manual_seed(1);
    const at::Tensor qkv = (at::randn({4 * length, layout.joint_width()}) * sharpness).requires_grad_(true);
    double forward = 0, backward = 0;
    constexpr int kRounds = 10;
    for (int round = -2; round < kRounds; ++round) {
      const double begin = Seconds();
      const at::Tensor out = PackedAttention(qkv, cu_seqlens, layout);
      const double middle = Seconds();
      (out * 1e-6).sum().backward();
      if (round < 0) continue;
      forward += (middle - begin) / kRounds;
      backward += (Seconds() - middle) / kRounds;
    }
    if (flat == 0) flat = backward;
    fmt::print("logits of standard deviation {:5.0f}: forward {:.2f} ms, backward {:.2f} ms, {:.2f} times flat\n",
               sharpness * sharpness, 1e3 * forward, 1e3 * backward, backward / flat);
  }
}

int BenchServing(const std::string& model, const std::string& dtype) {
  BackboneOptions options;
  options.model = model;
  options.dtype = dtype;
  options.kv_cache_bytes = int64_t{4} << 30;
  const double begin = Seconds();
  auto engine = LoadBackbone(options);
  if (!engine.ok()) return fmt::print(stderr, "{}\n", engine.error().ToString()), 3;
  fmt::print("{}: loaded in {:.2f} s\n", (*engine)->Describe(), Seconds() - begin);
  PrintPeak();
  auto queue = std::make_shared<engine::EventQueue>();
  (*engine)->Connect(queue);
  std::string prompt;
  for (int i = 0; i < 100; ++i) prompt += fmt::format("The number {} follows {}. ", i + 1, i);
  uint64_t id = 0;
  for (const int calls : {1, 8, 32}) {
    const double start = Seconds();
    for (int i = 0; i < calls; ++i) {
      engine::Request request;
      request.id = ++id;
      request.messages = std::make_shared<engine::Messages>(
          engine::Messages{{engine::MessageRole::kUser, prompt.substr(0, 1100) + fmt::format(" Call {}.", i)}});
      request.sampling.max_tokens = 32;
      request.sampling.stream = {id, 1};
      if (Status s = (*engine)->Submit(request); !s.ok()) return fmt::print(stderr, "{}\n", s.error().ToString()), 3;
    }
    size_t prompt_tokens = 0, action_tokens = 0;
    int64_t prefill_us = 0, decode_us = 0;
    for (int replies = 0; replies < calls;) {
      std::vector<engine::Event> events;
      if (!queue->Drain(&events)) queue->Wait(std::chrono::seconds(1));
      for (const engine::Event& event : events) {
        if (event.kind != engine::Event::Kind::kReply) continue;
        ++replies;
        prompt_tokens += event.reply.observation_ids.size();
        action_tokens += event.reply.action_ids.size();
        prefill_us = std::max(prefill_us, event.reply.timings.queue_us + event.reply.timings.prefill_us);
        decode_us = std::max(decode_us, event.reply.timings.decode_us);
      }
    }
    const double seconds = Seconds() - start;
    fmt::print(
        "{:2} calls: {} prompt and {} reply tokens in {:.2f} s ({:.2f} s a call); last first token after {:.2f} s, "
        "{:.0f} tokens/s in all\n",
        calls, prompt_tokens, action_tokens, seconds, seconds / calls, 1e-6 * static_cast<double>(prefill_us),
        static_cast<double>(prompt_tokens + action_tokens) / seconds);
  }
  return 0;
}

int Main(int argc, char** argv) {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  TuneAllocator();
  const std::string_view mode = argc > 1 ? argv[1] : "";
  if (mode == "serve" && argc > 2) return BenchServing(argv[2], argc > 3 ? argv[3] : "auto");
  if (mode != "train" && mode != "attention") {
    return fmt::print(stderr, "usage: jade_backbone_bench train|attention|serve …\n"), 2;
  }
  at::set_num_threads(GetBackboneFacts().threads);
  if (mode == "attention") return BenchAttention(argc > 2 ? std::atoi(argv[2]) : 600), 0;
  BenchTraining(argc > 2 ? std::atoi(argv[2]) : 128, argc > 3 ? std::atoi(argv[3]) : 4096);
  return 0;
}

}  // namespace
}  // namespace jade::backbone

int main(int argc, char** argv) {
  return jade::backbone::Main(argc, argv);
}
