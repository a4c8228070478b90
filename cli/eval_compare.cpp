#include "cli/eval_compare.h"

#include <fmt/format.h>
#include <glob.h>

#include <filesystem>

#include "cli/command.h"
#include "cli/terminal.h"

namespace jade::cli {
namespace {

// The files that a pattern fits, sorted; the pattern itself when it has no wildcard.
Result<std::vector<std::string>> Matching(const std::string& pattern) {
  std::error_code ignored;
  if (pattern.find_first_of("*?[") == std::string::npos || std::filesystem::exists(pattern, ignored)) {
    return std::vector<std::string>{pattern};
  }
  glob_t found{};
  const int status = ::glob(pattern.c_str(), 0, nullptr, &found);
  std::vector<std::string> files(found.gl_pathv, found.gl_pathv + found.gl_pathc);
  ::globfree(&found);
  if (status == 0) return files;
  return Error(ErrorCode::kNotFound, fmt::format("no file fits `{}`", pattern));
}

Result<std::vector<eval::RunRows>> LoadRuns(const std::string& list) {
  std::vector<eval::RunRows> runs;
  std::error_code ignored;
  for (size_t begin = 0; begin <= list.size();) {
    const size_t end =
        std::filesystem::exists(list, ignored) ? list.size() : std::min(list.find(',', begin), list.size());
    JADE_ASSIGN_OR_RETURN(const auto files, Matching(list.substr(begin, end - begin)));
    for (const std::string& file : files) {
      JADE_ASSIGN_OR_RETURN(auto rows, eval::LoadRows(file));
      runs.push_back({file, std::move(rows)});
    }
    begin = end + 1;
  }
  return runs;
}

void Show(const eval::Comparison& comparison, const CompareRequest& request) {
  fmt::print("A: {}\nB: {}\n", request.systems[0], request.systems[1]);
  fmt::print("questions {}   runs {} and {}   resamples {}\n", HumanCount(comparison.questions), comparison.runs_a,
             comparison.runs_b, HumanCount(request.options.resamples));
  fmt::print("{:10} {:>9} {:>9} {:>9}   {:22} {:>7}\n", "", "A", "B", "B - A", "95 % interval", "p");
  for (const eval::Difference& one : comparison.differences) {
    fmt::print("{:10} {:9.4f} {:9.4f} {:+9.4f}   {:22} {:7.4f}\n", one.measure, one.mean_a, one.mean_b, one.difference,
               fmt::format("[{:+.4f}, {:+.4f}]", one.low, one.high), one.p);
  }
}

}  // namespace

void AddCompareOptions(CLI::App& eval, const std::vector<CLI::Option*>& alone, CompareRequest* request) {
  CLI::Option* compare =
      eval.add_option("--compare", request->systems,
                      "two files of --rows, A and B, in the place of FILE: the paired difference with its interval; "
                      "several runs of one system: after commas, or a pattern in quotes")
          ->expected(2)
          ->type_name("A B");
  for (CLI::Option* option : alone) compare->excludes(option);
  eval.add_option("--resamples", request->options.resamples, "of --compare")
      ->check(CLI::Range(100, 1'000'000))
      ->needs(compare)
      ->capture_default_str();
}

int CompareRows(const CompareRequest& request) {
  const auto a = LoadRuns(request.systems[0]);
  if (!a.ok()) return Fail(a.error());
  const auto b = LoadRuns(request.systems[1]);
  if (!b.ok()) return Fail(b.error());
  const auto comparison = eval::Compare(*a, *b, request.options);
  if (!comparison.ok()) return Fail(comparison.error());
  if (request.json) {
    fmt::print("{}\n", eval::ComparisonJson(*comparison, request.options));
  } else {
    Show(*comparison, request);
  }
  return kFine;
}

}  // namespace jade::cli
