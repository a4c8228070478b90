#include "cli/terminal.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

namespace jade::cli {
namespace {

constexpr int kBarCells = 24;

bool IsTerminal(std::FILE* stream) {
  return isatty(fileno(stream)) == 1;
}

size_t TerminalColumns(std::FILE* stream) {
  winsize size{};
  if (ioctl(fileno(stream), TIOCGWINSZ, &size) == 0 && size.ws_col > 20) return size.ws_col;
  return 100;
}

std::string Bar(double share) {
  static constexpr std::string_view kEighths[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
  const int eighths = static_cast<int>(std::clamp(share, 0.0, 1.0) * kBarCells * 8);
  std::string bar;
  for (int i = 0; i < eighths / 8; ++i) bar += "█";
  bar += kEighths[eighths % 8];
  const int used = eighths / 8 + (eighths % 8 != 0 ? 1 : 0);
  bar.append(static_cast<size_t>(kBarCells - used), ' ');
  return bar;
}

std::string Amount(double amount, const std::string& unit) {
  if (unit == "B") return HumanBytes(amount);
  return fmt::format("{} {}", HumanCount(static_cast<uint64_t>(amount)), unit);
}

}  // namespace

Style Style::For(std::FILE* stream) {
  const char* term = std::getenv("TERM");
  const bool dumb = term == nullptr || std::string_view(term) == "dumb";
  if (!IsTerminal(stream) || dumb || std::getenv("NO_COLOR") != nullptr) return {};
  return {"\033[1m", "\033[2m", "\033[31m", "\033[32m", "\033[33m", "\033[34m", "\033[36m", "\033[0m"};
}

std::string HumanBytes(double bytes) {
  static constexpr std::string_view kUnits[] = {"B", "kB", "MB", "GB", "TB"};
  size_t unit = 0;
  while (bytes >= 1000.0 && unit + 1 < std::size(kUnits)) {
    bytes /= 1000.0;
    ++unit;
  }
  return unit == 0 ? fmt::format("{:.0f} B", bytes) : fmt::format("{:.1f} {}", bytes, kUnits[unit]);
}

std::string HumanCount(uint64_t count) {
  std::string text = std::to_string(count);
  for (size_t i = text.size(); i > 3; i -= 3) text.insert(i - 3, ",");
  return text;
}

std::string HumanRate(double rate, const std::string& unit) {
  if (unit != "B" && rate > 0 && rate < 1.0) return HumanDuration(1.0 / rate) + " each";
  if (unit != "B" && rate > 0 && rate < 10.0) return fmt::format("{:.1f} {}/s", rate, unit);
  return Amount(rate, unit) + "/s";
}

std::string HumanDuration(double seconds) {
  if (seconds < 1.0) return fmt::format("{:.0f} ms", seconds * 1e3);
  if (seconds < 60.0) return fmt::format("{:.1f} s", seconds);
  const auto whole = static_cast<int64_t>(std::lround(std::min(seconds, 1e9)));
  if (whole < 3600) return fmt::format("{} min {:02} s", whole / 60, whole % 60);
  return fmt::format("{} h {:02} min", whole / 3600, whole % 3600 / 60);
}

std::string OneLine(std::string_view text, size_t columns) {
  std::string line;
  size_t used = 0;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool starts = (byte & 0xC0U) != 0x80U;
    if (starts && used++ == columns) {
      line += "…";
      break;
    }
    line += byte < 0x20U || byte == 0x7FU ? ' ' : c;
  }
  return line;
}

ProgressBar::ProgressBar(std::FILE* stream) : stream_(stream), terminal_(IsTerminal(stream)) {}

void ProgressBar::Begin(const progress::Task& task) {
  task_ = task;
  done_ = task.done;
  note_.clear();
  started_ = Clock::now();
  drawn_ = started_;
  if (terminal_) Draw(false);
}

void ProgressBar::Update(uint64_t done, std::string_view note) {
  done_ = done;
  const auto now = Clock::now();
  const auto pause = terminal_ ? std::chrono::milliseconds(100) : std::chrono::milliseconds(10'000);
  if (now - drawn_ < pause) return;
  note_ = note;
  drawn_ = now;
  Draw(false);
}

void ProgressBar::End() {
  // What was cut short has its error message; a line that says how far it came is only for a bar.
  if (!terminal_ && done_ < task_.total) return;
  Draw(true);
}

void ProgressBar::Message(std::string_view text) {
  if (terminal_) std::fputs("\r\033[K", stream_);
  fmt::print(stream_, "{}\n", text);
}

std::string ProgressBar::Line(double seconds) const {
  const double rate = seconds > 0 ? static_cast<double>(done_ - std::min(done_, task_.done)) / seconds : 0.0;
  std::string line = task_.name + " ";
  if (task_.total > 0) {
    const double share = static_cast<double>(done_) / static_cast<double>(task_.total);
    if (terminal_) line += "▕" + Bar(share) + "▏";
    line += fmt::format("{:3.0f} % ", 100.0 * std::min(share, 1.0));
  }
  line += fmt::format("{}  {}", Amount(static_cast<double>(done_), task_.unit), HumanRate(rate, task_.unit));
  if (task_.total > done_ && rate > 0) {
    line += fmt::format("  ETA {}", HumanDuration(static_cast<double>(task_.total - done_) / rate));
  }
  if (!note_.empty()) line += "  " + note_;
  return line;
}

void ProgressBar::Draw(bool last) {
  const double seconds = std::chrono::duration<double>(Clock::now() - started_).count();
  std::string line = Line(seconds);
  if (last) line += "  in " + HumanDuration(seconds);
  if (terminal_) {
    fmt::print(stream_, "\r\033[K{}{}", OneLine(line, TerminalColumns(stream_) - 1), last ? "\n" : "");
  } else {
    fmt::print(stream_, "{}\n", line);
  }
  std::fflush(stream_);
}

}  // namespace jade::cli
