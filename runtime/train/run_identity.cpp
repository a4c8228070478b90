#include "runtime/train/run_identity.h"

#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "runtime/backbone/backbone.h"
#include "runtime/train/agreement.h"

namespace jade::train {

std::string Fingerprint(const TrainConfig& config) {
  std::string text;
  for (const auto& [key, value] : config.given) {
    const bool place = key == "train.run" || key == "train.output" || key == "train.arm" || key == "train.steps" ||
                       key == "train.epochs" || key == "train.checkpoint_every" || key == "train.export_batches";
    if (!place) text += key + "=" + value + "\n";
  }
  return fmt::format("{:016x}", XXH3_64bits(text.data(), text.size()));
}

int64_t StepsOf(const TrainConfig& config, size_t questions) {
  if (config.steps > 0) return config.steps;
  const double steps = config.epochs * static_cast<double>(questions) / static_cast<double>(config.rollout.questions);
  return std::max<int64_t>(1, static_cast<int64_t>(std::ceil(steps)));
}

Status CompareStarts(Collective& collective, const TrainConfig& config, const QuestionSets& questions,
                     const std::string& weights) {
  const nlohmann::ordered_json own{{"configuration", Fingerprint(config)},
                                   {"number of steps", StepsOf(config, questions.train.size())},
                                   {"number of training questions", questions.train.size()},
                                   {"number of dev questions", questions.dev.size()},
                                   {"number of test questions", questions.test.size()},
                                   {"LibTorch", backbone::GetBackboneFacts().libtorch},
                                   {"weights", weights}};
  JADE_ASSIGN_OR_RETURN(const std::vector<std::string> texts, GatherTexts(collective, own.dump()));
  const auto first = nlohmann::json::parse(texts[0]);
  for (size_t rank = 1; rank < texts.size(); ++rank) {
    const auto other = nlohmann::json::parse(texts[rank]);
    for (const auto& [what, value] : first.items()) {
      if (value == "" || other.at(what) == value) continue;  // weights of a checkpoint are sent to all
      return Error(ErrorCode::kInvalidArgument,
                   fmt::format("rank {} does not start like rank 0: the {} is {} there and {} at rank 0", rank, what,
                               other.at(what).dump(), value.dump()));
    }
  }
  return {};
}

}  // namespace jade::train
