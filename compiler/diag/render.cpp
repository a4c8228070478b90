#include "compiler/diag/render.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace jade::diag {
namespace {

using source::LineColumn;
using source::SourceFile;
using source::Span;

constexpr uint32_t kMinWidth = 40;

bool IsTail(char c) {
  return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U;
}

uint32_t CountCodePoints(std::string_view text) {
  return static_cast<uint32_t>(std::count_if(text.begin(), text.end(), [](char c) { return !IsTail(c); }));
}

// The part of a line that is shown, and where in it the caret goes.
struct Window {
  std::string text;
  uint32_t caret = 0;   // code points before the caret
  uint32_t length = 1;  // code points under the caret
};

// `begin` and `end` are byte offsets into `line`. Looks only at the window, so a line of megabytes costs nothing.
Window Cut(std::string_view line, uint32_t begin, uint32_t end, uint32_t width) {
  const auto size = static_cast<uint32_t>(line.size());
  begin = std::min(begin, size);
  end = std::clamp(end, begin, size);
  uint32_t from = 0;
  uint32_t to = size;
  if (size > width) {
    const uint32_t half = width / 2;
    from = begin > half ? begin - half : 0;
    to = std::min(size, from + width);
    while (from > 0 && IsTail(line[from])) --from;
    while (to < size && IsTail(line[to])) --to;
  }
  Window window;
  if (from > 0) window.text += "…";
  for (uint32_t i = from; i < to; ++i) {
    const auto byte = static_cast<unsigned char>(line[i]);
    if (byte == '\t') {
      window.text += ' ';
    } else if (byte < 0x20U || byte == 0x7fU) {
      window.text += "·";
    } else {
      window.text += line[i];
    }
  }
  if (to < size) window.text += "…";
  window.caret = (from > 0 ? 1 : 0) + CountCodePoints(line.substr(from, begin - from));
  const uint32_t shown_end = std::max(begin, std::min(end, to));
  window.length = std::max<uint32_t>(1, CountCodePoints(line.substr(begin, shown_end - begin)));
  return window;
}

class TextRenderer {
 public:
  explicit TextRenderer(const TextOptions& options) : options_(options) {
    options_.width = std::max(options_.width, kMinWidth);
  }

  std::string Render(const Diagnostic& diagnostic) {
    const bool error = diagnostic.severity == Severity::kError;
    gutter_ = GutterWidth(diagnostic);
    out_ += Paint(error ? "1;31" : "1;33", fmt::format("{}[{}]", SeverityName(diagnostic.severity), diagnostic.code));
    out_ += Paint("1", fmt::format(": {}", diagnostic.message)) + "\n";
    if (diagnostic.primary.file) Place(diagnostic.primary, diagnostic.primary.label, '^', error ? "1;31" : "1;33");
    for (const Note& note : diagnostic.notes) {
      if (note.location.file) {
        out_ += fmt::format("{:>{}} {} note: {}\n", "", gutter_, Bar("="), note.message);
        Place(note.location, note.location.label, '-', "1;34");
      } else {
        out_ += fmt::format("{:>{}} {} note: {}\n", "", gutter_, Bar("="), note.message);
      }
    }
    if (!diagnostic.help.empty()) {
      out_ += fmt::format("{:>{}} {} help: {}\n", "", gutter_, Bar("="), diagnostic.help);
    }
    return std::move(out_);
  }

 private:
  static size_t GutterWidth(const Diagnostic& diagnostic) {
    uint32_t line = 1;
    const auto consider = [&](const Location& place) {
      if (place.file) line = std::max(line, place.file->At(place.span.begin).line);
    };
    consider(diagnostic.primary);
    for (const Note& note : diagnostic.notes) consider(note.location);
    return std::to_string(line).size();
  }

  std::string Paint(const char* style, std::string text) const {
    return options_.colour ? fmt::format("\x1b[{}m{}\x1b[0m", style, text) : text;
  }
  std::string Bar(const char* bar) const { return Paint("34", bar); }

  void Place(const Location& place, const std::string& label, char mark, const char* style) {
    const SourceFile& file = *place.file;
    const LineColumn at = file.At(place.span.begin);
    out_ += fmt::format("{:>{}}{} {}:{}:{}\n", "", gutter_, Bar("-->"), file.name(), at.line, at.column);
    const Span line = file.LineSpan(at.line);
    const uint32_t begin = place.span.begin - std::min(place.span.begin, line.begin);
    const uint32_t end = std::max(place.span.end, place.span.begin) - line.begin;
    const Window window = Cut(file.Line(at.line), begin, end, options_.width);
    out_ += fmt::format("{:>{}} {}\n", "", gutter_, Bar("|"));
    out_ += fmt::format("{:>{}} {} {}\n", at.line, gutter_, Bar("|"), window.text);
    std::string marks(window.length, mark);
    if (!label.empty()) marks += " " + label;
    out_ += fmt::format("{:>{}} {} {}{}\n", "", gutter_, Bar("|"), std::string(window.caret, ' '), Paint(style, marks));
  }

  TextOptions options_;
  size_t gutter_ = 1;
  std::string out_;
};

nlohmann::ordered_json Point(LineColumn at) {
  return {{"line", at.line}, {"column", at.column}};
}

void PutPlace(nlohmann::ordered_json& json, const Location& place) {
  if (!place.file) {
    for (const char* key : {"file", "span", "start", "end"}) json[key] = nullptr;
    return;
  }
  json["file"] = place.file->name();
  json["span"] = {{"begin", place.span.begin}, {"end", place.span.end}};
  json["start"] = Point(place.file->At(place.span.begin));
  json["end"] = Point(place.file->At(std::max(place.span.begin, place.span.end)));
}

nlohmann::ordered_json ToJson(const Diagnostic& diagnostic) {
  nlohmann::ordered_json json;
  json["code"] = diagnostic.code;
  json["severity"] = SeverityName(diagnostic.severity);
  json["message"] = diagnostic.message;
  PutPlace(json, diagnostic.primary);
  json["label"] = diagnostic.primary.label;
  json["notes"] = nlohmann::ordered_json::array();
  for (const Note& note : diagnostic.notes) {
    nlohmann::ordered_json item;
    item["message"] = note.message;
    PutPlace(item, note.location);
    json["notes"].push_back(std::move(item));
  }
  json["help"] = diagnostic.help;
  json["fix"] = nlohmann::ordered_json::array();
  for (const Edit& edit : diagnostic.fix) {
    json["fix"].push_back({{"span", {{"begin", edit.span.begin}, {"end", edit.span.end}}}, {"text", edit.text}});
  }
  return json;
}

std::string Dump(const nlohmann::ordered_json& json) {
  return json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace

std::string RenderText(const Diagnostic& diagnostic, const TextOptions& options) {
  return TextRenderer(options).Render(diagnostic);
}

std::string RenderText(const std::vector<Diagnostic>& diagnostics, const TextOptions& options) {
  std::string out;
  for (const Diagnostic& diagnostic : diagnostics) {
    if (!out.empty()) out += '\n';
    out += RenderText(diagnostic, options);
  }
  return out;
}

std::string RenderJson(const Diagnostic& diagnostic) {
  return Dump(ToJson(diagnostic));
}

std::string RenderJson(const std::vector<Diagnostic>& diagnostics) {
  nlohmann::ordered_json json = nlohmann::ordered_json::array();
  for (const Diagnostic& diagnostic : diagnostics) json.push_back(ToJson(diagnostic));
  return Dump(json);
}

}  // namespace jade::diag
