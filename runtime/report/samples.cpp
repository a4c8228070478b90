// The same questions as the team answered them before and after, call by call.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "runtime/report/html.h"
#include "runtime/report/sections.h"

namespace jade::report {
namespace {

constexpr size_t kMostQuestions = 8;  // of an arm
constexpr size_t kMostCalls = 60;     // of a run
constexpr size_t kMostText = 4000;    // bytes of a prompt or action

struct Pair {
  const SampleAt* before = nullptr;
  const SampleAt* after = nullptr;  // null when there is only one
};

// By question, in the order of their first appearance.
std::vector<Pair> PairsOf(const RunData& run) {
  std::vector<Pair> pairs;
  std::map<std::string, size_t> places;
  for (const SampleAt& at : run.samples) {
    const auto [place, is_new] = places.emplace(at.sample.id, pairs.size());
    if (is_new) {
      pairs.push_back({&at, nullptr});
      continue;
    }
    Pair& pair = pairs[place->second];
    if (at.step < pair.before->step) {
      if (pair.after == nullptr) pair.after = pair.before;
      pair.before = &at;
    } else if (pair.after == nullptr || at.step >= pair.after->step) {
      pair.after = &at;
    }
  }
  return pairs;
}

std::string Mark(const metrics::SampleCall& call) {
  const bool is_valid = call.validity == "valid";
  const bool is_checked = !call.validity.empty() && call.validity != "not_checked";
  const char* tone = is_valid ? "better" : is_checked ? "worse" : "same";
  const char* sign = is_valid ? "✓" : is_checked ? "✗" : "·";
  return fmt::format("<span class=\"mark-{}\" title=\"{}\">{}</span>", tone,
                     Escape(is_checked ? call.validity : "not checked"), sign);
}

std::string Html(const metrics::SampleCall& call) {
  // Between the workflow and the call: "QDS/fold[1]" of "Solve/QDS/fold[1]/QR".
  const size_t first = call.path.find('/');
  const size_t last = call.path.rfind('/');
  const std::string place = first == last ? "" : call.path.substr(first + 1, last - first - 1);
  const auto depth = std::min<size_t>(6, static_cast<size_t>(std::count(call.path.begin(), call.path.end(), '/')));
  std::string out = fmt::format("<li class=\"depth-{}\"><div class=\"call\">{} <b title=\"{}\">{}</b>", depth,
                                Mark(call), Escape(Shortened(call.path, 400)), Escape(Shortened(call.role, 60)));
  if (!place.empty()) out += fmt::format(" <span class=\"from\">{}</span>", Escape(Shortened(place, 60)));
  if (call.penalty != 0) out += fmt::format(" <span class=\"worse\">{}</span>", Change(call.penalty));
  if (call.validity == "malformed" || call.validity == "invalid") {
    out += fmt::format(" <span class=\"worse\">{}</span>", Escape(call.validity));
  }
  out += fmt::format("<pre>{}</pre>", Escape(Shortened(call.action, kMostText)));
  if (!call.prompt.empty()) {
    out += fmt::format("<details><summary>prompt</summary><pre>{}</pre></details>",
                       Escape(Shortened(call.prompt, kMostText)));
  }
  return out + "</div></li>";
}

std::string Side(const SampleAt& at) {
  std::string out =
      fmt::format("<div class=\"side\"><h4>Step {}</h4><p class=\"answer\">{}</p>", at.step,
                  at.sample.answer.empty() ? "<em>no answer</em>" : Escape(Shortened(at.sample.answer, kMostText)));
  const double f1 = at.sample.f1;
  out += fmt::format("<p class=\"note\">F1 <span class=\"{}\">{}</span> · {} calls</p><ol class=\"calls\">",
                     f1 >= 0.5 ? "better" : "worse", std::isfinite(f1) ? fmt::format("{:.2f}", f1) : "–",
                     at.sample.calls.size());
  for (size_t i = 0; i < at.sample.calls.size() && i < kMostCalls; ++i) out += Html(at.sample.calls[i]);
  if (at.sample.calls.size() > kMostCalls) {
    out += fmt::format("<li>… and {} more calls</li>", at.sample.calls.size() - kMostCalls);
  }
  return out + "</ol></div>";
}

std::string Html(const Pair& pair) {
  const metrics::Sample& sample = pair.before->sample;
  std::string gold;
  for (const std::string& answer : sample.gold) gold += (gold.empty() ? "" : " · ") + answer;
  std::string out = fmt::format("<article class=\"sample\"><h3>{}</h3><p class=\"note\">{}{}expected: <b>{}</b></p>",
                                Escape(Shortened(sample.question, 1000)), Escape(Shortened(sample.type, 100)),
                                sample.type.empty() ? "" : " · ", Escape(Shortened(gold, 500)));
  out += "<div class=\"sides\">" + Side(*pair.before);
  if (pair.after != nullptr) out += Side(*pair.after);
  return out + "</div></article>";
}

}  // namespace

std::string SampleSection(const View& view) {
  std::string out;
  for (const Arm& arm : view.arms) {
    const auto run =
        std::find_if(arm.runs.begin(), arm.runs.end(), [](const RunData* r) { return !r->samples.empty(); });
    if (run == arm.runs.end()) continue;
    std::string articles;
    const std::vector<Pair> pairs = PairsOf(**run);
    for (size_t i = 0; i < pairs.size() && i < kMostQuestions; ++i) articles += Html(pairs[i]);
    if (pairs.size() > kMostQuestions) {
      articles += fmt::format("<p class=\"note\">… and {} more questions in {}</p>", pairs.size() - kMostQuestions,
                              Escape((*run)->folder));
    }
    out += view.compares() ? fmt::format("<details><summary>{}<span>, seed {}</span></summary>{}</details>",
                                         Escape(arm.name), (*run)->about.seed, articles)
                           : articles;
  }
  return out;
}

}  // namespace jade::report
