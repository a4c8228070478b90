#include "runtime/train/measured_update.h"

#include <fmt/format.h>

#include <chrono>
#include <cmath>
#include <exception>
#include <new>
#include <utility>
#include <vector>

#include "runtime/backbone/backbone.h"
#include "runtime/backbone/model.h"
#include "runtime/train/linear_cross_entropy.h"
#include "runtime/train/optimiser.h"

namespace jade::train {
namespace {

constexpr double kLearningRate = 1e-4;

class DecoderUpdate final : public MeasuredUpdate {
 public:
  explicit DecoderUpdate(const MeasuredUpdateOptions& options)
      : options_(options), model_(options.shape), dtype_(options.dtype == "fp32" ? at::kFloat : at::kBFloat16) {
    model_.InitialiseRandom(options.seed);
    model_.SetRequiresGrad(true);
    std::vector<TrainedParameter> parameters;
    for (const backbone::Parameter& parameter : model_.parameters()) parameters.push_back({parameter.tensor});
    optimiser_ = std::make_unique<Optimiser>(std::move(parameters), OptimiserOptions{});
    at::manual_seed(options.seed);
    const int64_t rows = options.sequences * options.tokens;
    batch_.tokens_N = at::randint(options.shape.vocab_size, {rows}, at::kLong);
    batch_.positions_N = at::arange(options.tokens, at::kLong).repeat({options.sequences});
    for (int64_t s = 0; s <= options.sequences; ++s) batch_.cu_seqlens.push_back(s * options.tokens);
    targets_ = at::randint(options.shape.vocab_size, {rows}, at::kLong);
    shares_ = at::full({rows}, 1.0 / static_cast<double>(rows), at::kFloat);
    weights_ = model_.Weights(dtype_);
  }

  int64_t parameters() const override { return model_.parameter_count(); }

  Result<double> Run() override {
    using Clock = std::chrono::steady_clock;
    try {
      const Clock::time_point begin = Clock::now();
      const at::Tensor hidden_ND =
          model_.ForwardPacked(batch_, weights_, {.recompute_layers = options_.recompute_layers});
      const at::Tensor loss = LinearCrossEntropy(hidden_ND, weights_.head_VD, targets_, shares_);
      loss.backward();
      const double norm = optimiser_->GradientNorm();
      optimiser_->Step(kLearningRate, norm > 1.0 ? 1.0 / norm : 1.0);
      model_.Refresh(weights_);
      if (!std::isfinite(norm)) return Error(ErrorCode::kCorrupt, "the gradient of a measured update is not finite");
      return std::chrono::duration<double>(Clock::now() - begin).count();
    } catch (const std::bad_alloc&) {
      return Error(ErrorCode::kOutOfMemory, "not enough memory for an update");
    } catch (const std::exception& error) {
      return Error(ErrorCode::kUnavailable, error.what()).Wrap("an update");
    }
  }

 private:
  MeasuredUpdateOptions options_;
  backbone::Decoder model_;
  at::ScalarType dtype_;
  std::unique_ptr<Optimiser> optimiser_;
  backbone::PackedBatch batch_;
  at::Tensor targets_, shares_;
  backbone::DecoderWeights weights_;
};

}  // namespace

Result<std::unique_ptr<MeasuredUpdate>> MakeMeasuredUpdate(const MeasuredUpdateOptions& options) {
  JADE_TRY(weights::ValidateModelConfig(options.shape));
  if (options.dtype != "bf16" && options.dtype != "fp32") {
    return Error(ErrorCode::kInvalidArgument, fmt::format("unknown dtype `{}`; known are bf16, fp32", options.dtype));
  }
  if (options.sequences < 1 || options.tokens < 1 || options.tokens > options.shape.max_positions) {
    return Error(ErrorCode::kInvalidArgument,
                 fmt::format("{} sequences of {} tokens: both begin at 1, and the model's context is {}",
                             options.sequences, options.tokens, options.shape.max_positions));
  }
  try {
    backbone::TuneAllocator();
    at::set_num_threads(options.threads > 0 ? options.threads : backbone::GetBackboneFacts().threads);
    return std::unique_ptr<MeasuredUpdate>(std::make_unique<DecoderUpdate>(options));
  } catch (const std::bad_alloc&) {
    return Error(ErrorCode::kOutOfMemory, "not enough memory for the weights");
  } catch (const std::exception& error) {
    return Error(ErrorCode::kUnavailable, error.what()).Wrap("making the update to be measured");
  }
}

}  // namespace jade::train
