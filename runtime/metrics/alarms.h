#pragma once
// Looks at the history of a run for signs that it is collapsing. Pure functions of what was measured.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/metrics/run_files.h"

namespace jade::metrics {

inline constexpr std::string_view kEntropyCollapse = "entropy_collapse";
inline constexpr std::string_view kValidityDrop = "validity_drop";
inline constexpr std::string_view kLengthExplosion = "length_explosion";
inline constexpr std::string_view kKl = "kl";
inline constexpr std::string_view kPlanCollapse = "plan_collapse";
inline constexpr std::string_view kNotFinite = "not_finite";
inline constexpr std::string_view kDevFall = "dev_fall";

// One step of the history, or one evaluation on the development set: the two have histories of their own. Tags read:
// role/ROLE/entropy, role/ROLE/valid, role/ROLE/length, role/ROLE/kl (also below `dev/`: dev/role/ROLE/valid),
// AlarmLimits::dev_figure and, for kNotFinite, all of them. `plans` may be empty.
struct StepRecord {
  int64_t step = 0;
  Scalars scalars;
  Plans plans;
};

struct AlarmLimits {
  double entropy_floor = 0.01;        // nats a token
  double entropy_fall = 0.9;          // share of the entropy of the first `window` steps that may be lost
  double validity_drop = 0.10;        // below the best mean of `window` steps so far, as a share of calls
  double length_factor = 3;           // times the mean length of the first `window` steps
  double length_floor = 32;           // tokens; shorter than this is never an explosion
  double kl = 0.5;                    // nats a token, mean of `window` steps
  double plan_share = 0.98;           // of all questions of a step, when they are of two types or more
  int64_t plan_questions = 16;        // fewer questions than this say nothing about plans
  int64_t window = 5;                 // steps averaged
  std::string dev_figure = "dev/f1";  // that chooses the best model
  double dev_fall = 0.05;             // below its first value, and …
  double dev_fall_share = 0.1;        // … as a share of that value: both must be passed
};

// What holds at the last step of the history and did not at the step before it: called after each step, every alarm is
// raised once when it sets in, and again when it comes back. Figures that a step lacks are passed over. Cost: linear in
// the history.
std::vector<Alarm> NewAlarms(std::span<const StepRecord> history, const AlarmLimits& limits = {});

}  // namespace jade::metrics
