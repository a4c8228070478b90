// `:set`: how things are run.

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "cli/native_text.h"
#include "cli/repl/commands.h"
#include "compiler/source/suggest.h"

namespace jade::repl {
namespace {

// What a change asks for.
enum class Effect : uint8_t {
  kNone,     // the next run sees it
  kTools,    // another model, tool or store
  kProgram,  // the program is to be built anew
  kBoth,
};

struct Setting {
  std::string_view name;
  std::string_view summary;
  Effect effect;
  std::string (*get)(const Setup&);
  Status (*set)(Setup&, const std::string&);
};

Error Unfit(const std::string& text, std::string_view wanted) {
  return {ErrorCode::kInvalidArgument, fmt::format("`{}` is not {}", text, wanted)};
}

template <typename Number>
Status SetNumber(Number& target, const std::string& text, Number least, std::string_view wanted) {
  Number number{};
  const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
  // Not `number < least`: no comparison holds for a number that is none.
  if (read.ec != std::errc() || read.ptr != text.data() + text.size() || !(number >= least)) {
    return Unfit(text, wanted);
  }
  target = number;
  return {};
}

Status SetFlag(bool& target, const std::string& text) {
  if (text != "on" && text != "off") return Unfit(text, "`on` or `off`");
  target = text == "on";
  return {};
}

std::string FlagText(bool flag) {
  return flag ? "on" : "off";
}

Status SetPrompts(Setup& setup, const std::string& text) {
  if (text != "auto" && text != "full" && text != "brief") return Unfit(text, "`auto`, `full` or `brief`");
  setup.settings.backbone.prompts = text;
  return {};
}

Status SetMode(Setup& setup, const std::string& text) {
  if (text != "auto" && text != "jit" && text != "interp") return Unfit(text, "`auto`, `jit` or `interp`");
  if (text == "jit" && !cli::HasCompiledCode()) {
    return Error(ErrorCode::kUnsupported, "this build has no compiled code");
  }
  setup.mode = text;
  return {};
}

constexpr std::string_view kCount = "a whole number from 0 on";

constexpr std::array kSettings = {
    Setting{"seed", "of the runs' random streams", Effect::kNone, [](const Setup& s) { return std::to_string(s.seed); },
            [](Setup& s, const std::string& text) { return SetNumber<uint64_t>(s.seed, text, 0, kCount); }},
    Setting{"greedy", "every role takes its most probable token", Effect::kNone,
            [](const Setup& s) { return FlagText(s.greedy); },
            [](Setup& s, const std::string& text) { return SetFlag(s.greedy, text); }},
    Setting{
        "calls", "budget of a run: calls", Effect::kNone,
        [](const Setup& s) { return std::to_string(s.settings.budget.calls); },
        [](Setup& s, const std::string& text) { return SetNumber<int64_t>(s.settings.budget.calls, text, 0, kCount); }},
    Setting{"tokens", "budget of a run: generated tokens", Effect::kNone,
            [](const Setup& s) { return std::to_string(s.settings.budget.tokens); },
            [](Setup& s, const std::string& text) {
              return SetNumber<int64_t>(s.settings.budget.tokens, text, 0, kCount);
            }},
    Setting{
        "depth", "budget of a run: nested workflows and plans", Effect::kNone,
        [](const Setup& s) { return std::to_string(s.settings.budget.depth); },
        [](Setup& s, const std::string& text) { return SetNumber<int64_t>(s.settings.budget.depth, text, 0, kCount); }},
    Setting{"seconds", "budget of a run: time", Effect::kNone,
            [](const Setup& s) { return fmt::format("{}", s.settings.budget.seconds); },
            [](Setup& s, const std::string& text) {
              return SetNumber<double>(s.settings.budget.seconds, text, 0.0, "a number from 0 on");
            }},
    Setting{"model", "backbone: nano, a path, or a pulled model", Effect::kBoth,
            [](const Setup& s) { return s.settings.backbone.model; },
            [](Setup& s, const std::string& text) -> Status {
              s.settings.backbone.model = text;
              s.settings.backbone.replies.clear();
              return {};
            }},
    Setting{"replies", "a JSONL file that answers in the place of a model, from its first line on", Effect::kBoth,
            [](const Setup& s) { return s.settings.backbone.replies; },
            [](Setup& s, const std::string& text) -> Status {
              s.settings.backbone.kind = "local";
              s.settings.backbone.model = settings::kScript;
              s.settings.backbone.replies = text;
              return {};
            }},
    Setting{"prompts", "auto, full (std.rag) or brief (std.rag_brief)", Effect::kProgram,
            [](const Setup& s) { return s.settings.backbone.prompts; }, SetPrompts},
    Setting{"corpus", "what `R` searches: atlas, an index, or a JSONL corpus", Effect::kTools,
            [](const Setup& s) { return s.settings.retriever.index; },
            [](Setup& s, const std::string& text) -> Status {
              s.settings.retriever.SearchHere(text);
              return {};
            }},
    Setting{"passes", "what is done to the JIR: default, none, or a list", Effect::kProgram,
            [](const Setup& s) { return s.passes; },
            [](Setup& s, const std::string& text) -> Status {
              JADE_TRY(passes::ParsePasses(text));
              s.passes = text;
              return {};
            }},
    Setting{"mode", "what executes: interp, jit (compiled first) or auto (once hot)", Effect::kNone,
            [](const Setup& s) { return s.mode; }, SetMode},
    Setting{"record", "runs that make calls go to the experience store", Effect::kTools,
            [](const Setup& s) { return FlagText(s.record); },
            [](Setup& s, const std::string& text) { return SetFlag(s.record, text); }},
    Setting{"store", "the experience store", Effect::kTools, [](const Setup& s) { return s.settings.store.path; },
            [](Setup& s, const std::string& text) -> Status {
              s.settings.store.path = text;
              return {};
            }},
    Setting{"show", "calls as they finish", Effect::kNone, [](const Setup& s) { return FlagText(s.show_calls); },
            [](Setup& s, const std::string& text) { return SetFlag(s.show_calls, text); }},
};

constexpr std::string_view kParam = "param.";

void ListSettings(Context& context) {
  std::string text;
  for (const Setting& setting : kSettings) {
    const std::string value = setting.get(context.setup);
    text += fmt::format("{:<8} {:<24} {}\n", setting.name, value.empty() ? "-" : value, setting.summary);
  }
  for (const auto& [name, value] : context.setup.settings.params) text += fmt::format("{}{} {}\n", kParam, name, value);
  context.console.Result(text + "param.NAME VALUE sets a param of the program");
}

// A value for a `param`; without one, its default again.
void SetParam(Context& context, const std::string& name, const std::string& value) {
  const session::Program& program = *context.workspace.program();
  if (program.module()->FindParam(name) < 0) {
    std::vector<std::string> names;
    for (const ir::ParamDecl& param : program.module()->params()) names.push_back(param.name);
    context.console.Wrong(fmt::format("the program has no param `{}`{}", name, source::DidYouMean(name, names)));
    return;
  }
  auto params = context.setup.settings.params;
  params.erase(name);
  if (!value.empty()) params[name] = value;
  if (auto bound = session::BindParams(program, params, {}); !bound.ok()) {
    context.console.Failed(bound.error());
    return;
  }
  context.setup.settings.params = std::move(params);
}

void ApplySetting(Context& context, const Setting& setting, const std::string& value) {
  Setup changed = context.setup;
  if (Status set = setting.set(changed, value); !set.ok()) {
    context.console.Failed(Error(set.error()).Wrap(fmt::format("`{}`", setting.name)));
    return;
  }
  if (setting.effect == Effect::kProgram || setting.effect == Effect::kBoth) {
    auto options = context.equipment.LoadOptions(changed);
    if (!options.ok()) {
      context.console.Failed(options.error());
      return;
    }
    const Change reloaded = context.workspace.Reload(std::move(*options));
    ShowChange(context, reloaded);
    if (!reloaded.ok) return;
  }
  if (setting.effect == Effect::kTools || setting.effect == Effect::kBoth) context.equipment.Drop();
  context.setup = std::move(changed);
}

}  // namespace

std::vector<std::string> SettingNames() {
  std::vector<std::string> names;
  for (const Setting& setting : kSettings) names.emplace_back(setting.name);
  return names;
}

void SetCommand(Context& context, std::string_view argument) {
  if (argument.empty()) return ListSettings(context);
  const size_t end = std::min(argument.find_first_of(" \t"), argument.size());
  const std::string name(argument.substr(0, end));
  const size_t begin = argument.find_first_not_of(" \t", end);
  const std::string value(begin == std::string_view::npos ? "" : argument.substr(begin));
  if (name.starts_with(kParam)) return SetParam(context, name.substr(kParam.size()), value);
  const auto* setting =
      std::find_if(kSettings.begin(), kSettings.end(), [&](const Setting& s) { return s.name == name; });
  if (setting == kSettings.end()) {
    context.console.Wrong(fmt::format("there is no setting `{}`{}", name, source::DidYouMean(name, SettingNames())));
  } else if (value.empty()) {
    context.console.Result(fmt::format("{} {}", name, setting->get(context.setup)));
  } else {
    ApplySetting(context, *setting, value);
  }
}

}  // namespace jade::repl
