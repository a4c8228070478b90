#include "bench/engine/plot.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <vector>

namespace jade::bench {
namespace {

constexpr int kNameWidth = 250;
constexpr int kBarWidth = 400;
constexpr int kValueWidth = 190;
constexpr int kRowHeight = 22;
constexpr int kTop = 56;

// Grey text and lines stand out on white and on black alike; the background is the page's own.
constexpr std::string_view kStyle =
    "text{font:12px system-ui,sans-serif;fill:#57606a}.title{font-size:14px;font-weight:600}"
    ".ours{fill:#1f77b4}.llama{fill:#e08214}.limit{stroke:#8b949e;stroke-width:1.5}.track{fill:#8b949e;opacity:.18}"
    "@media(prefers-color-scheme:dark){text{fill:#c9d1d9}.ours{fill:#58a6ff}.llama{fill:#f0a04b}}";

std::string Escape(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
    }
  }
  return out;
}

struct Bar {
  const EngineRow* row = nullptr;
  double share = 0;
  bool ours = true;
};

// "llama.X" for "engine.X".
std::string TwinName(const std::string& name) {
  const size_t dot = name.find('.');
  return dot == std::string::npos ? name : "llama" + name.substr(dot);
}

std::vector<Bar> Bars(std::span<const EngineRow> rows) {
  std::vector<Bar> bars;
  for (const EngineRow& row : rows) {
    if (row.limit <= 0) continue;
    bars.push_back({&row, row.ShareOfLimit(), true});
    const auto twin = std::find_if(rows.begin(), rows.end(),
                                   [&](const EngineRow& other) { return other.name == TwinName(row.name); });
    if (twin != rows.end()) bars.push_back({&*twin, twin->value / row.limit, false});
  }
  return bars;
}

std::string Draw(const Bar& bar, int y) {
  const double length = std::clamp(bar.share, 0.0, 1.0) * kBarWidth;
  const int middle = y + kRowHeight / 2 + 4;
  const int x = kNameWidth;
  std::string out =
      fmt::format(R"(<text x="{}" y="{}" text-anchor="end">{}</text>)", x - 8, middle, Escape(bar.row->name));
  out += fmt::format(R"(<rect class="track" x="{}" y="{}" width="{}" height="{}" rx="2"/>)", x, y + 4, kBarWidth,
                     kRowHeight - 8);
  out += fmt::format(R"(<rect class="{}" x="{}" y="{}" width="{:.1f}" height="{}" rx="2"/>)",
                     bar.ours ? "ours" : "llama", x, y + 4, length, kRowHeight - 8);
  out += fmt::format(R"(<text x="{}" y="{}">{:.{}f} {} · {:.0f} %</text>)", x + kBarWidth + 8, middle, bar.row->value,
                     bar.row->value < 100 ? 1 : 0, Escape(bar.row->unit), 100 * bar.share);
  out += '\n';
  return out;
}

}  // namespace

std::string EngineBenchSvg(std::span<const EngineRow> rows, const std::string& title) {
  const std::vector<Bar> bars = Bars(rows);
  const int height = kTop + static_cast<int>(bars.size()) * kRowHeight + 16;
  const int width = kNameWidth + kBarWidth + kValueWidth;
  std::string out = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{1}\" viewBox=\"0 0 {0} {1}\" role=\"img\">\n"
      "<title>{2}</title>\n<style>{3}</style>\n<text class=\"title\" x=\"8\" y=\"22\">{2}</text>\n",
      width, height, Escape(title), kStyle);
  out += fmt::format("<text x=\"{}\" y=\"{}\" text-anchor=\"end\">limit of the machine</text>\n",
                     kNameWidth + kBarWidth, kTop - 10);
  int y = kTop;
  for (const Bar& bar : bars) {
    out += Draw(bar, y);
    y += kRowHeight;
  }
  out += fmt::format("<line class=\"limit\" x1=\"{0}\" y1=\"{1}\" x2=\"{0}\" y2=\"{2}\"/>\n</svg>\n",
                     kNameWidth + kBarWidth, kTop - 4, y + 4);
  return out;
}

}  // namespace jade::bench
