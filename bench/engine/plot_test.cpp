#include "bench/engine/plot.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace jade::bench {
namespace {

// Every element is closed in order, every attribute quoted, no bare ampersand: what an XML reader needs of this subset.
// Returns what is wrong.
std::string WellFormed(const std::string& text) {
  std::vector<std::string> open;
  for (size_t at = 0; at < text.size();) {
    if (text[at] == '&') {
      const size_t end = text.find(';', at);
      if (end == std::string::npos || end - at > 6) return "bare ampersand";
      at = end + 1;
    } else if (text[at] != '<') {
      ++at;
    } else {
      const size_t end = text.find('>', at);
      if (end == std::string::npos) return "tag without end";
      const std::string tag = text.substr(at + 1, end - at - 1);
      if (tag.find('<') != std::string::npos) return "`<` in a tag";
      const std::string name = tag.substr(tag[0] == '/' ? 1 : 0, tag.find_first_of(" /", 1) - (tag[0] == '/' ? 1 : 0));
      if (tag[0] == '/') {
        if (open.empty() || open.back() != tag.substr(1)) return "`" + tag + "` closes nothing";
        open.pop_back();
      } else if (tag.back() != '/') {
        open.push_back(name);
      }
      size_t quotes = 0;
      for (const char c : tag) quotes += c == '"' ? 1 : 0;
      if (quotes % 2 != 0) return "open quote in `" + tag + "`";
      at = end + 1;
    }
  }
  return open.empty() ? "" : "`" + open.back() + "` is not closed";
}

TEST(EngineBenchSvgTest, IsWellFormedAndDrawsWhatHasALimit) {
  std::vector<EngineRow> rows{MakeRow("machine.read.gb_s", "GB/s", {40}),
                              MakeRow("engine.decode.b8.tok_s", "tokens/s", {900}),
                              MakeRow("llama.decode.b8.tok_s", "tokens/s", {300})};
  rows[1].limit = 1200;
  const std::string svg = EngineBenchSvg(rows, "a <b> & \"c\"\n");
  EXPECT_EQ(WellFormed(svg), "");
  EXPECT_NE(svg.find("a &lt;b&gt; &amp; &quot;c&quot;"), std::string::npos);
  EXPECT_NE(svg.find("width=\"300.0\""), std::string::npos) << "three quarters of 400";
  EXPECT_NE(svg.find("width=\"100.0\""), std::string::npos) << "the twin, on the scale of ours";
  EXPECT_NE(svg.find("75 %"), std::string::npos);
  EXPECT_EQ(svg.find("machine.read"), std::string::npos);
}

TEST(EngineBenchSvgTest, NothingToDraw) {
  EXPECT_EQ(WellFormed(EngineBenchSvg({}, "")), "");
}

TEST(EngineBenchSvgTest, TheCheckFindsMistakes) {
  EXPECT_NE(WellFormed("<a><b></a></b>"), "");
  EXPECT_NE(WellFormed("<a x=\"1></a>"), "");
  EXPECT_NE(WellFormed("<a>&</a>"), "");
  EXPECT_NE(WellFormed("<a>"), "");
}

}  // namespace
}  // namespace jade::bench
