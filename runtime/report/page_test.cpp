#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "runtime/pull/sha256.h"
#include "runtime/report/html_check.h"
#include "runtime/report/page_assets.h"
#include "runtime/report/report.h"
#include "runtime/report/synthetic_run.h"

namespace jade::report {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

std::string Fresh(const std::string& name) {
  const std::string folder = testing::TempDir() + name;
  fs::remove_all(folder);
  return folder;
}

Report Read(const std::vector<std::string>& paths) {
  auto report = ReadReport(paths);
  EXPECT_TRUE(report.ok()) << report.error().ToString();
  return std::move(*report);
}

// What the page has of a section, its heading included.
std::string SectionOf(const std::string& page, const std::string& id) {
  const size_t begin = page.find("<section id=\"" + id + "\"");
  if (begin == std::string::npos) return "";
  return page.substr(begin, page.find("</section>", begin) - begin);
}

size_t CountOf(const std::string& text, const std::string& part) {
  size_t count = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + part.size())) ++count;
  return count;
}

// In the temporary folder, to be looked at: TEST_TMPDIR=FOLDER keeps it.
std::string Kept(const std::string& page, const std::string& name) {
  std::ofstream(testing::TempDir() + name, std::ios::binary) << page;
  return page;
}

TEST(PageTest, OneRunHasEverySectionThatItHasFiguresFor) {
  const std::string folder = Fresh("page_one");
  ASSERT_TRUE(WriteSyntheticRun(folder, {.collapses = true}).ok());
  const Report report = Read({folder});
  EXPECT_THAT(report.problems, IsEmpty());
  const std::string page = Kept(Page(report), "page_one.html");
  EXPECT_THAT(ElementsOf(page), Contains("svg"));
  for (const char* id : {"headline", "alarms", "curves", "validity", "plans", "credit", "roles", "optimisation",
                         "mismatch", "speed", "samples", "about"}) {
    EXPECT_THAT(SectionOf(page, id), Not(IsEmpty())) << id;
    EXPECT_THAT(page, HasSubstr("<a href=\"#" + std::string(id) + "\">"));
  }
  EXPECT_THAT(SectionOf(page, "ablation") + SectionOf(page, "frontier") + SectionOf(page, "other"), IsEmpty());
  EXPECT_THAT(SectionOf(page, "headline"),
              AllOf(HasSubstr("Exact match"), HasSubstr("200 steps"), HasSubstr("43 min 40 s")));
  EXPECT_THAT(SectionOf(page, "alarms"), AllOf(HasSubstr("entropy collapse"), HasSubstr("validity drop")));
  EXPECT_THAT(SectionOf(page, "validity"), HasSubstr("MakePlan"));
  EXPECT_THAT(SectionOf(page, "plans"), AllOf(HasSubstr("comparison"), HasSubstr("QR,R,DS,AG")));
  EXPECT_THAT(SectionOf(page, "samples"), AllOf(HasSubstr("Step 0"), HasSubstr("Step 200"), HasSubstr("malformed")));
  EXPECT_THAT(SectionOf(page, "about"), AllOf(HasSubstr("optimiser.lr"), HasSubstr("3e-05"), HasSubstr("memory_gib")));
  // Collapses are marked in the charts they are about.
  EXPECT_GE(CountOf(SectionOf(page, "validity"), "class=\"mark\""), 1U);
}

TEST(PageTest, AnAlarmThatComesAgainIsOneRow) {
  const std::string folder = Fresh("page_alarms");
  ASSERT_TRUE(WriteSyntheticRun(folder, {.steps = 12}).ok());
  std::ofstream alarms(folder + "/alarms.jsonl", std::ios::app);
  for (const int step : {1, 2, 4, 6, 7, 9}) {
    alarms << R"({"step":)" << step << R"(,"kind":"validity_drop","role":"QR","text":"seen at )" << step << "\"}\n";
  }
  alarms << R"({"step":3,"kind":"validity_drop","role":"DS","text":"another role"})"
         << "\n";
  alarms.close();
  const std::string section = SectionOf(Page(Read({folder})), "alarms");
  EXPECT_EQ(CountOf(section, "validity drop"), 2U);
  EXPECT_THAT(section, AllOf(HasSubstr("<td>1, 2, 4, 6 and 2 more</td>"), HasSubstr("<td>3</td>")));
  EXPECT_THAT(section, AllOf(HasSubstr("seen at 1<"), Not(HasSubstr("seen at 2"))));
  EXPECT_THAT(section, Not(HasSubstr("<summary>")));
}

