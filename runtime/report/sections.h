#pragma once
// The sections of the page, one file each: HTML from what was read. A section that has nothing to show is empty. Pure.

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/report/arms.h"
#include "runtime/report/report.h"

namespace jade::report {

struct View {
  const Report* report = nullptr;
  std::vector<Arm> arms;
  std::vector<std::string> roles;  // by name
  std::set<std::string> tags;
  bool compares() const { return arms.size() > 1; }
};

View ViewOf(const Report& report);

// A value of a configuration, as people read it.
std::string ValueText(const metrics::Value& value);

std::string HeadlineSection(const View& view);
std::string AlarmSection(const View& view);
std::string AblationSection(const View& view);
std::string FrontierSection(const View& view);
std::string CurveSection(const View& view);
std::string ValiditySection(const View& view);
std::string PlanSection(const View& view);
std::string CreditSection(const View& view);
std::string RoleSection(const View& view);
std::string OptimisationSection(const View& view);
std::string MismatchSection(const View& view);
std::string SpeedSection(const View& view);
std::string OtherSection(const View& view);  // tags that no other section shows
std::string SampleSection(const View& view);
std::string AboutSection(const View& view);

// A value at the first and the last step, and the best one.
struct Progress {
  double first = kAbsent;
  double last = kAbsent;
  double best = kAbsent;
  double best_step = 0;
};
// Of one of `tags`, the first that the arm has. Of the development set single steps; of training, means of up to five.
Progress ProgressOf(const Arm& arm, const std::vector<std::string>& tags, bool less_is_better = false);

// Of the role with the lowest validity at the end of the arm; its name.
struct RoleProgress {
  std::string role;
  Progress valid;
};
RoleProgress LowestValidity(const View& view, const Arm& arm);

}  // namespace jade::report
