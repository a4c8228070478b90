#include "runtime/data/demonstrations.h"

#include <algorithm>
#include <array>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "runtime/data/contexts.h"
#include "runtime/data/copying.h"
#include "runtime/data/follow_ups.h"
#include "runtime/data/pretend.h"
#include "runtime/data/scene.h"

namespace jade::data {
namespace {

constexpr int kPerWorld = 300;       // demonstrations before the next pretend world
constexpr size_t kStock = 400;       // questions asked of a pretend world
constexpr size_t kRealStock = 6000;  // questions asked of the atlas
constexpr size_t kFollowUps = 4;     // questions more than passages, asked of one context
constexpr double kJudging = 0.3;     // share of the answerer's contexts that are there to judge by
constexpr std::string_view kUnknown = "unknown";

// Weights of the roles, in the order of Role.
using Mix = std::array<int, kRoleCount>;
constexpr Mix kShortMix = {5, 3, 12, 9, 6, 8, 48, 1, 8};
constexpr Mix kFullMix = {8, 4, 12, 8, 5, 12, 38, 3, 10};

struct WeightedPlan {
  std::string_view plan;
  int weight;
};
// Mostly the plan that a careful person would choose, now and then another, so that sampling has something to explore.
constexpr std::array<WeightedPlan, 5> kSinglePlans = {
    {{"R,AG", 62}, {"R,DS,AG", 18}, {"QR,R,AG", 12}, {"QR,R,DS,AG", 5}, {"QDS", 3}}};
constexpr std::array<WeightedPlan, 3> kSerialPlans = {{{"QDS", 93}, {"R,AG", 5}, {"QDP", 2}}};
constexpr std::array<WeightedPlan, 3> kParallelPlans = {{{"QDP", 82}, {"R,AG", 11}, {"R,DS,AG", 7}}};
constexpr std::array<WeightedPlan, 2> kSubPlans = {{{"R,AG", 78}, {"R,DS,AG", 22}}};

// All that the planners' stages admit: a planner that knows the format and nothing about questions.
constexpr std::array<WeightedPlan, 8> kAnyPlan = {
    {{"AG", 1}, {"R,AG", 1}, {"R,DS,AG", 1}, {"QR,AG", 1}, {"QR,R,AG", 1}, {"QR,R,DS,AG", 1}, {"QDS", 1}, {"QDP", 1}}};
constexpr std::array<WeightedPlan, 3> kAnySubPlan = {{{"AG", 1}, {"R,AG", 1}, {"R,DS,AG", 1}}};

template <size_t N>
std::string_view Draw(const std::array<WeightedPlan, N>& plans, Rng& rng) {
  int total = 0;
  for (const WeightedPlan& plan : plans) total += plan.weight;
  int left = rng.Between(0, total - 1);
  for (const WeightedPlan& plan : plans) {
    if ((left -= plan.weight) < 0) return plan.plan;
  }
  return plans[0].plan;
}

class Maker {
 public:
  explicit Maker(const DemonstrationOptions& options)
      : options_(options), rng_(HashText("demonstrations", options.seed)) {
    if (options.atlas != nullptr) {
      for (const Entity& entity : options.atlas->entities) taken_.insert(entity.name);
    }
    if (options.real > 0) {
      real_ = std::make_unique<Scene>(*options.atlas, options.atlas_seed, options.atlas_split, kRealStock,
                                      HashText("real questions", options.seed));
    }
    gate_ = options.stage == Stage::kGate || options.stage == Stage::kGateFive;
  }

  Demonstration Next() {
    real_now_ = real_ != nullptr && rng_.Chance(options_.real);
    if (!real_now_ && made_++ % kPerWorld == 0) Renew();
    while (true) {
      std::optional<Demonstration> demonstration = Draft();
      if (demonstration) return std::move(*demonstration);
    }
  }

