#include "tests/differential/scripted_world.h"

#include "tests/differential/value_writer.h"

namespace jade::differential {
namespace {

using engine::ScriptedReply;

std::string Tagged(const std::string& tag, const std::string& text) {
  return "<" + tag + ">" + text + "</" + tag + ">";
}

std::string WellFormed(const RoleScript& role, Random& random) {
  switch (role.format) {
    case Format::kText:
      return ReplyText(*role.type, random);
    case Format::kTag:
      return Tagged(role.tag, ReplyText(*role.type, random));
    case Format::kNumbered: {
      std::string text;
      const int count = random.Between(1, static_cast<int>(role.max));
      for (int i = 1; i <= count; ++i) text += Tagged(role.tag + std::to_string(i), ReplyText(*role.type, random));
      return text;
    }
    case Format::kSubset: {
      static const std::vector<std::string> kChoices = {"Document0", "Document1,Document0", "", "Document0,Document7"};
      return Tagged(role.tag, random.Pick(kChoices));
    }
    case Format::kAlternatives: {
      const RoleScript::Alternative& one = random.Pick(role.alternatives);
      return Tagged(one.tag, one.type == nullptr ? "" : ReplyText(*one.type, random));
    }
    case Format::kPlan:
      return Tagged(role.tag, random.Pick(role.plans));
  }
  return "";
}

std::string Broken(const RoleScript& role, Random& random) {
  switch (random.Below(4)) {
    case 0:
      return "";
    case 1:
      return "no tags here";
    case 2:
      return WellFormed(role, random) + " and more";
    default:
      return "<" + role.tag + ">not closed";
  }
}

int64_t Delay(Random& random) {
  return 1000 * random.Between(1, 50);
}

}  // namespace

std::optional<ScriptedReply> ReplyTo(const engine::Request& request, const GeneratedProgram& program, uint64_t seed) {
  const auto found = program.roles.find(request.role);
  if (found == program.roles.end()) return std::nullopt;
  uint64_t key = HashOf(request.role, seed);
  for (const engine::Message& message : *request.messages) key = HashOf(message.text, key);
  Random random(key);
  ScriptedReply reply{"", Delay(random)};
  const RoleScript& role = found->second;
  if (random.Chance(role.failing_percent)) {
    reply.error = Error(ErrorCode::kUnavailable, "out of order");
  } else {
    reply.text = random.Chance(role.broken_percent) ? Broken(role, random) : WellFormed(role, random);
  }
  return reply;
}

World::World(const GeneratedProgram& program, const engine::ScriptOptions& options)
    : engine(std::make_shared<engine::ScriptSchedule>(options)), tools(engine.schedule()) {
  engine.SetMatcher([&program](const engine::Request& request) { return ReplyTo(request, program, program.seed); });
  for (const auto& [name, script] : program.tools) {
    tools.Set(name, [&program, name = name, &script = script](const engine::ToolRequest& request) {
      Random random(HashOf(request.arguments, HashOf(name, program.seed)));
      engine::ScriptedTools::Result result{"", Delay(random), std::nullopt};
      if (name == kCaughtTool) {
        result.json = "1";
      } else if (random.Chance(script.failing_percent)) {
        result.error = Error(ErrorCode::kUnavailable, "no answer");
      } else {
        result.json = JsonValue(*script.result, random);
      }
      return result;
    });
  }
}

}  // namespace jade::differential
