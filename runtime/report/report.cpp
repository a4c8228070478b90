#include "runtime/report/report.h"

#include <algorithm>

namespace jade::report {

Result<Report> ReadReport(const std::vector<std::string>& paths) {
  Report report;
  std::vector<std::string> folders;
  for (const std::string& path : paths) {
    JADE_ASSIGN_OR_RETURN(const std::vector<std::string> found, FindRuns(path));
    for (const std::string& folder : found) {
      if (std::find(folders.begin(), folders.end(), folder) == folders.end()) folders.push_back(folder);
    }
  }
  for (const std::string& folder : folders) {
    JADE_ASSIGN_OR_RETURN(RunData run, ReadRun(folder));
    report.problems.insert(report.problems.end(), run.problems.begin(), run.problems.end());
    report.runs.push_back(std::move(run));
  }
  const std::string ablation = FindAblation(folders);
  if (ablation.empty()) return report;
  auto read = ReadAblation(ablation, &report.problems);
  if (read.ok()) {
    report.ablation = std::move(*read);
  } else {
    report.problems.push_back(read.error().ToString());
  }
  return report;
}

}  // namespace jade::report
