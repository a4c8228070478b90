#include "runtime/rollout/export.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "runtime/files/atomic_file.h"
#include "runtime/trace/store.h"
#include "runtime/weights/safetensors.h"

namespace jade::rollout {
namespace {

using nlohmann::ordered_json;
using weights::TensorToWrite;
using weights::TensorType;

constexpr int kVersion = 1;

template <typename T>
TensorToWrite Tensor(std::string name, TensorType type, const std::vector<T>& values) {
  return {std::move(name), type, {static_cast<int64_t>(values.size())}, [&values](std::span<std::byte> out) {
            if (!values.empty()) std::memcpy(out.data(), values.data(), out.size());
          }};
}

// Everything by token of the packed sequences. L tokens, T transitions.
struct Packed {
  std::vector<int32_t> input_ids;      // L
  std::vector<int32_t> cu_seqlens{0};  // T + 1
  std::vector<uint8_t> response_mask;  // L
  std::vector<float> log_probs;        // L, 0 on prompts; empty when a transition has none
  std::vector<int64_t> states;         // L, −1 where there is none; empty when no transition was constrained
};

Packed Pack(const Batch& batch) {
  Packed out;
  const auto& all = batch.transitions;
  const bool scored = std::all_of(all.begin(), all.end(),
                                  [](const Transition& t) { return t.rollout_log_probs.size() == t.action.size(); });
  const bool constrained =
      std::any_of(all.begin(), all.end(), [](const Transition& t) { return !t.constraint_states.empty(); });
  for (const Transition& t : all) {
    out.input_ids.insert(out.input_ids.end(), t.observation.begin(), t.observation.end());
    out.input_ids.insert(out.input_ids.end(), t.action.begin(), t.action.end());
    const size_t prompt = out.response_mask.size() + t.observation.size();
    out.response_mask.resize(prompt, 0);
    out.response_mask.resize(out.input_ids.size(), 1);
    out.cu_seqlens.push_back(static_cast<int32_t>(out.input_ids.size()));
    if (scored) {
      out.log_probs.resize(prompt, 0.0F);
      out.log_probs.insert(out.log_probs.end(), t.rollout_log_probs.begin(), t.rollout_log_probs.end());
    }
    if (constrained) {
      out.states.resize(prompt, -1);
      for (const uint32_t state : t.constraint_states) out.states.push_back(state);
      out.states.resize(out.input_ids.size(), -1);
    }
  }
  return out;
}

// From response tokens to all tokens, 0 on prompts.
template <typename T>
std::vector<T> Spread(std::span<const T> values, const std::vector<uint8_t>& response_mask) {
  std::vector<T> out(response_mask.size(), T{});
  size_t next = 0;
  for (size_t i = 0; i < out.size(); ++i) {
    if (response_mask[i] != 0) out[i] = values[next++];
  }
  return out;
}

ordered_json RunJson(const Run& run) {
  return {{"id", run.id},
          {"question", run.question},
          {"sample", run.sample},
          {"status", trace::RunStatusName(run.status)},
          {"failure", run.failure},
          {"answer", run.answer},
          {"plan", run.plan},
          {"reward", run.reward},
          {"em", run.em},
          {"f1", run.f1},
          {"accuracy", run.accuracy},
          {"turns", run.turns},
          {"retrievals", run.retrievals},
          {"calls", run.calls},
          {"tokens", run.tokens},
          {"prompt_tokens", run.prompt_tokens}};
}

ordered_json TransitionJson(const Batch& batch, const Transition& t) {
  ordered_json json{{"run", t.run},
                    {"call", t.call},
                    {"role", t.role},
                    {"kind", t.planner ? "planner" : "executor"},
                    {"site", t.site},
                    {"reward", batch.runs[t.run].reward},
                    {"penalty", t.penalty},
                    {"validity", trace::ValidityName(t.validity)},
                    {"truncated", t.truncated},
                    {"trained", t.trained},
                    {"temperature", t.temperature},
                    {"constraint", t.constraint}};
  if (!t.consumers.empty() || t.in_result) {
    json["consumers"] = t.consumers;
    json["in_result"] = t.in_result;
  }
  if (!t.alternative_rewards.empty()) {
    json["alternative_rewards"] = t.alternative_rewards;
    json["alternative_penalties"] = t.alternative_penalties;
  }
  return json;
}

// A line for each thing, so that a batch can be looked at with ordinary tools.
class Lines {
 public:
  void Add(const std::string& key, const ordered_json& value) {
    text_ += fmt::format("{}\"{}\": {}", Next(), key, Dump(value));
  }
  template <typename List, typename ToJson>
  void AddList(const std::string& key, const List& list, const ToJson& to_json) {
    text_ += fmt::format("{}\"{}\": [", Next(), key);
    bool first = true;
    for (const auto& item : list) {
      text_ += (first ? "\n  " : ",\n  ") + Dump(to_json(item));
      first = false;
    }
    text_ += "]";
  }
  std::string Finish() { return text_ + "\n}\n"; }

