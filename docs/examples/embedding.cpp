// A training loop around JADE in one file: an engine and a tool of one's own, plans, many runs at once, transitions.
#include <cstdio>
#include <utility>
#include <vector>

#include "runtime/session/session.h"

using namespace jade;

// The policy. An engine answers in batches: Submit takes requests, Step answers all that wait.
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
  std::string Describe() const override { return "a policy that guesses"; }

 private:
  // A model samples here, each call from its own stream, and says how likely every token was.
  static engine::Reply Sample(const engine::Request& request) {
    engine::Reply reply;
    const uint64_t draw = request.sampling.stream[0] % 4;
    if (request.role == "MakePlan") {
      const char* plans[] = {"AG", "R,AG", "QR,R,DS,AG", "AG,R"};  // the last one is no plan
      reply.text = std::string("<workflow>") + plans[draw] + "</workflow>";
    } else if (request.role == "AG") {
      reply.text = draw == 0 ? "Asimov" : "<answer>Frank Herbert</answer>";
    } else if (request.role == "DS") {
      reply.text = "<id>Document0</id>";
    } else {
      reply.text = "<query>author of Dune</query>";
    }
    reply.observation_ids = {1, 2, 3};
    reply.action_ids = {4, 5};
    reply.log_probs = {-0.5F, -0.25F};
    return reply;
  }
  std::vector<engine::Request> waiting_;
};

// The tool `R`, with one passage.
class Library final : public engine::ToolProvider {
 public:
  bool Serves(std::string_view tool) const override { return tool == "R"; }
  Status Submit(engine::ToolRequest request) override {
    PostToolReply(request.id, {R"([{"id": "1", "title": "Dune", "text": "By Frank Herbert.", "score": 1.0}])", {}});
    return {};
  }
  void Cancel(uint64_t) override {}
  std::string Describe() const override { return "one passage"; }
};

constexpr const char* kProgram = R"(use std.rag
use std.reward

main workflow Solve(question: Query) -> Answer {
  within { calls: 8 } run MakePlan(question) on question else AG(question, [])
}
)";

// Every finished call of a role is one transition: what it saw, what it wrote, what that was worth.
struct Transition {
  std::vector<int32_t> observation;
  std::vector<int32_t> action;
  std::vector<float> log_probs;
  double reward = 0;
};

void Collect(const session::FinishedRun& finished, std::vector<Transition>* batch) {
  for (const trace::CallRecord& call : finished.calls) {
    if (call.kind == trace::CallKind::kTool || call.status != trace::CallStatus::kDone) continue;
    const double reward = finished.run.reward.value_or(0) - call.penalty;  // the team's, less the role's own penalty
    batch->push_back({call.observation_ids, call.action_ids, call.log_probs, reward});
  }
}

// Thousands of questions, 256 of them under way at once.
std::vector<Transition> RollOut(session::Session& session, const session::ProgramPtr& program, int questions) {
  session::RunRequest request;
  request.program = program;
  request.inputs = {{"question", "Who wrote Dune?"}};
  request.gold = {"Frank Herbert"};
  request.reward = "Team";
  std::vector<Transition> batch;
  std::vector<session::RunId> runs;
  int started = 0;
  while (started < questions || !runs.empty()) {
    for (; started < questions && runs.size() < 256; ++started) {
      request.seed = static_cast<uint64_t>(started);
      if (Result<session::RunId> run = session.Start(request); run.ok()) runs.push_back(*run);
    }
    session.Pump();  // does what can be done, and steps the engine
    std::erase_if(runs, [&](session::RunId run) {
      if (session.active(run)) return false;
      Collect(session.Take(run), &batch);
      return true;
    });
  }
  return batch;
}

// A plan from elsewhere: a search over plans, a person, another model.
void RunPlan(session::Session& session, const session::ProgramPtr& program, const char* text) {
  const Result<session::PlanCheck> check = session.CompilePlan(program, "MakePlan", text);
  if (!check.ok() || check->plan == nullptr) {
    std::printf("%s: refused, %s\n", text,
                check.ok() ? check->diagnostics_json.c_str() : check.error().ToString().c_str());
    return;
  }
  session::RunRequest request;
  request.program = program;
  request.plan = check->plan;
  request.inputs = {{check->plan->signature.parameters[0].name, "Who wrote Dune?"}};
  const Result<session::RunId> run = session.Start(request);
  const Result<session::RunId> unwanted = session.Start(request);
  session.Cancel(*unwanted);  // at any time; its calls in flight are cancelled
  while (session.active(*run)) session.Pump();
  const session::FinishedRun finished = session.Take(*run);
  const bool cancelled = session.Take(*unwanted).run.status == trace::RunStatus::kCancelled;
  std::printf("%s: %s, %zu calls, the other run %s\n", check->plan->text.c_str(), finished.answer.c_str(),
              finished.calls.size(), cancelled ? "was cancelled" : "went on");
}

int main() {
  const session::Loaded loaded = session::Program::LoadText("solve.jade", kProgram);
  if (loaded.program == nullptr) {
    for (const diag::Diagnostic& diagnostic : loaded.diagnostics) std::printf("%s\n", diagnostic.message.c_str());
    return 1;
  }
  Policy policy;  // both outlive the session
  Library library;
  session::Session session(&policy, {&library});
  const std::vector<Transition> batch = RollOut(session, loaded.program, 2000);
  double reward = 0;
  for (const Transition& transition : batch) reward += transition.reward;
  std::printf("2000 runs, %zu transitions, mean reward %.3f\n", batch.size(),
              reward / static_cast<double>(batch.size()));
  RunPlan(session, loaded.program, "QR, R, DS, AG");
  RunPlan(session, loaded.program, "R, DS");
}