 private:
  void Renew() {
    PretendOptions world;
    world.seed = rng_.Next();
    world.pool = gate_ ? NamePool::kGate : options_.pool;
    world.taken = &taken_;
    world.countries = rng_.Between(12, 28);
    pretend_ = std::make_unique<Scene>(MakePretendWorld(world), rng_.Next(), std::nullopt, kStock, rng_.Next());
  }

  const Scene& scene() const { return real_now_ ? *real_ : *pretend_; }

  std::optional<Demonstration> Draft() {
    if (gate_) return Gate();
    if (options_.stage == Stage::kCopying) return Copying();
    const Mix& mix = options_.stage == Stage::kShort ? kShortMix : kFullMix;
    int total = 0;
    for (int weight : mix) total += weight;
    int left = rng_.Between(0, total - 1);
    size_t role = 0;
    while ((left -= mix[role]) >= 0) ++role;
    return ForRole(static_cast<Role>(role));
  }

  std::optional<Demonstration> ForRole(Role role) {
    switch (role) {
      case Role::kPlanner:
        return Planner();
      case Role::kSubPlanner:
        return SubPlanner();
      case Role::kRewriter:
        return Rewriter();
      case Role::kSerial:
        return Decomposer(Role::kSerial, scene().serials());
      case Role::kParallel:
        return Decomposer(Role::kParallel, scene().parallels());
      case Role::kSelector:
        return Selector();
      case Role::kAnswerer:
        return Answerer();
      case Role::kClosedBook:
        return ClosedBook();
      case Role::kSummariser:
        return Summariser();
    }
    return std::nullopt;
  }

  static Demonstration Made(Role role, std::vector<Message> messages, std::string reply) {
    return {std::string(RoleName(role)), std::move(messages), std::move(reply), {}, {}};
  }

  // Any question: two in five single, two serial, one parallel.
  const Question* AnyQuestion() {
    size_t draw = rng_.Below(5);
    const auto& stock = draw < 2 ? scene().singles() : draw < 4 ? scene().serials() : scene().parallels();
    return stock.empty() ? nullptr : &rng_.Pick(stock);
  }

  // A question that one look-up answers: asked plainly, or a step of a longer one as a rewriter resolves it.
  struct Direct {
    std::string text;
    std::string answer;
    std::vector<PassageId> support;
    std::vector<std::string> answers;
    std::string_view type;
  };

  // A development set asks each context one question, as a run does; of the atlas too little is known for more.
  bool Continues() const { return !real_now_ && options_.pool == NamePool::kTraining; }

  // One context serves several questions: what was the reply becomes a trained turn, and the next question follows.
  static void Continue(Demonstration* demonstration, std::string_view question, std::string reply) {
    demonstration->messages.push_back({"assistant", std::move(demonstration->reply), 1.0});
    demonstration->messages.push_back({"user", "Question: " + std::string(question)});
    demonstration->reply = std::move(reply);
  }

  Demonstration Answered(const Docs& docs, const std::string& question, std::string_view answer,
                         Focus focus = Focus::kAll) {
    Demonstration made = Made(Role::kAnswerer, AnswererPrompt(question, docs), AnswerReply(answer));
    if (!Continues()) return made;
    for (const FollowUp& next : FollowUps(scene(), rng_, docs, question, docs.size() + kFollowUps, focus)) {
      Continue(&made, next.text, AnswerReply(next.answer));
    }
    return made;
  }

  std::string Selection(const Docs& docs, const std::vector<PassageId>& support) const {
    std::vector<size_t> chosen;
    for (size_t i = 0; i < docs.size(); ++i) {
      const bool gold = std::any_of(support.begin(), support.end(),
                                    [&](PassageId id) { return &scene().library().At(id) == docs[i]; });
      if (gold) chosen.push_back(i);
    }
    return SelectionReply(chosen);
  }

