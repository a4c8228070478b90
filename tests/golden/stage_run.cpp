// The stage `run`: what a program does, on scripted replies.
//
// The file's tests run first, each with its outcome. Then its scripted runs, written as comments:
//   // run: Solve {"question": "who?"}       a workflow (`-`: the file's entry) and its inputs as JSON
//   // param: alpha 0.5                      the value of a `param`, as JSON
//   // reply: QR <query>x</query>            what the next call of a role gets; \n is a new line
//   // tool: R [{"id": "1", …}]              what the next call of a tool gets; `!reason`: it fails
//   // delay: 1.5                            seconds that each reply and result takes from here on
//   // reward: Team ["gold"]                 the reward, and the gold answers it is given
//   // messages                              the calls are shown with what they were asked
// A run gives its value or its trap, what it cost, and its calls: path, validity, penalty, value. Everything but runs
// with delays is run again with replies coming back in other orders, and everything with no function inlined and, where
// there is compiled code, in plain and optimised code, and must come out the same; which calls were still under way
// when a scope used up its budget depends on the order, so of those only that they were made counts.
#include <cmath>
#include <nlohmann/json.hpp>
#include <set>

#include "compiler/diag/render.h"
#include "runtime/engine/scripted.h"
#include "runtime/session/session.h"
#include "runtime/session/test_runner.h"
#include "tests/golden/stages.h"
#ifdef JADE_HAS_JIT
#include "runtime/jit/tiers.h"
#endif

