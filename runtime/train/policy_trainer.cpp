#include "runtime/train/policy_trainer.h"

#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <random>
#include <set>

#include "runtime/advantage/loss_weights.h"
#include "runtime/advantage/policy_loss.h"
#include "runtime/backbone/cpu_kernels.h"
#include "runtime/train/advantages.h"
#include "runtime/train/credit_view.h"
#include "runtime/train/learning_rate.h"
#include "runtime/train/rejection.h"
#include "runtime/train/role_losses.h"

namespace jade::train {

struct PolicyTrainer::Step {
  const rollout::Batch& batch;
  int64_t number = 0;
  LegalTokens legal;
  Accepted accepted = {};         // by rejection sampling
  std::vector<uint8_t> chosen{};  // by transition of the batch; empty: all that are trained
  PolicyBatch flat;
  std::unique_ptr<CreditView> credit;                       // the batch as runtime/advantage sees it
  advantage::Options options;                               // with this batch's role numbers
  std::vector<advantage::PolicyLossOptions<float>> losses;  // by role
  std::vector<double> role_weights;
  std::vector<TokenFigures> tokens;
  advantage::Estimates estimates;
  std::vector<float> weights;  // of the tokens' losses in the present mini-batch, by response token
  bool has_values = false;
  bool has_reference = false;
  double policy_loss = 0, value_loss = 0, policy_norm = 0, value_norm = 0;
  int64_t policy_updates = 0, value_updates = 0;
  double kl = 0, kl_tokens = 0;  // of the present mini-batch
  double head_loss = 0;          // and of a head on the policy
};

namespace {

at::ScalarType ComputeTypeOf(const TrainConfig& config, at::Device device) {
  const bool fast = !device.is_cpu() || backbone::ProcessorMultipliesBf16();
  const ComputeType compute = config.update.compute;
  return compute == ComputeType::kBf16 || (compute == ComputeType::kAuto && fast) ? at::kBFloat16 : at::kFloat;
}

std::vector<at::Tensor> TensorsOf(const std::vector<TrainedParameter>& parameters) {
  std::vector<at::Tensor> tensors;
  for (const TrainedParameter& parameter : parameters) tensors.push_back(parameter.tensor);
  return tensors;
}

// A permutation that depends on seed and step alone.
std::vector<uint32_t> ShuffledOrder(size_t count, uint64_t seed, int64_t step) {
  std::vector<uint32_t> order(count);
  for (size_t i = 0; i < count; ++i) order[i] = static_cast<uint32_t>(i);
  std::mt19937_64 random(seed * 0x9E3779B97F4A7C15ULL + static_cast<uint64_t>(step));
  for (size_t i = count; i > 1; --i) std::swap(order[i - 1], order[random() % i]);
  return order;
}

// Without a clip or a KL: the derivative of −log p.
advantage::PolicyLoss<float> LikelihoodLoss(float log_prob, float old_log_prob) {
  advantage::PolicyLoss<float> loss;
  loss.loss = -log_prob;
  loss.d_log_prob = -1;
  loss.ratio = std::exp(std::clamp(log_prob - old_log_prob, -20.0F, 20.0F));
  loss.importance = 1;
  return loss;
}

}  // namespace

PolicyTrainer::PolicyTrainer(const TrainConfig& config, TrainerParts parts)
    : config_(config), parts_(std::move(parts)) {
  if (parts_.collective == nullptr) parts_.collective = &single_;
  dtype_ = ComputeTypeOf(config, parts_.policy->device());
  parts_.policy->SetRequiresGrad(parts_.lora == nullptr);
  std::vector<TrainedParameter> actor =
      parts_.lora != nullptr ? parts_.lora->parameters() : TrainedParametersOf(*parts_.policy);
  policy_weights_.emplace(*parts_.policy, dtype_);
  std::vector<TrainedParameter> critic;
  if (config.critic != CriticKind::kNone && config.NeedsCritic()) {
    critic_ = std::make_unique<Critic>(*parts_.policy, config.critic == CriticKind::kModel);
    critic = critic_->parameters();
    if (critic_->decoder() != nullptr) critic_weights_.emplace(*critic_->decoder(), dtype_);
    critic_optimiser_ = std::make_unique<Optimiser>(critic, config.optimiser);
  }
  actor_parameters_ = TensorsOf(actor);
  critic_parameters_ = TensorsOf(critic);
  actor_ = std::make_unique<Optimiser>(std::move(actor), config.optimiser);
  kl_ = advantage::MakeKlController(config.advantage.kl);
}

backbone::DecoderWeights PolicyTrainer::PolicyWeights() {
  backbone::DecoderWeights weights = policy_weights_->Get();
  return parts_.lora != nullptr ? parts_.lora->AttachedTo(weights) : weights;
}

void PolicyTrainer::WeightsChanged() {
  policy_weights_->Changed();
  if (critic_weights_) critic_weights_->Changed();
}

std::vector<backbone::Parameter> PolicyTrainer::policy_parameters() const {
  return parts_.lora != nullptr ? parts_.lora->tensors() : parts_.policy->parameters();
}

Result<UpdateReport> PolicyTrainer::Update(const rollout::Batch& batch, int64_t number) {
  Step step{
      .batch = batch, .number = number, .legal = LegalTokens(parts_.vocabulary, parts_.policy->config().max_positions)};
  SetOptions(step);
  if (config_.update.skip_flat_groups) {
    JADE_ASSIGN_OR_RETURN(Informative informative,
                          FindInformative(batch, step.options, step.legal, *parts_.collective));
    step.chosen = std::move(informative.transitions);
    step.estimates = std::move(informative.estimates);
  }
  JADE_TRY(Flatten(step));
  JADE_TRY(SynchroniseMiniBatches(step));
  step.tokens.resize(static_cast<size_t>(step.flat.token_count()));
  step.weights.resize(step.tokens.size());
  JADE_TRY(Score(step));
  JADE_TRY(ScoreReference(step));
  JADE_TRY(ScoreValues(step));
  JADE_TRY(Estimate(step));

  UpdateReport report;
  const bool train_policy = number >= config_.critic_warm_up || critic_ == nullptr;
  for (int64_t epoch = 0; epoch < config_.update.epochs && !report.stopped_early; ++epoch) {
    for (const MiniBatch& mini : step.flat.mini_batches) {
      JADE_TRY(RunMiniBatch(step, mini, train_policy));
      ++report.mini_batches;
      for (const MicroBatch& micro : mini) report.tokens += micro.token_count();
      std::array<double, 2> moved{step.kl, step.kl_tokens};
      JADE_TRY(parts_.collective->Sum(moved));
      const double kl = moved[1] > 0 ? moved[0] / moved[1] : 0.0;
      if (config_.update.kl_limit > 0 && kl > config_.update.kl_limit) {
        return NotFinite(step, mini, fmt::format("the policy moved by {:.3g} nats a token in one mini-batch", kl));
      }
      if (config_.update.target_kl > 0 && kl > config_.update.target_kl) {
        report.stopped_early = true;
        break;
      }
    }
  }
  JADE_TRY(SumMoments(*parts_.collective, std::span<advantage::Moments>(&step.estimates.kl, 1)));
  kl_.Update(step.estimates.kl.Mean(), static_cast<int64_t>(step.estimates.kl.count));
  JADE_ASSIGN_OR_RETURN(report.scalars, UpdateScalars({batch, step.flat, step.tokens, step.estimates,
                                                       step.has_reference, step.has_values},
                                                      *parts_.collective));
  report.scalars["policy/shared_prefixes"] = step.flat.SharedPrefixes();
  if (config_.update.skip_flat_groups) {
    const size_t trained = TrainedCount(batch);
    report.scalars["policy/skipped_calls"] =
        trained == 0 ? 0.0 : 1.0 - static_cast<double>(step.flat.transitions.size()) / static_cast<double>(trained);
  }
  const auto mean = [](double sum, int64_t count) { return sum / static_cast<double>(std::max<int64_t>(count, 1)); };
  if (step.policy_updates > 0) {
    report.scalars["policy/loss"] = mean(step.policy_loss, step.policy_updates);
    report.scalars["policy/grad_norm"] = mean(step.policy_norm, step.policy_updates);
    report.scalars["policy/lr"] = config_.actor_lr * RateShare(config_.actor_schedule, number);
  }
  if (step.value_updates > 0) {
    report.scalars["value/loss"] = mean(step.value_loss, step.value_updates);
    report.scalars["value/grad_norm"] = mean(step.value_norm, step.value_updates);
  }
  if (config_.advantage.kl.in != advantage::KlPlace::kNone) report.scalars["kl/coefficient"] = kl_.coefficient;
  report.scalars["policy/mini_batches"] = static_cast<double>(report.mini_batches);
  if (config_.algorithm == Algorithm::kRejection) {
    report.scalars["rejection/runs"] = mean(static_cast<double>(step.accepted.runs), std::ssize(batch.runs));
    report.scalars["rejection/calls"] =
        mean(static_cast<double>(step.accepted.calls), static_cast<int64_t>(TrainedCount(batch)));
  }
  if (!config_.export_batches.empty()) report.credit = CreditOf(batch, step.flat, step.estimates);
  return report;
}

Status PolicyTrainer::Flatten(Step& step) {
  BatchOptions options;
  options.mini_transitions = config_.update.mini_batch;
  options.mini_batches = config_.update.mini_batches;
  options.micro_tokens = config_.update.micro_tokens;
  options.share_prefixes = config_.update.share_prefixes;
  if (config_.algorithm == Algorithm::kRejection) {
    step.accepted = AcceptTransitions(step.batch, config_.rejection);
    step.chosen = step.accepted.transitions;
  }
  options.chosen = step.chosen;
  const size_t trained = step.chosen.empty()
                             ? TrainedCount(step.batch)
                             : static_cast<size_t>(std::count(step.chosen.begin(), step.chosen.end(), uint8_t{1}));
  if (config_.update.shuffle) options.order = ShuffledOrder(trained, config_.seed, step.number);
  JADE_ASSIGN_OR_RETURN(step.flat, MakePolicyBatch(step.batch, options, step.legal, parts_.policy->device()));
  return {};
}

// All processes go through the same number of mini-batches; those that have fewer add empty ones.
Status PolicyTrainer::SynchroniseMiniBatches(Step& step) {
  std::array<double, 1> most{static_cast<double>(step.flat.mini_batches.size())};
  JADE_TRY(parts_.collective->Max(most));
  step.flat.mini_batches.resize(static_cast<size_t>(most[0]));
  return {};
}

Status PolicyTrainer::Score(Step& step) {
  const at::NoGradGuard no_grad;
  const backbone::DecoderWeights weights = PolicyWeights();
  for (const MiniBatch& mini : step.flat.mini_batches) {
    for (const MicroBatch& micro : mini) {
      const at::Tensor hidden = parts_.policy->ForwardPacked(micro.packed, weights).index_select(0, micro.rows_M);
      const std::vector<TokenScore> scores = ScoreTokens(hidden, weights.head_VD, micro.tokens, /*entropy=*/true);
      for (size_t i = 0; i < scores.size(); ++i) {
        TokenFigures& token = step.tokens[static_cast<size_t>(micro.flat[i])];
        token.old_log_prob = scores[i].log_prob;
        token.entropy = scores[i].entropy;
        if (!std::isfinite(scores[i].log_prob)) return NotFinite(step, mini, "a log-probability is not finite");
      }
      if (critic_ != nullptr && critic_->decoder() == nullptr) KeepValues(step, micro, hidden);
    }
  }
  return {};
}

Status PolicyTrainer::ScoreReference(Step& step) {
  const bool needed = config_.advantage.kl.in != advantage::KlPlace::kNone;
  const int64_t every = config_.kl_report_every;
  if ((parts_.start == nullptr && parts_.lora == nullptr) || (!needed && (every <= 0 || step.number % every != 0)))
    return {};
  const at::NoGradGuard no_grad;
  // Without its adapters the policy is the start.
  const backbone::Decoder& start = parts_.lora != nullptr ? *parts_.policy : *parts_.start;
  const backbone::DecoderWeights weights = parts_.lora != nullptr ? policy_weights_->Get() : start.Weights(dtype_);
  for (const MiniBatch& mini : step.flat.mini_batches) {
    for (const MicroBatch& micro : mini) {
      const at::Tensor hidden = start.ForwardPacked(micro.packed, weights).index_select(0, micro.rows_M);
      const std::vector<TokenScore> scores = ScoreTokens(hidden, weights.head_VD, micro.tokens, /*entropy=*/false);
      for (size_t i = 0; i < scores.size(); ++i) {
        step.tokens[static_cast<size_t>(micro.flat[i])].reference_log_prob = scores[i].log_prob;
      }
    }
  }
  step.has_reference = true;
  return {};
}

void PolicyTrainer::KeepValues(Step& step, const MicroBatch& micro, const at::Tensor& hidden_MD) const {
  const at::Tensor values = critic_->Values(hidden_MD).to(at::kCPU).contiguous();
  for (size_t i = 0; i < micro.flat.size(); ++i) {
    step.tokens[static_cast<size_t>(micro.flat[i])].value = values.data_ptr<float>()[i];
  }
}

Status PolicyTrainer::ScoreValues(Step& step) {
  step.has_values = critic_ != nullptr;
  if (critic_ == nullptr || critic_->decoder() == nullptr) return {};  // a head's came with the policy's scores
  const at::NoGradGuard no_grad;
  const backbone::DecoderWeights weights = critic_weights_->Get();
  for (const MiniBatch& mini : step.flat.mini_batches) {
    for (const MicroBatch& micro : mini) {
      KeepValues(step, micro, critic_->decoder()->ForwardPacked(micro.packed, weights).index_select(0, micro.rows_M));
    }
  }
  return {};
}

void PolicyTrainer::SetOptions(Step& step) const {
  step.options = config_.advantage;
  step.options.kl.coefficient = kl_.coefficient;
  step.losses = RoleLosses(config_, kl_.coefficient, step.batch.roles);
  step.role_weights.assign(step.batch.roles.size(), 1.0);
  for (size_t role = 0; role < step.batch.roles.size(); ++role) {
    const auto own = config_.per_role.find(step.batch.roles[role]);
    if (own == config_.per_role.end()) continue;
    step.role_weights[role] = own->second.weight * own->second.lr;
    if (!own->second.estimator) continue;
    advantage::EstimatorOptions options = config_.advantage.defaults;
    options.estimator = *own->second.estimator;
    step.options.by_role[static_cast<int32_t>(role)] = options;
  }
}

Status PolicyTrainer::Estimate(Step& step) {
  step.credit = std::make_unique<CreditView>(step.batch, step.flat, step.tokens,
                                             CreditViewOptions{step.has_values, step.has_reference});
  if (config_.update.skip_flat_groups) {  // all but the divergence is known already
    JADE_ASSIGN_OR_RETURN(const advantage::Rewards rewards, advantage::MakeRewards(step.credit->view(), step.options));
    step.estimates.kl = rewards.divergence;
    return {};
  }
  if (config_.algorithm != Algorithm::kRejection) {
    JADE_ASSIGN_OR_RETURN(step.estimates, EstimateTogether(step.credit->view(), step.options, *parts_.collective));
    return {};
  }
  // Every token that is trained is worth the same.
  step.estimates.advantages.assign(step.flat.counted.begin(), step.flat.counted.end());
  step.estimates.returns.assign(step.tokens.size(), 0.0F);
  return {};
}

// The losses' weights are normalised over the whole mini-batch, so that cutting it up changes nothing.
Status PolicyTrainer::WeighTokens(Step& step, const MiniBatch& mini) {
  std::vector<int32_t> transitions;
  for (const MicroBatch& micro : mini) {
    for (const uint32_t index : micro.transitions) transitions.push_back(static_cast<int32_t>(index));
  }
  const advantage::Batch& view = step.credit->view();
  advantage::LossUnits units = advantage::CountLossUnits(view, transitions);
  std::array<double, 3> sums{units.tokens, units.calls, units.questions};
  JADE_TRY(parts_.collective->Sum(sums));
  units = {sums[0], sums[1], sums[2]};
  JADE_ASSIGN_OR_RETURN(
      const std::vector<double> calls,
      advantage::CallWeights(view, transitions, config_.update.aggregation, step.role_weights, units));
  for (size_t i = 0; i < transitions.size(); ++i) {
    const auto t = static_cast<size_t>(transitions[i]);
    for (size_t token = view.begin(t); token < view.end(t); ++token) {
      step.weights[token] = view.counted[token] != 0 ? static_cast<float>(calls[i]) : 0.0F;
    }
  }
  return {};
}

Status PolicyTrainer::RunMiniBatch(Step& step, const MiniBatch& mini, bool train_policy) {
  step.kl = step.kl_tokens = 0;
  JADE_TRY(WeighTokens(step, mini));
  if (train_policy) JADE_TRY(UpdatePolicy(step, mini));
  const bool separate = critic_ != nullptr && (critic_->decoder() != nullptr || !train_policy);
  if (separate) JADE_TRY(UpdateCritic(step, mini));
  return {};
}

TokenGradient PolicyTrainer::PolicyToken(Step& step, size_t place, const TokenScore& score) const {
  TokenFigures& token = step.tokens[place];
  const advantage::PolicyLossOptions<float>& options = step.losses[step.flat.roles[place]];
  advantage::PolicyLoss<float> of;
  if (config_.algorithm == Algorithm::kRejection) {
    of = LikelihoodLoss(score.log_prob, token.old_log_prob);
    of.loss -= options.entropy_coefficient * score.entropy;
    of.d_entropy = -options.entropy_coefficient;
  } else {
    of =
        advantage::PolicyTokenLoss<float>({score.log_prob, token.old_log_prob, step.estimates.advantages[place],
                                           step.flat.rollout_log_probs[place], token.reference_log_prob, score.entropy},
                                          options);
  }
  token.ratio = of.ratio;
  token.importance = of.importance;
  token.clipped = of.clipped;
  token.dual_clipped = of.dual_clipped;
  token.kl = advantage::EstimateKl(advantage::KlEstimator::kK3, token.old_log_prob, score.log_prob).value;
  const float weight = step.weights[place];
  return {static_cast<double>(weight) * of.loss, weight * of.d_log_prob, weight * of.d_entropy};
}

double PolicyTrainer::PolicyBackward(Step& step, const MicroBatch& micro) {
  const TokenLoss loss = [&](int64_t row, const TokenScore& score) {
    return PolicyToken(step, static_cast<size_t>(micro.flat[static_cast<size_t>(row)]), score);
  };
  const backbone::DecoderWeights weights = PolicyWeights();
  const at::Tensor hidden =
      parts_.policy->ForwardPacked(micro.packed, weights, Forward()).index_select(0, micro.rows_M);
  const bool entropy = std::ranges::any_of(step.losses, [](const auto& of) { return of.entropy_coefficient != 0; });
  at::Tensor total = LinearTokenLoss(hidden, weights.head_VD, micro.tokens, entropy, loss);
  const double policy_loss = total.item<double>();
  total.backward({}, /*retain_graph=*/critic_ != nullptr && critic_->decoder() == nullptr);
  if (critic_ != nullptr && critic_->decoder() == nullptr) {
    step.head_loss += ValueBackward(step, micro, critic_->Values(hidden));
  }
  for (const int64_t place : micro.flat) {
    if (step.flat.counted[static_cast<size_t>(place)] == 0) continue;
    step.kl += step.tokens[static_cast<size_t>(place)].kl;
    ++step.kl_tokens;
  }
  return policy_loss;
}

// Gradients of Σ weight · coefficient · value loss; the loss itself, without the coefficient.
double PolicyTrainer::ValueBackward(Step& step, const MicroBatch& micro, const at::Tensor& values) {
  const at::Tensor host = values.detach().to(at::kCPU).contiguous();
  at::Tensor gradient = at::empty_like(host);
  double sum = 0;
  for (size_t i = 0; i < micro.flat.size(); ++i) {
    const auto place = static_cast<size_t>(micro.flat[i]);
    const advantage::ValueLoss<float> of =
        advantage::ValueTokenLoss<float>(host.data_ptr<float>()[i], step.tokens[place].value,
                                         step.estimates.returns[place], static_cast<float>(config_.update.value_clip));
    const float weight = step.weights[place];
    sum += static_cast<double>(weight) * of.loss;
    // The value loss of runtime/advantage has the published coefficient of 0.5 inside.
    gradient.data_ptr<float>()[i] = weight * of.d_value * static_cast<float>(2.0 * config_.update.value_coefficient);
  }
  values.backward(gradient.to(values.device()));
  return sum;
}

double PolicyTrainer::CriticBackward(Step& step, const MicroBatch& micro) {
  const backbone::Decoder& decoder = critic_->decoder() != nullptr ? *critic_->decoder() : *parts_.policy;
  at::Tensor hidden;
  if (critic_->decoder() == nullptr) {
    const at::NoGradGuard no_grad;  // the head alone learns while the policy rests
    hidden = decoder.ForwardPacked(micro.packed, PolicyWeights()).index_select(0, micro.rows_M);
  } else {
    hidden = decoder.ForwardPacked(micro.packed, critic_weights_->Get(), Forward()).index_select(0, micro.rows_M);
  }
  return ValueBackward(step, micro, critic_->Values(hidden));
}

Status PolicyTrainer::UpdatePolicy(Step& step, const MiniBatch& mini) {
  double own = 0;
  step.head_loss = 0;
  for (const MicroBatch& micro : mini) own += PolicyBackward(step, micro);
  std::array<double, 2> losses{own, step.head_loss};  // each process has its transitions' share
  JADE_TRY(parts_.collective->Sum(losses));
  const auto [loss, head_loss] = losses;
  if (!std::isfinite(loss)) return NotFinite(step, mini, fmt::format("the policy loss is {}", loss));
  const double lr = config_.actor_lr * RateShare(config_.actor_schedule, step.number);
  JADE_ASSIGN_OR_RETURN(const double norm, StepOptimiser(*actor_, actor_parameters_, lr, step, mini));
  step.policy_norm += norm;
  step.policy_loss += loss;
  ++step.policy_updates;
  if (critic_ != nullptr && critic_->decoder() == nullptr) {
    JADE_ASSIGN_OR_RETURN(const double head_norm,
                          StepOptimiser(*critic_optimiser_, critic_parameters_, config_.critic_lr, step, mini));
    step.value_norm += head_norm;
    step.value_loss += head_loss;
    ++step.value_updates;
  }
  return {};
}

Status PolicyTrainer::UpdateCritic(Step& step, const MiniBatch& mini) {
  std::array<double, 1> losses{};
  for (const MicroBatch& micro : mini) losses[0] += CriticBackward(step, micro);
  JADE_TRY(parts_.collective->Sum(losses));
  const double loss = losses[0];
  if (!std::isfinite(loss)) return NotFinite(step, mini, fmt::format("the value loss is {}", loss));
  JADE_ASSIGN_OR_RETURN(const double norm,
                        StepOptimiser(*critic_optimiser_, critic_parameters_, config_.critic_lr, step, mini));
  step.value_norm += norm;
  step.value_loss += loss;
  ++step.value_updates;
  return {};
}

Result<double> PolicyTrainer::StepOptimiser(Optimiser& optimiser, std::vector<at::Tensor>& parameters, double lr,
                                            Step& step, const MiniBatch& mini) {
  if (parts_.collective->size() > 1) {
    std::vector<at::Tensor> gradients;
    for (at::Tensor& parameter : parameters) {
      if (!parameter.grad().defined()) parameter.mutable_grad() = at::zeros_like(parameter);
      gradients.push_back(parameter.grad());
    }
    JADE_TRY(parts_.collective->Sum(std::span<at::Tensor>(gradients)));
  }
  const double norm = optimiser.GradientNorm();
  if (!std::isfinite(norm)) return NotFinite(step, mini, fmt::format("the gradient's norm is {}", norm));
  const double clip = config_.optimiser.clip;
  optimiser.Step(lr, clip > 0 && norm > clip ? clip / norm : 1.0);
  WeightsChanged();
  return norm;
}

Error PolicyTrainer::NotFinite(const Step& step, const MiniBatch& mini, const std::string& what) const {
  std::set<std::string> roles;
  std::string places;
  int shown = 0;
  for (const MicroBatch& micro : mini) {
    for (const uint32_t index : micro.transitions) {
      const rollout::Transition& transition = *step.flat.transitions[index];
      roles.insert(step.batch.roles[transition.role]);
      if (shown++ < 5) {
        places += fmt::format("{}`{}` of question `{}`", shown == 1 ? "" : ", ", transition.site,
                              step.batch.questions[step.batch.runs[transition.run].question].id);
      }
    }
  }
  return Error(
      ErrorCode::kCorrupt,
      fmt::format("training stopped in step {}: {}; the mini-batch has {} transitions of {}, among them {}; the "
                  "last checkpoint is whole: lower the learning rate and resume",
                  step.number, what, shown, fmt::join(roles, ", "), places));
}

}  // namespace jade::train