 private:
  static std::string Dump(const ordered_json& value) {
    return value.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
  }
  std::string Next() { return text_.size() == 1 ? "\n" : ",\n"; }
  std::string text_ = "{";
};

std::string Describe(const Batch& batch, const std::string& tensors, int64_t step) {
  Lines lines;
  lines.Add("format", "jade-batch");
  lines.Add("version", kVersion);
  lines.Add("tensors", tensors);
  if (step >= 0) lines.Add("step", step);
  lines.Add("roles", batch.roles);
  lines.AddList("questions", batch.questions, [](const Question& question) {
    return ordered_json{{"id", question.id}, {"text", question.text}, {"type", question.type}};
  });
  lines.AddList("runs", batch.runs, &RunJson);
  lines.AddList("transitions", batch.transitions, [&](const Transition& t) { return TransitionJson(batch, t); });
  ordered_json left_out = ordered_json::object();
  for (const auto& [role, left] : batch.left_out) {
    left_out[role] = {{"too_long", left.too_long}, {"unfinished", left.unfinished}};
  }
  lines.Add("left_out", left_out);
  lines.Add("retried", batch.retried);
  return lines.Finish();
}

Status CheckSizes(const Batch& batch, const TokenCredit& credit) {
  const auto tokens = static_cast<size_t>(batch.action_tokens());
  const std::pair<const char*, size_t> sizes[] = {
      {"counted", credit.counted.size()}, {"advantages", credit.advantages.size()}, {"returns", credit.returns.size()}};
  for (const auto& [name, size] : sizes) {
    if (size != 0 && size != tokens) {
      return Error(ErrorCode::kInvalidArgument,
                   fmt::format("export: `{}` has {} numbers, the batch {} response tokens", name, size, tokens));
    }
  }
  if (batch.action_tokens() + batch.observation_tokens() > INT32_MAX) {
    return Error(ErrorCode::kInvalidArgument, "export: the batch has more than 2^31 tokens; export it in parts");
  }
  return {};
}

}  // namespace

Status ExportBatch(const Batch& batch, const std::string& path, const ExportOptions& options) {
  JADE_TRY(CheckSizes(batch, options.credit));
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  std::error_code code;
  if (!folder.empty()) std::filesystem::create_directories(folder, code);
  if (code) return Error(ErrorCode::kIo, fmt::format("cannot create `{}`: {}", folder.string(), code.message()));

  const Packed packed = Pack(batch);
  std::vector<TensorToWrite> tensors{Tensor("input_ids", TensorType::kI32, packed.input_ids),
                                     Tensor("cu_seqlens", TensorType::kI32, packed.cu_seqlens),
                                     Tensor("response_mask", TensorType::kU8, packed.response_mask)};
  if (!packed.log_probs.empty()) tensors.push_back(Tensor("log_probs", TensorType::kF32, packed.log_probs));
  if (!packed.states.empty()) tensors.push_back(Tensor("constraint_states", TensorType::kI64, packed.states));
  const TokenCredit& credit = options.credit;
  std::vector<uint8_t> counted;
  std::vector<float> advantages, returns;
  if (!credit.counted.empty()) counted = Spread(credit.counted, packed.response_mask);
  if (!credit.advantages.empty()) advantages = Spread(credit.advantages, packed.response_mask);
  if (!credit.returns.empty()) returns = Spread(credit.returns, packed.response_mask);
  if (!counted.empty()) tensors.push_back(Tensor("counted", TensorType::kU8, counted));
  if (!advantages.empty()) tensors.push_back(Tensor("advantages", TensorType::kF32, advantages));
  if (!returns.empty()) tensors.push_back(Tensor("returns", TensorType::kF32, returns));
  const std::string file = path + ".safetensors";
  JADE_TRY(weights::WriteSafetensors(file, tensors, {{"format", "jade-batch"}, {"version", std::to_string(kVersion)}}));
  return files::WriteFileAtomically(path + ".json",
                                    Describe(batch, std::filesystem::path(file).filename().string(), options.step));
}

}  // namespace jade::rollout
