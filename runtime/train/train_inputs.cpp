#include "runtime/train/train_inputs.h"

#include <fmt/format.h>

#include <filesystem>

#include "runtime/rollout/questions_run.h"
#include "runtime/train/team.h"

namespace jade::train {
namespace {

// `limit` of them (0: all) from the whole of the file, which may be sorted by type.
std::vector<eval::Question> EvenlySpaced(std::vector<eval::Question> all, size_t limit) {
  if (limit == 0 || limit >= all.size()) return all;
  std::vector<eval::Question> chosen;
  for (size_t i = 0; i < limit; ++i) chosen.push_back(std::move(all[i * all.size() / limit]));
  return chosen;
}

Result<std::vector<eval::Question>> LoadSet(const std::string& path, const char* key) {
  auto questions = eval::LoadQuestions(path, 0);
  if (!questions.ok()) return std::move(questions).error().Wrap(fmt::format("reading `train.data.{}`", key));
  return questions;
}

}  // namespace

std::string CheckpointIn(const std::string& run) {
  return run + "/checkpoint.safetensors";
}

Status CheckFolder(const TrainConfig& config, bool resume) {
  std::error_code ignored;
  if (resume || !std::filesystem::exists(CheckpointIn(config.run), ignored)) return {};
  return Error(
      ErrorCode::kInvalidArgument,
      fmt::format("`{}` holds a run already: go on with `--resume`, or choose another `train.run`", config.run));
}

Result<QuestionSets> LoadQuestionSets(const TrainConfig& config) {
  QuestionSets sets;
  JADE_ASSIGN_OR_RETURN(sets.train, LoadSet(config.data, "train"));
  if (!config.dev.path.empty()) {
    JADE_ASSIGN_OR_RETURN(std::vector<eval::Question> all, LoadSet(config.dev.path, "dev"));
    sets.dev = EvenlySpaced(std::move(all), static_cast<size_t>(config.dev.limit));
  }
  if (!config.test.empty()) {
    JADE_ASSIGN_OR_RETURN(sets.test, LoadSet(config.test, "test"));
  }
  return sets;
}

Status CheckTraining(const TrainConfig& config, const session::Program& program, bool resume) {
  JADE_TRY(RolesOf(config, program));
  JADE_TRY(rollout::QuestionParameter(program, config.workflow));
  JADE_TRY(CheckFolder(config, resume));
  JADE_TRY(LoadQuestionSets(config));
  std::error_code ignored;
  if (!config.corpus.empty() && !std::filesystem::exists(config.corpus, ignored)) {
    return Error(ErrorCode::kNotFound, fmt::format("`{}` does not exist", config.corpus))
        .Wrap("reading `train.data.corpus`");
  }
  return {};
}

}  // namespace jade::train
