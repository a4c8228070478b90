#include <fmt/format.h>

#include <algorithm>

#include "runtime/report/page_assets.h"
#include "runtime/report/plot.h"
#include "runtime/report/report.h"
#include "runtime/report/sections.h"
#include "runtime/report/tags.h"

namespace jade::report {
namespace {

struct Section {
  const char* id;
  const char* title;
  const char* intro;
  std::string (*make)(const View& view);
};

constexpr Section kSections[] = {
    {"headline", "At a glance", "", HeadlineSection},
    {"alarms", "Alarms", "What looked like a collapse while the run went on.", AlarmSection},
    {"ablation", "Ablation", "The arms on the same budget.", AblationSection},
    {"frontier", "Quality and cost",
     "Runs with other weights α (turns) and β (retrievals) of the cost. The line joins those that none beats in both.",
     FrontierSection},
    {"curves", "Learning curves", "", CurveSection},
    {"validity", "Validity by role", "An output is valid when its format and its content pass the role's checks.",
     ValiditySection},
    {"plans", "Plans by type of question", "Share of the questions that got each plan.", PlanSection},
    {"credit", "Variance of the advantages",
     "By role, split into what the team's reward and what the local penalties contribute. Where penalties dominate, "
     "whitening drowns the team's signal. The two need not add up to the whole: the rest is their covariance.",
     CreditSection},
    {"roles", "Roles", "", RoleSection},
    {"optimisation", "Optimisation", "", OptimisationSection},
    {"mismatch", "Engine against trainer",
     "How far the log-probabilities that the engine sampled with are from the trainer's own.", MismatchSection},
    {"speed", "Speed", "", SpeedSection},
    {"other", "Other figures", "", OtherSection},
    {"samples", "Sample runs, before and after", "The same questions at the first and the last step that has them.",
     SampleSection},
    {"about", "Configuration", "", AboutSection},
};

std::string Title(const Report& report) {
  if (report.runs.size() == 1) return report.runs.front().about.name;
  return fmt::format("{} runs", report.runs.size());
}

std::string Subtitle(const View& view) {
  const metrics::RunDescription& about = view.report->runs.front().about;
  std::vector<std::string> parts;
  const auto same = [&](std::string metrics::RunDescription::*field) {
    return std::all_of(view.report->runs.begin(), view.report->runs.end(),
                       [&](const RunData& run) { return run.about.*field == about.*field; });
  };
  const auto add = [&](const char* name, std::string metrics::RunDescription::*field) {
    if (!(about.*field).empty() && same(field)) {
      parts.push_back(fmt::format("{} <b>{}</b>", name, Escape(Shortened(about.*field, 120))));
    }
  };
  if (!view.compares()) add("arm", &metrics::RunDescription::arm);
  add("model", &metrics::RunDescription::model);
  add("workflow", &metrics::RunDescription::workflow);
  add("data", &metrics::RunDescription::data);
  add("started", &metrics::RunDescription::started);
  if (view.report->runs.size() == 1) parts.push_back(fmt::format("seed <b>{}</b>", about.seed));
  return fmt::format("<p class=\"note\">{}</p>", fmt::join(parts, " · "));
}

std::string Problems(const Report& report) {
  if (report.problems.empty()) return "";
  std::string out = fmt::format(
      "<section class=\"problems\" aria-labelledby=\"problems\"><h2 id=\"problems\">Not everything could be "
      "read</h2><ul>");
  for (const std::string& problem : report.problems) out += fmt::format("<li>{}</li>", Escape(Shortened(problem, 500)));
  return out + "</ul></section>\n";
}

std::string Controls(const View& view) {
  std::string out = "<div class=\"controls\">";
  if (view.compares()) {
    std::vector<Key> keys;
    for (size_t i = 0; i < view.arms.size(); ++i) {
      const std::string seeds = view.arms[i].runs.size() > 1 ? fmt::format("{} seeds", view.arms[i].runs.size()) : "";
      keys.push_back({view.arms[i].name, fmt::format("arm-{}", i), static_cast<int>(i), seeds, false});
    }
    out += Legend(keys, /*of_page=*/true);
  }
  return out + "<label><input type=\"checkbox\" id=\"raw\" checked> raw values</label></div>";
}

}  // namespace

View ViewOf(const Report& report) {
  View view;
  view.report = &report;
  view.arms = GroupByArm(report.runs);
  std::set<std::string> roles;
  for (const RunData& run : report.runs) {
    for (const auto& [tag, curve] : run.curves) {
      view.tags.insert(tag);
      if (const auto parts = AsRoleTag(tag)) roles.insert(parts->role);
    }
  }
  view.roles.assign(roles.begin(), roles.end());
  return view;
}

std::string Page(const Report& report) {
  if (report.runs.empty()) return "";
  const View view = ViewOf(report);
  std::string sections;
  std::string links;
  for (const Section& section : kSections) {
    const std::string body = section.make(view);
    if (body.empty()) continue;
    links += fmt::format("<a href=\"#{}\">{}</a>", section.id, section.title);
    const std::string intro = *section.intro == '\0' ? "" : fmt::format("<p class=\"intro\">{}</p>", section.intro);
    sections +=
        fmt::format("<section id=\"{0}\" aria-labelledby=\"{0}-title\"><h2 id=\"{0}-title\">{1}</h2>{2}{3}</section>\n",
                    section.id, section.title, intro, body);
  }
  const std::string title = Escape(Title(report));
  return fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{0} · JADE</title>\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<meta name=\"color-scheme\" content=\"light dark\">\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; "
      "script-src 'sha256-{1}'; form-action 'none'; base-uri 'none'\">\n<style>{2}</style></head>\n<body>\n"
      "<header><h1>{0}</h1>{3}</header>\n<nav aria-label=\"Sections\"><div>{4}</div>{5}</nav>\n<main>\n{6}{7}</main>\n"
      "<div id=\"tip\" role=\"status\" hidden></div>\n<script>{8}</script>\n</body></html>\n",
      title, kPageScriptHash, kPageStyle, Subtitle(view), links, Controls(view), Problems(report), sections,
      kPageScript);
}

}  // namespace jade::report