TEST(PageTest, ManyAlarmsAreCountedAndFolded) {
  const std::string folder = Fresh("page_many_alarms");
  ASSERT_TRUE(WriteSyntheticRun(folder, {.steps = 12}).ok());
  std::ofstream alarms(folder + "/alarms.jsonl", std::ios::app);
  for (int role = 0; role < 13; ++role) {
    alarms << R"({"step":1,"kind":")" << (role < 2 ? "kl" : "entropy_collapse") << R"(","role":"R)" << role
           << R"(","text":"seen"})"
           << "\n";
  }
  alarms.close();
  EXPECT_THAT(SectionOf(Page(Read({folder})), "alarms"), HasSubstr("<summary>11 entropy collapse, 2 kl</summary>"));
}

TEST(PageTest, ArmsAreComparedAndSeedsAreBands) {
  const std::string folder = Fresh("page_arms");
  for (uint64_t seed = 1; seed <= 3; ++seed) {
    const std::string n = std::to_string(seed);
    ASSERT_TRUE(WriteSyntheticRun(folder + "/joint-" + n, {.name = "joint-" + n, .seed = seed, .steps = 60}).ok());
    ASSERT_TRUE(
        WriteSyntheticRun(folder + "/planner-" + n,
                          {.name = "planner-" + n, .arm = "planner only", .seed = seed, .steps = 60, .gain = 0.1})
            .ok());
  }
  ASSERT_TRUE(
      WriteSyntheticRun(folder + "/cost-1", {.name = "cost-1", .arm = "joint, α = 0.3", .steps = 60, .alpha = 0.3})
          .ok());
  std::ofstream(folder + "/ablation.json")
      << R"({"rows":[{"arm":"joint","seed":1,"lr":3e-5,"dev_f1":0.58,"test_f1":0.56,"test_em":0.5,"turns":2.2,
          "retrievals":1.7,"valid_min":0.98,"chosen":true},{"arm":"joint","seed":2,"test_f1":0.54,"chosen":true},
          {"arm":"joint","seed":1,"lr":1e-5,"test_f1":0.1,"chosen":false},{"arm":"start","seed":1,"test_f1":0.33}],"comparisons":[{"a":"joint","b":"planner only","difference":0.123,"low":0.081,"high":0.162},
          {"a":"joint","b":"executors only","difference":0.02,"low":-0.01,"high":0.05}]})";
  const Report report = Read({folder});
  ASSERT_EQ(report.runs.size(), 7U);
  EXPECT_THAT(report.problems, IsEmpty());
  const std::string page = Kept(Page(report), "page_arms.html");
  EXPECT_THAT(ElementsOf(page), Contains("svg"));
  EXPECT_THAT(SectionOf(page, "headline"), AllOf(HasSubstr("planner only"), HasSubstr("joint, α = 0.3")));
  const std::string ablation = SectionOf(page, "ablation");
  EXPECT_THAT(ablation,
              AllOf(HasSubstr("<b>55.0 %</b>"), HasSubstr("54.0 % … 56.0 %"), HasSubstr("+12.3 points [8.1, 16.2]"),
                    HasSubstr("interval clear"), HasSubstr("interval open")));
  EXPECT_THAT(SectionOf(page, "frontier"),
              AllOf(HasSubstr("joint, α = 0.3 (α 0.3, β 0)"), HasSubstr("class=\"frontier\"")));
  // Three arms, three lines, and bands where there are several seeds.
  const std::string curves = SectionOf(page, "curves");
  const std::string f1 = curves.substr(0, curves.find("</figure>"));
  EXPECT_EQ(CountOf(f1, "class=\"mean\""), 3U);
  EXPECT_EQ(CountOf(f1, "class=\"band\""), 2U);
  EXPECT_THAT(SectionOf(page, "about"), HasSubstr("Differs"));
}

