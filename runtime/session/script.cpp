#include "runtime/session/script.h"

#include <nlohmann/json.hpp>

#include "compiler/source/suggest.h"
#include "runtime/jsonl/jsonl.h"

namespace jade::session {
namespace {

using nlohmann::json;

Result<ir::CalleeKind> KindOf(const jsonl::Reader& reader, const std::string& role, const Program& program) {
  const ir::Module& module = *program.module();
  std::vector<std::string> names;
  for (uint32_t i = 0; i < module.callee_count(); ++i) {
    const ir::Callee& callee = module.callee({i});
    if (callee.name == role) return callee.kind;
    names.push_back(callee.name);
  }
  return reader.ErrorHere(
      fmt::format("`{}` has no role or tool `{}`{}", program.name(), role, source::DidYouMean(role, names)));
}

Status AddLine(const jsonl::Reader& reader, const json& line, const Program& program, Script* script) {
  JADE_ASSIGN_OR_RETURN(const std::string role, jsonl::TextField(reader, line, "role"));
  JADE_ASSIGN_OR_RETURN(const ir::CalleeKind kind, KindOf(reader, role, program));
  for (const auto& [key, value] : line.items()) {
    if (key == "role" || key == "reply" || key == "error") continue;
    return reader.ErrorHere(
        fmt::format("unknown key `{}`{}", key, source::DidYouMean(key, {"role", "reply", "error"})));
  }
  std::optional<Error> error;
  if (line.contains("error")) {
    JADE_ASSIGN_OR_RETURN(std::string message, jsonl::TextField(reader, line, "error"));
    error = Error(ErrorCode::kUnavailable, std::move(message));
  }
  if (line.contains("reply") == error.has_value()) return reader.ErrorHere("expected `reply` or `error`");
  const json reply = error ? json("") : line.at("reply");
  if (kind == ir::CalleeKind::kTool) {
    script->tools->Add(role, {reply.is_string() ? reply.get<std::string>() : reply.dump(), 0, std::move(error)});
    return {};
  }
  if (!reply.is_string() && !reply.is_null()) {
    return reader.ErrorHere("`reply` must be the text that the model writes, or null");
  }
  script->engine->Add(role, engine::ScriptedReply{.text = reply.is_null() ? "" : reply.get<std::string>(),
                                                  .error = std::move(error),
                                                  .never = reply.is_null()});
  return {};
}

}  // namespace

Result<Script> LoadScript(const std::string& path, const Program& program) {
  JADE_ASSIGN_OR_RETURN(auto reader, jsonl::Reader::Open(path));
  engine::ScriptOptions options;
  options.repeat_last = true;
  auto schedule = std::make_shared<engine::ScriptSchedule>(options);
  Script script{std::make_unique<engine::ScriptedEngine>(schedule), std::make_unique<engine::ScriptedTools>(schedule)};
  json line;
  while (true) {
    JADE_ASSIGN_OR_RETURN(const bool more, reader.Next(&line));
    if (!more) return script;
    JADE_TRY(AddLine(reader, line, program, &script));
  }
}

}  // namespace jade::session