namespace jade::golden {
namespace {

using engine::ScriptedEngine;
using engine::ScriptedTools;
using engine::ScriptOptions;

constexpr uint64_t kShuffles = 5;

struct Script {
  std::string workflow;
  std::map<std::string, std::string> inputs;
  std::map<std::string, std::string> params;
  struct Reply {
    std::string callee;
    std::string text;
    int64_t delay_us;
  };
  std::vector<Reply> replies;  // of roles
  std::vector<Reply> results;  // of tools
  int64_t delay_us = 0;
  std::string reward;
  std::vector<std::string> gold;
  bool messages = false;
  std::string error;  // of the script itself
};

std::pair<std::string, std::string> FirstWord(std::string_view text) {
  const size_t blank = std::min(text.find(' '), text.size());
  return {std::string(text.substr(0, blank)), std::string(text.substr(std::min(blank + 1, text.size())))};
}

std::string WithNewLines(std::string text) {
  for (size_t at = text.find("\\n"); at != std::string::npos; at = text.find("\\n", at)) text.replace(at, 2, "\n");
  return text;
}

Script MakeScript(std::string_view line) {
  Script script;
  auto [workflow, inputs] = FirstWord(line);
  if (workflow != "-") script.workflow = workflow;
  const auto json = nlohmann::json::parse(inputs.empty() ? "{}" : inputs, nullptr, false);
  if (!json.is_object()) script.error = "the inputs are no JSON object";
  if (json.is_object()) {
    for (const auto& [name, value] : json.items()) {
      script.inputs[name] = value.is_string() ? value.get<std::string>() : value.dump();
    }
  }
  return script;
}

void SetReward(std::string_view line, Script& script) {
  auto [reward, gold] = FirstWord(line);
  script.reward = reward;
  const auto json = nlohmann::json::parse(gold, nullptr, false);
  if (!json.is_array()) script.error = "the gold answers are no JSON array";
  for (const auto& answer : json) script.gold.push_back(answer.get<std::string>());
}

std::vector<Script> ScriptsOf(const source::SourceFile& file) {
  std::vector<Script> scripts;
  for (uint32_t i = 1; i <= file.line_count(); ++i) {
    const std::string_view line = file.Line(i);
    const auto after = [&](std::string_view word) -> std::optional<std::string_view> {
      if (!line.starts_with(word)) return std::nullopt;
      return line.substr(word.size());
    };
    if (const auto run = after("// run: ")) scripts.push_back(MakeScript(*run));
    if (scripts.empty()) continue;
    Script& script = scripts.back();
    if (const auto reply = after("// reply: ")) {
      auto [role, text] = FirstWord(*reply);
      script.replies.push_back({role, WithNewLines(text), script.delay_us});
    }
    if (const auto result = after("// tool: ")) {
      auto [tool, json] = FirstWord(*result);
      script.results.push_back({tool, json, script.delay_us});
    }
    if (const auto param = after("// param: ")) script.params.insert(FirstWord(*param));
    if (const auto reward = after("// reward: ")) SetReward(*reward, script);
    if (const auto delay = after("// delay: ")) script.delay_us = std::llround(std::stod(std::string(*delay)) * 1e6);
    if (line == "// messages") script.messages = true;
  }
  return scripts;
}

std::string ShowTrap(const abi::Trap& trap) {
  return fmt::format("trap {}: {}{}{}", abi::TrapKindName(trap.kind), trap.message,
                     trap.call_path.empty() ? "" : " in ", trap.call_path);
}

std::string ShowTests(const session::ProgramPtr& program, uint64_t shuffle_seed, interp::CodeSource* code) {
  std::string text;
  for (const session::TestResult& result : session::RunTests(program, {"", shuffle_seed, code})) {
    text += fmt::format("test \"{}\": {}, {} expectations\n", result.name, result.passed() ? "passed" : "failed",
                        result.expectations);
    for (const session::FailedExpectation& failure : result.failures) {
      text += fmt::format("  not so: {}\n", failure.place.message);
      if (!failure.left.empty()) text += fmt::format("    left {}\n    right {}\n", failure.left, failure.right);
    }
    if (result.trap) text += "  " + ShowTrap(*result.trap) + "\n";
    for (const std::string& unused : result.unused_replies) text += "  unused: " + unused + "\n";
  }
  return text;
}

std::string ShowCall(const trace::CallRecord& call, bool messages) {
  std::string text = fmt::format("  {} {}", call.path, trace::ValidityName(call.validity));
  if (call.status == trace::CallStatus::kCancelled) text += " cancelled";
  if (call.status == trace::CallStatus::kFailed) text += " failed (" + call.error + ")";
  if (call.penalty != 0) text += fmt::format(" penalty {}", call.penalty);
  if (call.shared_with) text += " shared with " + *call.shared_with;
  if (!call.plan.empty()) text += " plan `" + call.plan + "`";
  if (!call.value_json.empty()) text += " -> " + call.value_json;
  text += "\n";
  if (!messages) return text;
  for (const trace::CallMessage& message : call.messages)
    text += fmt::format("    {}: {}\n", message.role, nlohmann::json(message.text).dump());
  return text;
}

// The outcome first, then the calls.
struct Shown {
  std::string outcome;
  std::string place = {};  // of the trap in the source; not shown
  std::vector<std::string> calls = {};
  std::multiset<std::string> paths = {};
  bool cancelled = false;  // some of the calls
  bool SameAs(const Shown& other) const {
    if (outcome != other.outcome || place != other.place || paths != other.paths) return false;
    if (cancelled || other.cancelled) return true;
    return std::multiset<std::string>(calls.begin(), calls.end()) ==
           std::multiset<std::string>(other.calls.begin(), other.calls.end());
  }
};

// No golden file expects it: no run spends more than its bounds say.
std::string BeyondBounds(const session::Program& program, const trace::RunRecord& run) {
  const auto workflow = program.FindWorkflow(run.workflow);
  if (!workflow.ok()) return "";
  const bounds::Spend& spend = program.bounds().Of(workflow->function).spend;
  std::string text;
  const auto compare = [&](std::string_view what, const bounds::Cost& bound, int64_t spent) {
    if (bound.number() && spent > *bound.number())
      text += fmt::format("{} beyond the bound {}\n", what, *bound.number());
  };
  compare("calls", spend.calls, run.calls);
  compare("retrievals", spend.retrievals, run.retrievals);
  compare("depth", spend.depth, run.depth);
  return text;
}

#ifdef JADE_HAS_JIT
using Tiers = std::vector<std::pair<std::string, std::unique_ptr<jit::Tiers>>>;

// What did not run in compiled code at all.
std::string Uncompiled(const Tiers& tiers) {
  std::string text;
  for (const auto& [name, code] : tiers) {
    if (code->failure()) text += fmt::format("{}: {}\n", name, code->failure()->ToString());
    if (code->compiled() == 0) text += fmt::format("nothing was made into {}\n", name);
  }
  return text;
}

Tiers MakeTiers() {
  Tiers tiers;
  for (const auto optimise : {codegen::Optimise::kNone, codegen::Optimise::kFull}) {
    jit::JitOptions options;
    options.optimise = optimise;
    auto jit = jit::Jit::Create(options);
    JADE_CHECK(jit.ok(), "{}", jit.error().ToString());
    tiers.emplace_back(optimise == codegen::Optimise::kNone ? "plain code" : "optimised code",
                       std::make_unique<jit::Tiers>(*jit, jit::TierOptions{.at_once = true}));
  }
  return tiers;
}
#else
using Tiers = std::vector<std::pair<std::string, std::unique_ptr<interp::CodeSource>>>;
Tiers MakeTiers() {
  return {};
}
std::string Uncompiled(const Tiers&) {
  return {};
}
#endif

Shown Run(const session::ProgramPtr& program, const Script& script, const ScriptOptions& options,
          interp::CodeSource* code) {
  if (!script.error.empty()) return {.outcome = script.error + "\n"};
  ScriptedEngine engine(std::make_shared<engine::ScriptSchedule>(options));
  ScriptedTools tools(engine.schedule());
  for (const Script::Reply& reply : script.replies) {
    engine.Add(reply.callee, engine::ScriptedReply{reply.text, reply.delay_us, std::nullopt});
  }
  for (const Script::Reply& result : script.results) {
    std::optional<Error> error;
    if (result.text.starts_with("!")) error = Error(ErrorCode::kUnavailable, result.text.substr(1));
    tools.Add(result.callee, {error ? "" : result.text, result.delay_us, error});
  }
  session::Session session(&engine, {&tools}, engine.clock());
  session::RunRequest request;
  request.program = program;
  request.workflow = script.workflow;
  request.inputs = script.inputs;
  request.params = script.params;
  request.reward = script.reward;
  request.gold = script.gold;
  request.code = code;
  const Result<session::RunId> run = session.Start(request);
  if (!run.ok()) return {.outcome = run.error().ToString() + "\n"};
  session.Drain();
  const session::FinishedRun finished = session.Take(*run);
  Shown shown;
  shown.outcome = finished.trap ? ShowTrap(*finished.trap) : "value " + finished.run.value_json;
  if (finished.trap && finished.trap->file != nullptr) {
    shown.place = fmt::format("{}:{}", finished.trap->file->name(), finished.trap->span.begin);
  }
  shown.outcome += fmt::format("\ncost: {} calls, {} turns, {} retrievals, depth {}\n", finished.run.calls,
                               finished.run.turns, finished.run.retrievals, finished.run.depth);
  shown.outcome += BeyondBounds(*program, finished.run);
  if (finished.run.reward) shown.outcome += fmt::format("reward {}\n", *finished.run.reward);
  for (const trace::CallRecord& call : finished.calls) {
    shown.calls.push_back(ShowCall(call, script.messages));
    shown.paths.insert(call.path);
    shown.cancelled = shown.cancelled || call.status == trace::CallStatus::kCancelled;
  }
  return shown;
}

// `called`: the same program with every function called, none inlined.
std::string ShowRun(const session::ProgramPtr& program, const session::ProgramPtr& called, const Script& script,
                    const Tiers& tiers) {
  std::string text = "\nrun " + (script.workflow.empty() ? "-" : script.workflow) + "\n";
  ScriptOptions options;
  options.repeat_last = true;
  const Shown first = Run(program, script, options, nullptr);
  text += first.outcome;
  for (const std::string& call : first.calls) text += call;
  const auto compare = [&](std::string_view where, const Shown& again) {
    if (again.SameAs(first) && again.calls == first.calls) return;
    text += fmt::format("differs {}:\n{}", where, again.outcome);
    for (const std::string& call : again.calls) text += call;
  };
  compare("when functions are called", Run(called, script, options, nullptr));
  for (const auto& [name, code] : tiers) {
    compare("in " + name, Run(program, script, options, code.get()));
    compare("when functions are called in " + name, Run(called, script, options, code.get()));
  }
  if (script.delay_us != 0) return text;  // a shuffle has no time
  options.order = ScriptOptions::Order::kShuffled;
  for (options.seed = 1; options.seed <= kShuffles; ++options.seed) {
    interp::CodeSource* code = tiers.empty() || options.seed % 2 == 1 ? nullptr : tiers.back().second.get();
    const Shown again = Run(program, script, options, code);
    if (again.SameAs(first)) continue;
    text += fmt::format("differs when replies are shuffled by {}:\n{}", options.seed, again.outcome);
    for (const std::string& call : again.calls) text += call;
  }
  return text;
}

}  // namespace

std::string RunRun(const source::SourceFilePtr& file) {
  const session::Loaded loaded = session::Program::LoadText(file->name(), std::string(file->text()));
  if (loaded.program == nullptr) return diag::RenderText(loaded.diagnostics);
  std::string text = ShowTests(loaded.program, 0, nullptr);
  for (uint64_t seed = 1; seed <= kShuffles; ++seed) {
    if (ShowTests(loaded.program, seed, nullptr) != text) {
      text += fmt::format("differs when replies are shuffled by {}\n", seed);
    }
  }
  const Tiers tiers = MakeTiers();
  for (const auto& [name, code] : tiers) {
    if (const std::string compiled = ShowTests(loaded.program, 0, code.get()); compiled != text) {
      text += fmt::format("differs in {}:\n{}", name, compiled);
    }
  }
  const auto passes = passes::ParsePasses("maps,fold,dead,overlap");
  const session::Loaded called =
      session::Program::LoadText(file->name(), std::string(file->text()), {.replace = {}, .passes = &*passes});
  for (const Script& script : ScriptsOf(*file)) text += ShowRun(loaded.program, called.program, script, tiers);
  text += Uncompiled(tiers);
  return text;
}

}  // namespace jade::golden