TEST(PageTest, WhatAModelWroteStaysText) {
  const std::string attack =
      "</pre><script>alert(1)</script><img src=x onerror='alert(2)'>\" onmouseover=\"alert(3)\x01";
  const std::string folder = Fresh("page_attack");
  const SyntheticRun run{.name = "</title><script>alert(4)</script>",
                         .arm = "\"><svg onload=alert(5)>",
                         .steps = 12,
                         .sample_text = attack};
  ASSERT_TRUE(WriteSyntheticRun(folder, run).ok());
  std::ofstream metrics(folder + "/metrics.jsonl", std::ios::app);
  metrics << R"({"step":13,"scalars":{"<b onclick=x>":1,"role/<i>\"/valid":0.5,"role/<i>\"/calls":2}})"
          << "\n";
  metrics.close();
  std::ofstream(folder + "/plans.jsonl", std::ios::app)
      << R"({"step":13,"split":"dev'><script>","plans":{"</h3><script>":{"\"><script>x</script>":1000000}}})"
      << "\n";
  std::ofstream(folder + "/alarms.jsonl", std::ios::app)
      << R"({"step":13,"kind":"validity_drop","role":"<i>\"","text":"\"><script>alert(6)</script>"})"
      << "\n"
      << "<script>not json</script>\n";
  const std::string page = Kept(Page(Read({folder})), "page_attack.html");

  const std::vector<std::string> elements = ElementsOf(page);
  EXPECT_EQ(std::count(elements.begin(), elements.end(), "script"), 1) << elements.front();
  EXPECT_EQ(CountOf(page, "<script"), 1U);
  for (const char* never : {"img", "b onclick", "iframe", "object", "link", "base"}) {
    EXPECT_THAT(elements, Not(Contains(never)));
  }
  EXPECT_THAT(page,
              AllOf(Not(HasSubstr("onerror='")), Not(HasSubstr("\" onmouseover=")), Not(HasSubstr("<svg onload"))));
  EXPECT_THAT(
      SectionOf(page, "samples"),
      HasSubstr("&lt;/pre&gt;&lt;script&gt;alert(1)&lt;/script&gt;&lt;img src=x onerror=&#39;alert(2)&#39;&gt;&quot; "
                "onmouseover=&quot;alert(3) </pre>"));
}

TEST(PageTest, AsksForNothingAndRunsOnlyItsOwnScript) {
  const std::string folder = Fresh("page_alone");
  ASSERT_TRUE(WriteSyntheticRun(folder, {.steps = 4}).ok());
  const std::string page = Page(Read({folder}));
  // The script's own name of SVG is not a request.
  EXPECT_EQ(CountOf(page, "http://"), 1U);
  EXPECT_THAT(page, AllOf(Not(HasSubstr("https://")), Not(HasSubstr("@import")), Not(HasSubstr("url(")),
                          HasSubstr("default-src 'none'"),
                          HasSubstr("script-src 'sha256-" + std::string(kPageScriptHash) + "'")));
  EXPECT_THAT(page, HasSubstr("<script>" + std::string(kPageScript) + "</script>"));
}

// Base64 of the bytes that a hexadecimal text spells.
std::string Base64(const std::string& hex) {
  constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string bits;
  for (const char c : hex) {
    const int digit = std::stoi(std::string(1, c), nullptr, 16);
    for (int bit = 3; bit >= 0; --bit) bits += ((digit >> bit) & 1) != 0 ? '1' : '0';
  }
  std::string out;
  while (bits.size() % 6 != 0) bits += '0';
  for (size_t at = 0; at < bits.size(); at += 6) {
    out += kAlphabet[static_cast<size_t>(std::stoi(bits.substr(at, 6), nullptr, 2))];
  }
  while (out.size() % 4 != 0) out += '=';
  return out;
}

TEST(PageTest, ThePolicyNamesTheScript) {
  pull::Sha256 hash;
  hash.Add(std::as_bytes(std::span(kPageScript)));
  EXPECT_EQ(kPageScriptHash, Base64(hash.Finish()));
}

TEST(PageTest, ARunWithoutFiguresIsAPageToo) {
  const std::string folder = Fresh("page_empty");
  fs::create_directories(folder);
  std::ofstream(folder + "/metrics.jsonl") << "";
  const std::string page = Page(Read({folder}));
  EXPECT_THAT(ElementsOf(page), Contains("header"));
  EXPECT_THAT(page, AllOf(HasSubstr("Not everything could be read"), HasSubstr("holds no figures yet"),
                          HasSubstr("<h1>page_empty</h1>")));
}

TEST(PageTest, IsTheSameEveryTime) {
  const std::string folder = Fresh("page_same");
  ASSERT_TRUE(WriteSyntheticRun(folder, {.steps = 10}).ok());
  EXPECT_EQ(Page(Read({folder})), Page(Read({folder})));
}

}  // namespace
}  // namespace jade::report
