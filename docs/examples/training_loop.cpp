// A trainer around JADE, without any library: a policy with token ids and log-probabilities of its own, roll-outs of a
// compiled workflow, advantages of every call, REINFORCE. With an argument, writes its last batch there for other
// trainers.
#include <array>
#include <cmath>
#include <cstdio>
#include <functional>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "runtime/advantage/estimate.h"
#include "runtime/rollout/collector.h"
#include "runtime/rollout/export.h"
#include "runtime/rollout/questions_run.h"

using namespace jade;

// Two roles, one policy. `Name` says what a question is about, `Paint` what colour that has. A reply that is not one
// word in its tag costs its role 2, as does a thing that the question does not name; the colour earns the team's
// reward.
constexpr const char* kProgram = R"(use std.rag
use std.reward

executor Name(question: Query) -> Query {
  user """name {question}"""
  prefill "<w>"
  emits <w> Query
  check words(result) == 1 and contains(question, result)
  malformed question
  invalid question
  penalty 2.0
  sample max_tokens 3
}
executor Paint(thing: Query) -> Answer {
  user """paint {thing}"""
  prefill "<w>"
  emits <w> Answer
  check words(result) == 1
  malformed Answer(raw)
  penalty 2.0
  sample max_tokens 3
}
main workflow Solve(question: Query) -> Answer { Paint(Name(question)) }
)";

// What can be written, then what can only be read.
constexpr auto kWords = std::to_array<std::string_view>(
    {"<end>", "</w>", "sky", "grass", "sun", "blue", "green", "yellow", "name", "paint", "<w>"});
constexpr size_t kWritten = 8;
constexpr int32_t kEnd = 0;
constexpr int32_t kClose = 1;

// A log-linear model: the logit of a token is the sum of its weights under the words of the prompt and under the token
// before it, each together with the prompt's first word, which tells the roles apart. An engine answers in batches:
// Submit takes requests, Step answers all that wait.
class Policy final : public engine::Engine {
 public:
  Status Submit(engine::Request request) override {
    waiting_.push_back(std::move(request));
    return {};
  }
  void Cancel(uint64_t) override {}  // the next Step answers it anyway, and nobody reads that
  bool Step() override {
    if (waiting_.empty()) return false;
    for (const engine::Request& request : std::exchange(waiting_, {})) PostReply(request.id, Sample(request));
    return true;
  }
  std::string Describe() const override { return "a log-linear policy"; }

  // One step along Σ advantage · ∇ log π(token) / tokens, over all response tokens of the batch.
  void Learn(const rollout::Batch& batch, std::span<const float> advantages, double rate) {
    Weights gradient{};
    const double share = 1.0 / static_cast<double>(advantages.size());
    size_t token = 0;
    for (const rollout::Transition& transition : batch.transitions) {
      int32_t previous = transition.observation.back();
      for (const int32_t action : transition.action) {
        const Distribution p = Next(transition.observation, previous);
        const double scale = share * static_cast<double>(advantages[token++]);
        Visit(transition.observation, previous, [&](size_t feature) {
          for (size_t w = 0; w < kWritten; ++w) {
            gradient[feature][w] += scale * ((w == static_cast<size_t>(action) ? 1.0 : 0.0) - p[w]);
          }
        });
        previous = action;
      }
    }
    for (size_t f = 0; f < gradient.size(); ++f) {
      for (size_t w = 0; w < kWritten; ++w) weights_[f][w] += rate * gradient[f][w];
    }
  }

 private:
  using Distribution = std::array<double, kWritten>;
  using Weights = std::array<Distribution, 2 * kWords.size() * kWords.size()>;  // by features, as Visit numbers them

  static void Visit(const std::vector<int32_t>& prompt, int32_t previous, const std::function<void(size_t)>& take) {
    const size_t role = 2 * kWords.size() * static_cast<size_t>(prompt.front());
    for (const int32_t word : prompt) take(role + static_cast<size_t>(word));
    take(role + kWords.size() + static_cast<size_t>(previous));
  }
  Distribution Next(const std::vector<int32_t>& prompt, int32_t previous) const {
    Distribution p{};
    Visit(prompt, previous, [&](size_t feature) {
      for (size_t w = 0; w < kWritten; ++w) p[w] += weights_[feature][w];
    });
    double sum = 0;
    for (double& x : p) sum += x = std::exp(x);
    for (double& x : p) x /= sum;
    return p;
  }

  // The words it knows, in order.
  static std::vector<int32_t> Tokens(const engine::Messages& messages) {
    std::vector<int32_t> tokens;
    std::string word;
    for (const engine::Message& message : messages) {
      for (const char c : message.text + " ") {
        if (c != ' ' && c != '?') {
          word += c;
          continue;
        }
        for (size_t w = 0; w < kWords.size(); ++w) {
          if (kWords[w] == word) tokens.push_back(static_cast<int32_t>(w));
        }
        word.clear();
      }
    }
    return tokens;
  }
  // Each call samples from its own stream: the same run seed and weights give the same run, whatever runs beside it.
  engine::Reply Sample(const engine::Request& request) const {
    engine::Reply reply;
    reply.observation_ids = Tokens(*request.messages);
    reply.finish = engine::Finish::kLength;
    std::mt19937_64 random(request.sampling.stream[0] ^ request.sampling.stream[1]);
    int32_t previous = reply.observation_ids.back();
    for (int i = 0; i < request.sampling.max_tokens && reply.finish == engine::Finish::kLength; ++i) {
      const Distribution p = Next(reply.observation_ids, previous);
      double left = static_cast<double>(random() >> 11) * 0x1.0p-53;
      size_t chosen = 0;
      while (chosen + 1 < kWritten && left >= p[chosen]) left -= p[chosen++];
      previous = static_cast<int32_t>(chosen);
      reply.action_ids.push_back(previous);
      reply.log_probs.push_back(static_cast<float>(std::log(p[chosen])));
      if (previous == kEnd) {
        reply.finish = engine::Finish::kStop;
        continue;
      }
      if (previous != kClose) reply.text += " ";
      reply.text += kWords[chosen];
    }
    return reply;
  }

