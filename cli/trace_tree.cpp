#include "cli/trace_tree.h"

#include <fmt/format.h>

#include <map>
#include <memory>
#include <nlohmann/json.hpp>

#include "runtime/trace/store.h"

namespace jade::cli {
namespace {

using nlohmann::json;

// A node is a segment of call paths; leaves carry their call.
struct TreeNode {
  std::string name;
  const trace::CallRecord* call = nullptr;
  std::vector<std::unique_ptr<TreeNode>> children;  // in order of first issue

  TreeNode* Child(std::string_view segment) {
    for (const auto& child : children) {
      if (child->name == segment && child->call == nullptr) return child.get();
    }
    children.push_back(std::make_unique<TreeNode>());
    children.back()->name = segment;
    return children.back().get();
  }
};

TreeNode BuildTree(const std::vector<trace::CallRecord>& calls) {
  TreeNode root;
  for (const auto& call : calls) {
    TreeNode* node = &root;
    std::string_view rest = call.path;
    for (size_t slash = rest.find('/'); slash != std::string_view::npos; slash = rest.find('/')) {
      node = node->Child(rest.substr(0, slash));
      rest.remove_prefix(slash + 1);
    }
    node->children.push_back(std::make_unique<TreeNode>());
    node->children.back()->name = rest;
    node->children.back()->call = &call;
  }
  return root;
}

json ParseOrNull(const std::string& text) {
  if (text.empty()) return nullptr;
  json value = json::parse(text, nullptr, false);
  return value.is_discarded() ? json(text) : value;
}

std::string ValueText(const std::string& value_json) {
  const json value = ParseOrNull(value_json);
  return value.is_string() ? value.get<std::string>() : value.is_null() ? std::string() : value.dump();
}

std::string Titles(const std::string& result_json) {
  const json result = ParseOrNull(result_json);
  if (!result.is_array()) return ValueText(result_json);
  std::string titles;
  for (const auto& doc : result) {
    if (!titles.empty()) titles += " · ";
    titles += doc.is_object() ? doc.value("title", doc.dump()) : doc.dump();
  }
  return titles;
}

std::string Mark(const trace::CallRecord& call, const Style& style) {
  if (call.status == trace::CallStatus::kFailed) return fmt::format("{}✗ failed{}", style.red, style.reset);
  if (call.status == trace::CallStatus::kCancelled) return fmt::format("{}– cancelled{}", style.dim, style.reset);
  switch (call.validity) {
    case trace::Validity::kValid:
      return fmt::format("{}✓{}", style.green, style.reset);
    case trace::Validity::kMalformed:
      return fmt::format("{}✗ malformed{}", style.red, style.reset);
    case trace::Validity::kInvalid:
      return fmt::format("{}✗ invalid{}", style.yellow, style.reset);
    case trace::Validity::kNotChecked:
      return fmt::format("{}·{}", style.dim, style.reset);
  }
  return "";
}

void AppendBlock(std::string* out, const std::string& indent, std::string_view title, std::string_view text,
                 const Style& style) {
  *out += fmt::format("{}{}{}{}\n", indent, style.dim, title, style.reset);
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    *out += indent + "  " + OneLine(text.substr(0, end), 1'000'000) + "\n";
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

void Append(std::string* out, const TreeNode& node, const std::string& indent, const Style& style, bool full) {
  for (size_t i = 0; i < node.children.size(); ++i) {
    const TreeNode& child = *node.children[i];
    const bool last = i + 1 == node.children.size();
    *out += fmt::format("{}{}{}{} ", style.dim, indent, last ? "└─" : "├─", style.reset);
    const std::string deeper = indent + (last ? "   " : "│  ");
    if (child.call == nullptr) {
      *out += fmt::format("{}{}{}\n", style.cyan, child.name, style.reset);
      Append(out, child, deeper, style, full);
      continue;
    }
    *out += CallLine(*child.call, child.name, style);
    if (!full) continue;
    for (const auto& message : child.call->messages) AppendBlock(out, deeper, message.role, message.text, style);
    AppendBlock(out, deeper, "reply", child.call->action, style);
    if (!child.call->diagnostics_json.empty())
      AppendBlock(out, deeper, "diagnostics", child.call->diagnostics_json, style);
  }
}

}  // namespace

std::string CallLine(const trace::CallRecord& call, const std::string& name, const Style& style) {
  const bool tool = call.kind == trace::CallKind::kTool;
  const bool cancelled = call.status == trace::CallStatus::kCancelled && call.error == "cancelled";  // says the mark
  const std::string shown = cancelled                 ? ""
                            : !call.error.empty()     ? call.error
                            : !call.plan.empty()      ? call.plan
                            : tool                    ? Titles(call.action)
                            : call.value_json.empty() ? call.action
                                                      : ValueText(call.value_json);
  std::string line = fmt::format("{}{}{} {} {}", style.bold, name, style.reset, Mark(call, style), OneLine(shown, 90));
  const double seconds = static_cast<double>(call.timings.finished_us - call.timings.issued_us) / 1e6;
  line += fmt::format("  {}", style.dim);
  if (!tool) line += fmt::format("{}→{} tok, ", call.observation_ids.size(), call.action_ids.size());
  line += HumanDuration(seconds);
  if (call.penalty != 0.0) line += fmt::format(", penalty {}", call.penalty);
  if (call.shared_with) line += ", shared with " + *call.shared_with;
  return line + std::string(style.reset) + "\n";
}

std::string_view StatusColour(trace::RunStatus status, const Style& style) {
  if (status == trace::RunStatus::kDone) return style.green;
  return status == trace::RunStatus::kUnfinished ? style.yellow : style.red;
}

std::string FirstInput(const trace::RunRecord& run) {
  const json inputs = ParseOrNull(run.inputs_json);
  if (!inputs.is_object() || inputs.empty()) return run.inputs_json;
  const auto question = inputs.find("question");
  const json& value = question != inputs.end() ? *question : inputs.front();
  return value.is_string() ? value.get<std::string>() : value.dump();
}

std::string TraceTree(const trace::RunRecord& run, const std::vector<trace::CallRecord>& calls, const Style& style,
                      bool full) {
  const auto colour = StatusColour(run.status, style);
  std::string out = fmt::format("{}{}{}  {}{}{}  {}\n", style.bold, run.workflow, style.reset, colour,
                                trace::RunStatusName(run.status), style.reset,
                                HumanDuration(static_cast<double>(run.elapsed_us) / 1e6));
  out += fmt::format("{}run {} · seed {} · {} · {}{}\n", style.dim, run.id, run.seed, run.backbone, run.module_name,
                     style.reset);
  out +=
      fmt::format("{}{} turns · {} retrievals · {} calls · {} prompt + {} generated tokens · depth {}{}\n", style.dim,
                  run.turns, run.retrievals, run.calls, run.prompt_tokens, run.tokens, run.depth, style.reset);
  out += OneLine(FirstInput(run), 400) + "\n";
  Append(&out, BuildTree(calls), "", style, full);
  if (!run.trap_json.empty()) out += fmt::format("{}Trap:{} {}\n", style.red, style.reset, run.trap_json);
  if (!run.value_json.empty())
    out += fmt::format("{}Answer:{} {}\n", style.bold, style.reset, ValueText(run.value_json));
  if (run.reward) out += fmt::format("Reward: {:.4f}\n", *run.reward);
  return out;
}

json RunJson(const trace::RunRecord& run) {
  json object{{"id", run.id},
              {"module", run.module_name},
              {"module_hash", run.module_hash},
              {"workflow", run.workflow},
              {"inputs", ParseOrNull(run.inputs_json)},
              {"backbone", run.backbone},
              {"seed", run.seed},
              {"started_unix_us", run.started_unix_us},
              {"elapsed_us", run.elapsed_us},
              {"status", trace::RunStatusName(run.status)},
              {"value", ParseOrNull(run.value_json)},
              {"trap", ParseOrNull(run.trap_json)},
              {"gold", ParseOrNull(run.gold_json)},
              {"turns", run.turns},
              {"retrievals", run.retrievals},
              {"call_count", run.calls},
              {"tokens", run.tokens},
              {"prompt_tokens", run.prompt_tokens},
              {"depth", run.depth}};
  object["reward"] = run.reward ? json(*run.reward) : json(nullptr);
  return object;
}

json CallJson(const trace::CallRecord& call) {
  json messages = json::array();
  for (const auto& message : call.messages) messages.push_back({{"role", message.role}, {"text", message.text}});
  std::string hash;
  for (const uint8_t byte : call.path_hash) hash += fmt::format("{:02x}", byte);
  json shown = {{"index", call.index},
                {"path", call.path},
                {"path_hash", hash},
                {"parent_path", call.parent_path},
                {"kind", trace::CallKindName(call.kind)},
                {"role", call.role},
                {"status", trace::CallStatusName(call.status)},
                {"error", call.error},
                {"messages", messages},
                {"observation_ids", call.observation_ids},
                {"action", call.action},
                {"action_ids", call.action_ids},
                {"log_probs", call.log_probs},
                {"truncated", call.truncated},
                {"validity", trace::ValidityName(call.validity)},
                {"penalty", call.penalty},
                {"value", ParseOrNull(call.value_json)},
                {"plan", call.plan},
                {"diagnostics", ParseOrNull(call.diagnostics_json)},
                {"shared_with", call.shared_with ? json(*call.shared_with) : json(nullptr)},
                {"timings_us",
                 {{"issued", call.timings.issued_us},
                  {"started", call.timings.started_us},
                  {"first_token", call.timings.first_us},
                  {"finished", call.timings.finished_us}}}};
  if (!call.policy.empty()) shown["policy"] = call.policy;
  if (!call.constraint.empty()) {
    shown["constraint"] = call.constraint;
    shown["constraint_states"] = call.constraint_states;
  }
  return shown;
}

}  // namespace jade::cli