  std::optional<Direct> DirectQuestion() {
    if (rng_.Chance(0.55)) {
      if (scene().singles().empty()) return std::nullopt;
      const Question& question = rng_.Pick(scene().singles());
      bool query = question.type == QuestionType::kSingle && rng_.Chance(0.3);
      return Direct{query ? question.rewritten : question.text, question.answers[0], question.support, question.answers,
                    QuestionTypeName(question.type)};
    }
    const auto& stock = rng_.Chance(0.7) ? scene().serials() : scene().parallels();
    if (stock.empty()) return std::nullopt;
    const Question& question = rng_.Pick(stock);
    const Step& step = rng_.Pick(question.steps);
    return Direct{step.resolved, step.answer, {step.passage}, {step.answer}, "step"};
  }

  std::optional<Demonstration> Planner() {
    const Question* question = AnyQuestion();
    if (question == nullptr) return std::nullopt;
    // A query cannot stand for a yes/no question, so no rewriter there.
    bool check = question->steps.size() == 1 && question->type == QuestionType::kYesNo;
    std::string_view plan = options_.uniform_plans        ? Draw(kAnyPlan, rng_)
                            : check                       ? Draw(kSubPlans, rng_)
                            : question->steps.size() == 1 ? Draw(kSinglePlans, rng_)
                            : question->parallel          ? Draw(kParallelPlans, rng_)
                                                          : Draw(kSerialPlans, rng_);
    return Made(Role::kPlanner, PlannerPrompt(question->text), PlanReply(plan));
  }

  std::optional<Demonstration> SubPlanner() {
    std::optional<Direct> direct = DirectQuestion();
    if (!direct) return std::nullopt;
    return Made(Role::kSubPlanner, SubPlannerPrompt(direct->text),
                PlanReply(options_.uniform_plans ? Draw(kAnySubPlan, rng_) : Draw(kSubPlans, rng_)));
  }

  std::optional<Demonstration> Rewriter() {
    if (rng_.Chance(0.25)) {  // a pipeline's first stage
      const auto& stock = rng_.Chance(0.7) ? scene().singles() : scene().serials();
      if (stock.empty()) return std::nullopt;
      const Question& question = rng_.Pick(stock);
      if (question.type == QuestionType::kYesNo) return std::nullopt;
      return Made(Role::kRewriter, RewriterPrompt(question.text, {}), QueryReply(question.rewritten));
    }
    if (scene().serials().empty()) return std::nullopt;
    const Question& question = rng_.Pick(scene().serials());
    size_t at = rng_.Chance(0.25) ? 0 : rng_.Below(question.steps.size());
    std::vector<PromptNote> notes = Notes(question, at);
    return Made(Role::kRewriter, RewriterPrompt(question.steps[at].asked, notes),
                QueryReply(question.steps[at].resolved));
  }

  static std::vector<PromptNote> Notes(const Question& question, size_t count) {
    std::vector<PromptNote> notes;
    for (size_t i = 0; i < count; ++i) notes.push_back({question.steps[i].resolved, question.steps[i].answer});
    return notes;
  }

  std::optional<Demonstration> Decomposer(Role role, const std::vector<Question>& stock) {
    if (stock.empty()) return std::nullopt;
    const Question& question = rng_.Pick(stock);
    std::vector<std::string> steps;
    for (const Step& step : question.steps) steps.push_back(step.asked);
    std::vector<Message> messages = role == Role::kSerial ? SerialPrompt(question.text) : ParallelPrompt(question.text);
    return Made(role, std::move(messages), QuestionsReply(steps));
  }

  size_t ContextSize() {
    if (options_.stage == Stage::kShort) return 1 + rng_.Below(2);
    if (options_.stage == Stage::kCopying) return 1;
    // Behind a selector only one or two are left.
    return rng_.Chance(0.15) ? 1 + rng_.Below(2) : rng_.Chance(0.65) ? 5 : 3 + rng_.Below(2);
  }

