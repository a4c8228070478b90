#include "tests/differential/oracle.h"

#include <fmt/format.h>

#include <algorithm>

#include "compiler/ast/print.h"
#include "compiler/diag/render.h"
#include "compiler/format/format.h"
#include "compiler/ir/printer.h"
#include "compiler/ir/reader.h"
#include "compiler/ir/verifier.h"
#include "compiler/parse/parse.h"
#include "tests/differential/configurations.h"

namespace jade::differential {
namespace {

source::SourceFilePtr FileOf(const std::string& text) {
  return std::make_shared<source::SourceFile>("main.jade", text);
}

std::string TreeOf(const std::string& text) {
  diag::Diagnostics sink;
  const auto module = parse::ParseModule(FileOf(text), sink);
  return sink.has_errors() ? diag::RenderText(sink.Sorted()) : ast::Print(*module);
}

// Formatting keeps the tree, and formatting again changes nothing.
std::optional<Failure> CheckFormat(const std::string& text) {
  diag::Diagnostics sink;
  const auto once = format::Format(FileOf(text), sink);
  if (!once) return Failure{"format", "not formatted: " + diag::RenderText(sink.Sorted())};
  if (TreeOf(*once) != TreeOf(text)) return Failure{"format", "another tree:\n" + *once};
  const auto twice = format::Format(FileOf(*once), sink);
  if (!twice || *twice != *once) return Failure{"format", "formatting twice changes:\n" + *once};
  return std::nullopt;
}

// What every pass makes is valid.
std::optional<Failure> CheckPasses(const session::Program& program) {
  const lower::Lowered lowered = lower::LowerProgram(program.checked());
  const auto verified = [&](std::string_view after) -> std::optional<Failure> {
    const Status status = ir::Verify(*lowered.module);
    if (status.ok()) return std::nullopt;
    return Failure{"verifier", fmt::format("after {}: {}", after, status.error().ToString())};
  };
  if (auto failure = verified("lowering")) return failure;
  for (const passes::Pass* pass : passes::ProgramPasses()) {
    passes::RunPasses(*lowered.module, {&pass, 1});
    if (auto failure = verified(pass->name)) return failure;
  }
  return std::nullopt;
}

// Prints, reads, and prints the same; the module that was read goes to `subject`.
std::optional<Failure> CheckReading(Subject& subject) {
  const ir::ModulePtr& module = subject.program->module();
  ir::PrintOptions options;
  options.spans = true;
  const std::string printed = ir::Print(*module, options);
  std::vector<source::SourceFilePtr> files;
  for (uint32_t i = 0; i < module->file_count(); ++i) files.push_back(module->file(i));
  auto read = ir::Read(printed, files);
  if (!read.ok()) return Failure{"reread", read.error().ToString() + "\n" + printed};
  if (ir::Print(**read, options) != printed) return Failure{"reread", "prints otherwise:\n" + printed};
  subject.reread = *read;
  return std::nullopt;
}

// No run spends more than its bounds say.
std::string BeyondBounds(const Subject& subject, const Outcome& outcome) {
  const auto workflow = subject.program->FindWorkflow("Main");
  const bounds::Spend& spend = subject.program->bounds().Of(workflow->function).spend;
  const auto beyond = [](const bounds::Cost& bound, int64_t spent) {
    return bound.number() && spent > *bound.number();
  };
  if (beyond(spend.calls, static_cast<int64_t>(outcome.calls.size()))) return "more calls than its bound";
  if (beyond(spend.retrievals, outcome.retrievals)) return "more retrievals than its bound";
  if (beyond(spend.depth, outcome.depth)) return "deeper than its bound";
  return "";
}

std::optional<Failure> CheckRuns(const Subject& subject, CodeSources& code, const CheckOptions& options) {
  const Configuration& first = Configurations().front();
  const Outcome reference = RunIn(first, subject, code).front();
  if (!reference.refused.empty()) {
    return Failure{reference.refused.substr(0, reference.refused.find(':')), reference.refused};
  }
  if (Seen* seen = options.seen; seen != nullptr) {
    seen->trapped = reference.trapped;
    seen->disturbed = reference.Disturbed();
    seen->calls = reference.calls.size();
    seen->plans = static_cast<size_t>(std::count_if(reference.calls.begin(), reference.calls.end(),
                                                    [](const auto& call) { return !call.second.plan.empty(); }));
  }
  if (std::string text = BeyondBounds(subject, reference); !text.empty()) {
    return Failure{"bounds", text + "\n" + reference.ToString()};
  }
  for (const Configuration& configuration : Configurations().subspan(1)) {
    if (configuration.tier != Tier::kInterpreter && !options.tiers) continue;
    const std::vector<Outcome> outcomes = RunIn(configuration, subject, code);
    for (const Outcome& outcome : outcomes) {
      const std::string difference = Difference(reference, outcome);
      if (difference.empty()) continue;
      const std::string_view kind = std::string_view(difference).substr(0, difference.find(':'));
      return Failure{fmt::format("{}: {}", configuration.name, kind),
                     fmt::format("{}\n--- {}\n{}--- {}\n{}", difference, first.name, reference.ToString(),
                                 configuration.name, outcome.ToString())};
    }
  }
  return std::nullopt;
}

}  // namespace

std::optional<Failure> Check(const GeneratedProgram& program, CodeSources& code, const CheckOptions& options) {
  Subject subject;
  subject.generated = &program;
  const session::Loaded loaded = session::Program::LoadText("main.jade", program.text);
  if (loaded.program == nullptr) return Failure{"generator", diag::RenderText(loaded.diagnostics)};
  subject.program = loaded.program;
  static const passes::PassList kNone;
  subject.plain =
      session::Program::LoadText("main.jade", program.text, {.passes = &kNone, .plan_passes = &kNone}).program;
  if (auto failure = CheckFormat(program.text)) return failure;
  if (auto failure = CheckPasses(*subject.program)) return failure;
  if (auto failure = CheckReading(subject)) return failure;
  return CheckRuns(subject, code, options);
}

}  // namespace jade::differential
