#include "runtime/report/tags.h"

#include <fmt/format.h>

#include <array>

namespace jade::report {
namespace {

struct Known {
  std::string_view tag;
  std::string_view title;
  std::string_view note;
  Unit unit = Unit::kNumber;
  bool from_zero = true;
};

constexpr std::array<Known, 44> kKnown = {{
    {"dev/f1", "F1 on the development set", "greedy", Unit::kShare, false},
    {"dev/em", "Exact match on the development set", "greedy", Unit::kShare, false},
    {"dev/accuracy", "Accuracy on the development set", "gold contained in the answer", Unit::kShare, false},
    {"dev/turns", "Turns on the development set", "a question"},
    {"dev/retrievals", "Retrievals on the development set", "a question"},
    {"dev/tokens", "Tokens on the development set", "generated, a question"},
    {"reward/mean", "Team reward", "F1 less the cost", Unit::kNumber, false},
    {"reward/f1", "F1 in training", "sampled", Unit::kShare, false},
    {"reward/cost", "Cost", "subtracted from the reward", Unit::kNumber, true},
    {"run/turns", "Turns", "a question"},
    {"run/retrievals", "Retrievals", "a question"},
    {"run/tokens", "Tokens", "generated, a question"},
    {"run/failed", "Failed runs", "share of the questions", Unit::kShare, true},
    {"valid", "Valid outputs", "share of the calls", Unit::kShare, false},
    {"calls", "Calls", "a step"},
    {"length", "Length of a reply", "tokens"},
    {"entropy", "Entropy", "nats a token"},
    {"kl", "KL from the reference", "nats a token"},
    {"clip_fraction", "Clipped ratios", "share of the tokens", Unit::kShare, true},
    {"reward", "Reward of a call", "team reward and penalty", Unit::kNumber, false},
    {"advantage_mean", "Mean advantage", "before whitening", Unit::kNumber, false},
    {"advantage_variance", "Variance of the advantages", "all"},
    {"advantage_variance_team", "Variance of the advantages", "of the team's reward"},
    {"advantage_variance_penalty", "Variance of the advantages", "of the penalties"},
    {"value_error", "Error of the critic", "mean square"},
    {"too_long", "Cut-off replies", "share of the calls", Unit::kShare, true},
    {"policy/loss", "Policy loss", "", Unit::kNumber, false},
    {"policy/clip_fraction", "Clipped ratios", "share of the tokens", Unit::kShare, true},
    {"policy/skipped_calls", "Calls of flat groups", "share that had no part in the update", Unit::kShare, true},
    {"policy/lr", "Learning rate of the policy", ""},
    {"policy/grad_norm", "Gradient norm of the policy", "before clipping"},
    {"value/loss", "Value loss", ""},
    {"value/grad_norm", "Gradient norm of the critic", "before clipping"},
    {"value/explained_variance", "Variance explained by the critic", "1 is perfect, 0 a constant", Unit::kNumber,
     false},
    {"train/mismatch_kl", "Mean mismatch, engine and trainer", "nats a token"},
    {"train/mismatch_max", "Largest mismatch, engine and trainer", "|Δ log-probability|"},
    {"time/rollout", "Rollouts", "a step", Unit::kSeconds, true},
    {"time/update", "Updates", "a step", Unit::kSeconds, true},
    {"time/step", "Whole step", "", Unit::kSeconds, true},
    {"time/dev", "Development set", "", Unit::kSeconds, true},
    {"time/old", "Old log-probabilities", "a step", Unit::kSeconds, true},
    {"speed/update_tok_s", "Updates", "tokens a second"},
    {"speed/calls_s", "Rollouts", "calls a second"},
    {"speed/rollout_tok_s", "Rollouts", "tokens a second"},
}};

bool Begins(std::string_view text, std::string_view start) {
  return text.substr(0, start.size()) == start;
}

}  // namespace

TagLook LookOf(std::string_view tag) {
  TagLook look;
  look.title = tag;
  if (Begins(tag, "time/")) look.unit = Unit::kSeconds;
  for (const Known& known : kKnown) {
    if (known.tag != tag) continue;
    look.title = known.title;
    look.note = known.note;
    look.unit = known.unit;
    look.from_zero = known.from_zero;
  }
  look.to_one = tag == "valid";
  if (tag == "train/mismatch_kl" || tag == "train/mismatch_max") look.logarithmic = true;
  if (tag == "train/mismatch_kl") {
    look.limit = 0.02;
    look.limit_name = "bar in bf16: 0.02";
  } else if (tag == "train/mismatch_max") {
    look.limit = 1e-4;
    look.limit_name = "bar in fp32: 1e-4";
  }
  return look;
}

std::optional<RoleTag> AsRoleTag(std::string_view tag) {
  constexpr std::string_view kDev = "dev/";
  constexpr std::string_view kRole = "role/";
  RoleTag parts;
  parts.is_dev = Begins(tag, kDev);
  if (parts.is_dev) tag.remove_prefix(kDev.size());
  if (!Begins(tag, kRole)) return std::nullopt;
  tag.remove_prefix(kRole.size());
  const size_t slash = tag.rfind('/');
  if (slash == std::string_view::npos || slash == 0 || slash + 1 == tag.size()) return std::nullopt;
  parts.role = tag.substr(0, slash);
  parts.figure = tag.substr(slash + 1);
  return parts;
}

std::string RoleTagText(const RoleTag& tag) {
  return fmt::format("{}role/{}/{}", tag.is_dev ? "dev/" : "", tag.role, tag.figure);
}

}  // namespace jade::report
