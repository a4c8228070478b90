// Time of a training step (forward and backward) of nano's shape, with GEMM peak beside it.
#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "runtime/backbone/fused_ops.h"
#include "runtime/backbone/model.h"

using namespace jade::backbone;

namespace {
double Seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}
}  // namespace

int main(int argc, char** argv) {
  at::set_num_threads(argc > 1 ? std::atoi(argv[1]) : 2);
  const int64_t length = argc > 2 ? std::atoi(argv[2]) : 128;
  const int64_t tokens = argc > 3 ? std::atoi(argv[3]) : 4096;
  {
    const at::Tensor a = at::randn({tokens, 256}), b = at::randn({1408, 256});
    at::mm(a, b.t());
    const double begin = Seconds();
    for (int i = 0; i < 20; ++i) at::mm(a, b.t());
    std::printf("gemm %.0f GFLOP/s\n", 20 * 2e-9 * static_cast<double>(tokens * 256 * 1408) / (Seconds() - begin));
  }
  ModelConfig c;
  c.vocab_size = 4096, c.hidden_size = 256, c.layers = 6, c.heads = 4, c.kv_heads = 2, c.head_dim = 64;
  c.ffn_size = 704, c.max_positions = 1024, c.tied_embeddings = true;
  Decoder decoder(c);
  decoder.InitialiseRandom(1);
  decoder.SetRequiresGrad(true);
  std::vector<std::vector<int32_t>> sequences(static_cast<size_t>(tokens / length), std::vector<int32_t>(length, 5));
  const PackedBatch batch = PackSequences(sequences);
  const at::Tensor targets = at::randint(0, 4096, {batch.token_count()}, at::kLong);
  for (int step = 0; step < 4; ++step) {
    const double begin = Seconds();
    const DecoderWeights weights = decoder.Weights(at::kFloat);
    const at::Tensor hidden = decoder.ForwardPacked(batch, weights);
    const double middle = Seconds();
    const at::Tensor loss = -TokenLogProbs(hidden, weights.head_VD, targets).mean();
    loss.backward();
    const double end = Seconds();
    std::printf("step %d: forward %.0f ms, loss and backward %.0f ms, %.0f tokens/s\n", step, 1e3 * (middle - begin),
                1e3 * (end - middle), static_cast<double>(batch.token_count()) / (end - begin));
  }
}