  Weights weights_{};
  std::vector<engine::Request> waiting_;
};

// Every question `samples` times, all runs at once, as one batch of transitions.
Result<rollout::Batch> RollOut(session::Session& session, const session::ProgramPtr& program,
                               const std::vector<eval::Question>& questions, int samples, uint64_t seed) {
  rollout::RunOptions options;
  options.request.program = program;
  options.request.reward = "Team";
  JADE_ASSIGN_OR_RETURN(options.parameter, rollout::QuestionParameter(*program, ""));
  options.samples = samples;
  options.seed = seed;
  std::vector<const eval::Question*> asked;
  std::vector<uint64_t> ids;
  for (const eval::Question& question : questions) {
    ids.push_back(asked.size());
    asked.push_back(&question);
  }
  rollout::CollectOptions collect;
  collect.samples = samples;
  rollout::Collector collector(asked, collect);
  JADE_TRY(rollout::AnswerQuestions(session, options, asked, ids, [&](rollout::Answered answered) -> Status {
    collector.Add(answered);
    return {};
  }));
  return collector.Finish();
}

// Of each response token: its call's reward less the mean of the same call in other runs of the question (RLOO).
Result<advantage::Estimates> Advantages(const rollout::Batch& batch) {
  std::vector<int64_t> offsets{0}, question, run;
  std::vector<int32_t> role;
  std::vector<uint64_t> site;
  std::vector<double> penalty, team_reward;
  for (const rollout::Transition& transition : batch.transitions) {
    offsets.push_back(offsets.back() + static_cast<int64_t>(transition.action.size()));
    question.push_back(batch.runs[transition.run].question);
    run.push_back(transition.run);
    role.push_back(static_cast<int32_t>(transition.role));
    site.push_back(std::hash<std::string>{}(transition.site));
    penalty.push_back(transition.penalty);
    team_reward.push_back(batch.runs[transition.run].reward);
  }
  const std::vector<uint8_t> counted(static_cast<size_t>(offsets.back()), 1);  // every token was a choice
  advantage::Batch view;
  view.offsets = offsets;
  view.counted = counted;
  view.role = role;
  view.roles = static_cast<int32_t>(batch.roles.size());
  view.question = question;
  view.run = run;
  view.site = site;
  view.penalty = penalty;
  view.team_reward = team_reward;
  advantage::Options options;
  options.defaults.estimator = advantage::Estimator::kRloo;
  return advantage::EstimateAdvantages(view, options);
}

struct Figures {
  double reward = 0;  // of the team, mean of the runs
  double valid = 0;   // share of the calls
};

Figures FiguresOf(const rollout::Batch& batch) {
  Figures figures;
  for (const rollout::Run& run : batch.runs) figures.reward += run.reward / static_cast<double>(batch.runs.size());
  for (const rollout::Transition& transition : batch.transitions) {
    const bool valid = transition.validity == trace::Validity::kValid;
    figures.valid += (valid ? 1.0 : 0.0) / static_cast<double>(batch.transitions.size());
  }
  return figures;
}

Result<Figures> Train(const session::ProgramPtr& program, const std::string& output) {
  std::vector<eval::Question> questions;
  const std::pair<const char*, const char*> colours[] = {{"sky", "blue"}, {"grass", "green"}, {"sun", "yellow"}};
  for (const auto& [thing, colour] : colours) {
    eval::Question& question = questions.emplace_back();
    question.id = thing;
    question.question = std::string("which colour has the ") + thing + "?";
    question.gold = {colour};
  }
  Policy policy;  // outlives the session
  session::Session session(&policy, {});
  Figures figures;
  for (int step = 0; step <= 100; ++step) {
    JADE_ASSIGN_OR_RETURN(const rollout::Batch batch,
                          RollOut(session, program, questions, 64, static_cast<uint64_t>(step)));
    JADE_ASSIGN_OR_RETURN(const advantage::Estimates estimates, Advantages(batch));
    policy.Learn(batch, estimates.advantages, 8.0);
    figures = FiguresOf(batch);
    if (step % 25 == 0) {
      std::printf("step %3d: %zu transitions, reward %.1f, valid %.1f\n", step, batch.transitions.size(),
                  figures.reward, figures.valid);
    }
    if (step < 100 || output.empty()) continue;
    JADE_TRY(rollout::ExportBatch(batch, output, {.step = step, .credit = {{}, estimates.advantages, {}}}));
  }
  return figures;
}

int main(int argc, char** argv) {
  const session::Loaded loaded = session::Program::LoadText("solve.jade", kProgram);
  if (loaded.program == nullptr) {
    for (const diag::Diagnostic& diagnostic : loaded.diagnostics) std::printf("%s\n", diagnostic.message.c_str());
    return 1;
  }
  const Result<Figures> trained = Train(loaded.program, argc > 1 ? argv[1] : "");
  if (!trained.ok()) {
    std::printf("%s\n", trained.error().ToString().c_str());
    return 1;
  }
  return trained->reward > 0.9 && trained->valid > 0.9 ? 0 : 1;
}
