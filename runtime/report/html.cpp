#include "runtime/report/html.h"

#include <fmt/format.h>

#include <array>
#include <cmath>

namespace jade::report {
namespace {

struct Turn {
  std::string_view bytes;
  std::string_view name;
};

// Bidirectional controls: text of a model could make the page show other text than it holds.
constexpr std::array<Turn, 11> kTurns = {{{"\u200e", "LRM"},
                                          {"\u200f", "RLM"},
                                          {"\u202a", "LRE"},
                                          {"\u202b", "RLE"},
                                          {"\u202c", "PDF"},
                                          {"\u202d", "LRO"},
                                          {"\u202e", "RLO"},
                                          {"\u2066", "LRI"},
                                          {"\u2067", "RLI"},
                                          {"\u2068", "FSI"},
                                          {"\u2069", "PDI"}}};

void EscapeByte(std::string* out, char c) {
  switch (c) {
    case '&':
      *out += "&amp;";
      return;
    case '<':
      *out += "&lt;";
      return;
    case '>':
      *out += "&gt;";
      return;
    case '"':
      *out += "&quot;";
      return;
    case '\'':
      *out += "&#39;";
      return;
    default:
      break;
  }
  const auto byte = static_cast<unsigned char>(c);
  const bool is_control = (byte < 0x20 && c != '\n' && c != '\t') || byte == 0x7f;
  *out += is_control ? ' ' : c;
}

// "1234" -> "1,234"-like forms are for counts; figures of charts are short: three significant digits and a suffix.
std::string ShortNumber(double value) {
  const double size = std::fabs(value);
  if (size == 0) return "0";
  if (size >= 1e9 || size < 1e-3) return fmt::format("{:.2e}", value);
  if (size >= 1e6) return fmt::format("{:.3g}M", value / 1e6);
  if (size >= 1e4) return fmt::format("{:.3g}k", value / 1e3);
  if (size >= 100) return fmt::format("{:.0f}", value);
  return fmt::format("{:.3g}", value);
}

std::string Duration(double seconds) {
  const double size = std::fabs(seconds);
  if (size < 1e-3 && size > 0) return fmt::format("{:.3g} µs", seconds * 1e6);
  if (size < 1) return fmt::format("{:.3g} ms", seconds * 1e3);
  if (size < 60) return fmt::format("{:.3g} s", seconds);
  const auto whole = static_cast<long long>(std::min(size, 1e12));
  if (whole < 3600) return fmt::format("{} min {:02} s", whole / 60, whole % 60);
  return fmt::format("{} h {:02} min", whole / 3600, whole % 3600 / 60);
}

}  // namespace

std::string Escape(std::string_view text) {
  std::string out;
  out.reserve(text.size() + text.size() / 8);
  for (size_t at = 0; at < text.size();) {
    const Turn* turn = nullptr;
    if (text[at] == '\xe2') {
      for (const Turn& candidate : kTurns) {
        if (text.substr(at, candidate.bytes.size()) == candidate.bytes) turn = &candidate;
      }
    }
    if (turn != nullptr) {
      out += fmt::format("[{}]", turn->name);
      at += turn->bytes.size();
    } else {
      EscapeByte(&out, text[at++]);
    }
  }
  return out;
}

std::string Shortened(std::string_view text, size_t most) {
  if (text.size() <= most) return std::string(text);
  size_t end = most;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
  return std::string(text.substr(0, end)) + "…";
}

std::string Figure(double value, Unit unit) {
  if (!std::isfinite(value)) return "–";
  switch (unit) {
    case Unit::kShare:
      return fmt::format("{:.1f} %", 100 * value);
    case Unit::kSeconds:
      return Duration(value);
    case Unit::kNumber:
      break;
  }
  return ShortNumber(value);
}

std::string Change(double difference, Unit unit) {
  if (!std::isfinite(difference)) return "–";
  const std::string sign = difference < 0 ? "−" : "+";
  const double size = std::fabs(difference);
  if (unit == Unit::kShare) return fmt::format("{}{:.1f} points", sign, 100 * size);
  return sign + Figure(size, unit);
}

std::string TickLabel(double value, int decimals, Unit unit) {
  if (unit == Unit::kShare) return fmt::format("{:.{}f}%", 100 * value, std::max(decimals - 2, 0));
  if (unit == Unit::kSeconds) {
    if (std::fabs(value) >= 3600) return fmt::format("{:.3g}h", value / 3600);
    if (std::fabs(value) >= 120) return fmt::format("{:.3g}min", value / 60);
    return fmt::format("{:.{}f}s", value, decimals);
  }
  const double size = std::fabs(value);
  if (size >= 1e6) return fmt::format("{:.4g}M", value / 1e6);
  if (size >= 1e4) return fmt::format("{:.4g}k", value / 1e3);
  if (decimals > 4) return fmt::format("{:.1e}", value);
  return fmt::format("{:.{}f}", value, decimals);
}

}  // namespace jade::report
