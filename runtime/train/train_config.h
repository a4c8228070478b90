#pragma once
// What `jade train` is asked to do, and its YAML form: a file of settings (docs/configuration.md) with a map `train`
// more. Plain values. docs/training.md lists the keys.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "compiler/result/result.h"
#include "runtime/advantage/options.h"
#include "runtime/settings/settings.h"
#include "runtime/train/sft_config.h"

namespace jade::train {

enum class CriticKind { kModel, kHead, kNone };  // a decoder of its own, a head on the policy's, or none
// What an update does: PPO on advantages, or plain likelihood of the replies of runs that earned enough.
enum class Algorithm { kPpo, kRejection };
enum class OtherRoles { kStart, kFilter };  // how roles that are not trained are served

struct RoleTraining {
  std::optional<advantage::Estimator> estimator;
  double weight = 1.0;            // of its tokens in the loss
  double lr = 1.0;                // times the learning rate. Shared weights: it scales the role's share of the gradient
  std::optional<double> entropy;  // instead of `update.entropy`
  std::optional<double> kl;       // instead of `kl.coefficient`, with the KL in the loss; no controller moves it
};

struct RejectionConfig {
  double threshold = 0.5;     // the least team reward of a run that is trained on
  bool best_of_group = true;  // of a question's samples only the best one
};

struct CounterfactualConfig {
  int64_t alternatives = 0;  // of a resampled call; 0: none is
  double share = 0.1;        // of the trained calls
};

// The policy's learning rate over the steps of a run, as a share of `actor_lr`. A function of the step alone.
struct RateSchedule {
  enum class Shape { kConstant, kLinear, kCosine };
  Shape shape = Shape::kConstant;
  int64_t warm_up = 0;  // steps in which it rises in proportion
  int64_t steps = 0;    // after which it has fallen to `final`; not of kConstant
  double final = 0.0;   // share
};

struct LoraConfig {
  int64_t rank = 0;  // 0: full fine-tuning
  double alpha = 16;
  std::vector<std::string> targets;  // empty: every projection
};

struct UpdateConfig {
  int64_t epochs = 1;
  int64_t mini_batch = 32;   // transitions; 0: `mini_batches`
  int64_t mini_batches = 0;  // of a step
  bool shuffle = false;
  int64_t micro_tokens = 8192;
  double clip_low = 0.2, clip_high = 0.2;
  double dual_clip = 3.0;  // 0: none
  double value_clip = 0.5;
  double value_coefficient = 0.5;
  advantage::LossAggregation aggregation = advantage::LossAggregation::kTokenMean;
  double entropy = 0.0;
  double target_kl = 0.0;       // nats a token; above it the step's updates end; 0: never
  double kl_limit = 10.0;       // nats a token between old and new policy: above it the run stops; 0: never
  double importance_cap = 2.0;  // of exp(old − rollout); 0: no weight
  ComputeType compute = ComputeType::kAuto;
  bool checkpointing = false;     // of activations
  bool share_prefixes = true;     // of prompts that begin alike, on the processor
  bool skip_flat_groups = false;  // calls of groups whose samples all earned the same have no part in the passes
};

struct RolloutConfig {
  int64_t questions = 128;  // a step
  int64_t samples = 1;      // a question
  int64_t concurrency = 256;
  int64_t retries = 2;
  double temperature = 1.0;
  int64_t max_prompt = 3072;
  int64_t max_response = 1024;
  double failed_reward = 0.0;
  bool overlap = false;  // with the update before it: one step off the policy, corrected
};

struct DevConfig {
  std::string path;
  int64_t limit = 0;          // 0: all
  int64_t every = 10;         // steps; 0: at the end only
  std::string choose = "f1";  // f1, em, accuracy, reward: what the best checkpoint has most of
  int64_t patience = 0;       // evaluations without a better one before it stops; 0: never
  int64_t samples_shown = 8;
};

struct TrainConfig {
  std::string name;  // of the file, for messages
  settings::Settings settings;
  std::string preset = "paper-7b";
  std::string file;      // .jade
  std::string workflow;  // empty: the main one
  std::string data;      // questions
  std::string corpus;    // what training searches, instead of `settings.retriever`; empty: the same
  std::string test;      // questions to evaluate the result on; empty: none
  DevConfig dev;
  std::string run;     // folder
  std::string output;  // Hugging Face folder; empty: none beside RUN/best and RUN/last
  std::string arm;     // what the run tries, for reports
  uint64_t seed = 1;
  int64_t steps = 0;  // 0: `epochs` over the data
  double epochs = 3;
  std::string export_batches;  // folder that each step's batch is written to, for other trainers; empty: none
  Algorithm algorithm = Algorithm::kPpo;
  RejectionConfig rejection;
  std::string train_roles = "all";  // all, planners, executors, list
  std::vector<std::string> roles;   // of list
  OtherRoles others = OtherRoles::kStart;
  std::map<std::string, RoleTraining> per_role;
  RolloutConfig rollout;
  advantage::Options advantage;  // its `by_role` stays empty: roles are numbered by a batch
  CounterfactualConfig counterfactual;
  int64_t kl_report_every = 0;  // steps between reports of the divergence from the start; 0: only where a loss needs it
  UpdateConfig update;
  double actor_lr = 5e-7, critic_lr = 1e-5;
  RateSchedule actor_schedule;
  OptimiserOptions optimiser;  // of both
  LoraConfig lora;
  CriticKind critic = CriticKind::kModel;
  int64_t critic_warm_up = 0;        // steps in which the critic alone learns
  int64_t checkpoint_every = 1;      // steps
  double distributed_timeout = 600;  // seconds, of the processes' rendezvous and of an operation among them

  std::map<std::string, std::string> given;  // what the file says, flattened: "train.actor.lr" → "3e-5"

  bool NeedsCritic() const;
  bool NeedsGraph() const;  // some role's advantages follow the data flow of the runs
};

// Every mistake comes back in one error, each with its line. Paths are relative to the working directory.
Result<TrainConfig> ParseTrainConfig(std::string name, const std::string& text);
Result<TrainConfig> LoadTrainConfig(const std::string& path);

}  // namespace jade::train
