#include "runtime/report/plot.h"

#include <fmt/format.h>

namespace jade::report {

std::string ColourClass(int colour) {
  if (colour == kOtherColour) return "other";
  if (colour < 0) return "c0";
  const int place = colour > kOtherColour ? colour - 1 : colour;
  return fmt::format("c{}{}", place % kColours, place >= kColours ? " dashed" : "");
}

Axis XAxis(const PlotSize& size, Axis::Options options) {
  options.begin = size.left;
  options.end = size.width - size.right;
  return Axis(options);
}

Axis YAxis(const PlotSize& size, Axis::Options options) {
  options.begin = size.height - size.bottom;
  options.end = size.top;
  return Axis(options);
}

std::string Plot::Open(std::string_view description, std::string_view x_name, std::string_view y_name) const {
  std::string out = fmt::format("<svg viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"{}\">", size.width, size.height,
                                Escape(description));
  out += "<g class=\"grid\" aria-hidden=\"true\">";
  for (const Tick& tick : y.ticks()) {
    out += fmt::format("<line x1=\"{:.1f}\" x2=\"{:.1f}\" y1=\"{:.1f}\" y2=\"{:.1f}\"/>", x.begin(), x.end(),
                       y.At(tick.value), y.At(tick.value));
    out += fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"end\">{}</text>", x.begin() - 6,
                       y.At(tick.value) + 3.5, Escape(tick.label));
  }
  for (const Tick& tick : x.ticks()) {
    out += fmt::format("<line class=\"tick\" x1=\"{0:.1f}\" x2=\"{0:.1f}\" y1=\"{1:.1f}\" y2=\"{2:.1f}\"/>",
                       x.At(tick.value), y.begin(), y.begin() + 4);
    out += fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"middle\">{}</text>", x.At(tick.value),
                       y.begin() + 15, Escape(tick.label));
  }
  out += fmt::format("<line class=\"axis\" x1=\"{:.1f}\" x2=\"{:.1f}\" y1=\"{:.1f}\" y2=\"{:.1f}\"/>", x.begin(),
                     x.end(), y.begin(), y.begin());
  if (!x_name.empty()) {
    out += fmt::format("<text class=\"name\" x=\"{:.1f}\" y=\"{}\" text-anchor=\"end\">{}</text>", x.end(),
                       size.height - 6, Escape(x_name));
  }
  if (!y_name.empty()) {
    const double middle = (y.begin() + y.end()) / 2;
    out += fmt::format(
        "<text class=\"name\" transform=\"translate(11 {:.1f}) rotate(-90)\" text-anchor=\"middle\">{}</text>", middle,
        Escape(y_name));
  }
  return out + "</g>";
}

std::string Legend(const std::vector<Key>& keys, bool of_page) {
  std::string out = of_page ? "<ul class=\"keys of-page\">" : "<ul class=\"keys\">";
  for (const Key& key : keys) {
    const std::string name = Escape(key.name);
    out += fmt::format("<li><button type=\"button\" aria-pressed=\"true\" data-key=\"{}\"><i class=\"swatch {}\"></i>",
                       Escape(key.key), ColourClass(key.colour));
    out += key.is_code ? fmt::format("<code>{}</code>", name) : fmt::format("<span>{}</span>", name);
    if (!key.value.empty()) out += fmt::format(" <b>{}</b>", Escape(key.value));
    out += "</button></li>";
  }
  return out + "</ul>";
}

std::string FigureElement(std::string_view title, std::string_view note, const std::string& svg,
                          const std::string& legend, const std::string& data) {
  std::string out = "<figure class=\"chart\"";
  if (!data.empty()) out += fmt::format(" tabindex=\"0\" data-chart=\"{}\"", Escape(data));
  out += fmt::format("><figcaption><strong>{}</strong>", Escape(title));
  if (!note.empty()) out += fmt::format(" <span>{}</span>", Escape(note));
  return out + "</figcaption>" + svg + legend + "</figure>\n";
}

}  // namespace jade::report