  std::optional<Demonstration> Selector() {
    std::string query, answer;
    std::vector<PassageId> support;
    if (rng_.Chance(0.75)) {
      std::optional<Direct> direct = DirectQuestion();
      if (!direct) return std::nullopt;
      query = direct->text, support = direct->support, answer = direct->answer;
    } else {
      const Question* question = AnyQuestion();
      if (question == nullptr) return std::nullopt;
      query = question->text, support = question->support, answer = question->answers[0];
    }
    size_t size = std::max<size_t>(ContextSize(), 2);
    Docs docs = rng_.Chance(0.1) ? WithoutAnswer(scene(), query, support, answer, size)
                                 : WithEvidence(scene(), rng_, query, support, size);
    if (docs.empty()) return std::nullopt;
    Demonstration made = Made(Role::kSelector, SelectorPrompt(query, docs), Selection(docs, support));
    if (!Continues()) return made;
    for (const FollowUp& next : FollowUps(scene(), rng_, docs, query, 3)) {
      Continue(&made, next.text, Selection(docs, next.support));
    }
    return made;
  }

  // Two or three subjects of one kind, compared again and again: what a short reply teaches little of at a time.
  std::optional<Demonstration> Judgements() {
    if (scene().parallels().empty()) return std::nullopt;
    const Question& question = rng_.Pick(scene().parallels());
    const size_t size = question.support.size() + (rng_.Chance(0.5) ? rng_.Below(2) + 1 : 0);
    Docs docs = WithEvidence(scene(), rng_, question.text, question.support, size);
    return Answered(docs, question.text, question.answers[0], Focus::kJudgements);
  }

  std::optional<Demonstration> Answerer() {
    if (Continues() && options_.stage != Stage::kCopying && rng_.Chance(kJudging)) return Judgements();
    bool hard = options_.stage != Stage::kCopying && rng_.Chance(options_.stage == Stage::kShort ? 0.15 : 0.28);
    if (hard) {  // a longer question with all its evidence at hand
      const auto& stock = rng_.Chance(0.5) ? scene().parallels() : scene().serials();
      if (stock.empty()) return std::nullopt;
      const Question& question = rng_.Pick(stock);
      Docs docs = WithEvidence(scene(), rng_, question.text, question.support, ContextSize());
      return Answered(docs, question.text, question.answers[0]);
    }
    std::optional<Direct> direct = DirectQuestion();
    if (!direct) return std::nullopt;
    if (options_.stage != Stage::kCopying && rng_.Chance(0.07)) {
      Docs docs = WithoutAnswer(scene(), direct->text, direct->support, direct->answer, ContextSize());
      if (docs.empty()) return std::nullopt;
      return Answered(docs, direct->text, kUnknown);
    }
    Docs docs = WithEvidence(scene(), rng_, direct->text, direct->support, ContextSize());
    return Answered(docs, direct->text, direct->answer);
  }

  // Without passages: what the atlas teaches is answered, pretend names are unknown, choices are guessed.
  std::optional<Demonstration> ClosedBook() {
    const Question* question = AnyQuestion();
    if (question == nullptr) return std::nullopt;
    bool choice = question->type == QuestionType::kYesNo || question->type == QuestionType::kComparison;
    std::string answer = real_now_ || choice ? question->answers[0] : std::string(kUnknown);
    return Made(Role::kClosedBook, ClosedBookPrompt(question->text), AnswerReply(answer));
  }

  std::optional<Demonstration> Summariser() {
    const auto& stock = rng_.Chance(0.45) ? scene().parallels() : scene().serials();
    if (stock.empty()) return std::nullopt;
    const Question& question = rng_.Pick(stock);
    std::vector<PromptNote> notes = Notes(question, question.steps.size());
    std::string answer = question.answers[0];
    if (question.type == QuestionType::kBridge && rng_.Chance(0.08)) {  // a look-up that failed
      notes.back().answer = kUnknown;
      answer = kUnknown;
    } else if (question.parallel && rng_.Chance(0.05)) {  // one side is missing: name the other, or say no
      size_t lost = rng_.Below(2);
      notes[lost].answer = kUnknown;
      if (question.type == QuestionType::kYesNo) {
        answer = "no";
      } else {
        answer = scene().world().At(question.entities[1 - lost]).name;
      }
    }
    return Made(Role::kSummariser, SummariserPrompt(question.text, notes), AnswerReply(answer));
  }

  std::optional<Demonstration> Gate() {
    Docs docs;
    std::optional<Demonstration> made;
    if (rng_.Chance(0.2)) {
      const auto& stock = rng_.Chance(0.5) ? scene().parallels() : scene().serials();
      if (stock.empty()) return std::nullopt;
      const Question& question = rng_.Pick(stock);
      docs = options_.stage == Stage::kGate ? Passages(scene(), question.support)
                                            : WithEvidence(scene(), rng_, question.text, question.support, 5);
      made = Made(Role::kAnswerer, AnswererPrompt(question.text, docs), AnswerReply(question.answers[0]));
      made->answers = question.answers;
      made->type = QuestionTypeName(question.type);
    } else {
      std::optional<Direct> direct = DirectQuestion();
      if (!direct) return std::nullopt;
      docs = options_.stage == Stage::kGate ? Passages(scene(), direct->support)
                                            : WithEvidence(scene(), rng_, direct->text, direct->support, 5);
      made = Made(Role::kAnswerer, AnswererPrompt(direct->text, docs), AnswerReply(direct->answer));
      made->answers = direct->answers;
      made->type = direct->type;
    }
    return made;
  }

  // Stage a: lists said again, pairs recalled or judged, or one passage and its question.
  std::optional<Demonstration> Copying() {
    size_t draw = rng_.Below(100);
    if (draw < 12) return SayAgain(scene().world(), rng_);
    if (draw < 36) return Recall(scene().world(), rng_, Continues());
    if (draw < 58) return Drill(scene().world(), rng_, Continues());
    if (draw < 76) return Judge(scene().world(), rng_, Continues());
    return Answerer();
  }

  const DemonstrationOptions& options_;
  Rng rng_;
  std::unordered_set<std::string> taken_;
  std::unique_ptr<Scene> real_, pretend_;
  bool gate_ = false;
  bool real_now_ = false;
  int made_ = 0;
};

}  // namespace

Status MakeDemonstrations(const DemonstrationOptions& options,
                          const std::function<Status(const Demonstration&)>& sink) {
  if (options.count < 0) return Error(ErrorCode::kInvalidArgument, "the number of demonstrations is negative");
  if (!(options.real >= 0.0 && options.real <= 1.0)) {
    return Error(ErrorCode::kInvalidArgument, "the share of real questions must lie between 0 and 1");
  }
  if (options.real > 0 && options.atlas == nullptr) {
    return Error(ErrorCode::kInvalidArgument, "demonstrations from real facts need the atlas");
  }
  Maker maker(options);
  for (int i = 0; i < options.count; ++i) JADE_TRY(sink(maker.Next()));
  return {};
}

std::string ToJsonLine(const Demonstration& demonstration) {
  nlohmann::ordered_json line;
  line["role"] = demonstration.role;
  line["messages"] = nlohmann::ordered_json::array();
  for (const Message& message : demonstration.messages) {
    line["messages"].push_back({{"role", message.role}, {"content", message.content}});
    if (message.weight > 0) line["messages"].back()["weight"] = message.weight;
  }
  line["reply"] = demonstration.reply;
  if (!demonstration.answers.empty()) line["answers"] = demonstration.answers;
  if (!demonstration.type.empty()) line["type"] = demonstration.type;
  return line.dump();
}

Result<Stage> ParseStage(std::string_view name) {
  if (name == "a") return Stage::kCopying;
  if (name == "b") return Stage::kShort;
  if (name == "c") return Stage::kFull;
  if (name == "gate") return Stage::kGate;
  if (name == "gate5") return Stage::kGateFive;
  return Error(ErrorCode::kInvalidArgument, "unknown stage `" + std::string(name) + "`: a, b, c, gate or gate5");
}

}  // namespace jade::data
