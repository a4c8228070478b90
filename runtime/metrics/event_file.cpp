#include "runtime/metrics/event_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <filesystem>

#include "runtime/metrics/crc32c.h"

namespace jade::metrics {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPrefix = "events.out.tfevents.";

// Wire types of protocol buffers.
enum Wire : uint32_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

template <typename T>
void AppendLittleEndian(std::string* out, T value) {
  for (size_t byte = 0; byte < sizeof value; ++byte) {
    *out += static_cast<char>((value >> (8 * byte)) & 0xFFU);
  }
}

void AppendVarint(std::string* out, uint64_t value) {
  for (; value >= 0x80U; value >>= 7U) *out += static_cast<char>(value | 0x80U);
  *out += static_cast<char>(value);
}

void AppendKey(std::string* out, uint32_t field, Wire wire) {
  AppendVarint(out, field << 3U | wire);
}

void AppendBytes(std::string* out, uint32_t field, std::string_view bytes) {
  AppendKey(out, field, kBytes);
  AppendVarint(out, bytes.size());
  *out += bytes;
}

// Fields 1 and 2 of an Event: wall_time and step.
std::string EventHead(double unix_seconds, int64_t step) {
  std::string out;
  AppendKey(&out, 1, kFixed64);
  AppendLittleEndian(&out, std::bit_cast<uint64_t>(unix_seconds));
  if (step != 0) {
    AppendKey(&out, 2, kVarint);
    AppendVarint(&out, static_cast<uint64_t>(step));
  }
  return out;
}

// The time in the name of an event file; 0 when it has none.
int64_t TimeInName(std::string_view name) {
  int64_t time = 0;
  name.remove_prefix(std::min(kPrefix.size(), name.size()));
  std::from_chars(name.data(), name.data() + name.size(), time);
  return time;
}

}  // namespace

std::string FramedRecord(std::string_view data) {
  std::string length;
  AppendLittleEndian(&length, static_cast<uint64_t>(data.size()));
  std::string out = length;
  AppendLittleEndian(&out, MaskedCrc32c(length));
  out += data;
  AppendLittleEndian(&out, MaskedCrc32c(data));
  return out;
}

std::string VersionEvent(double unix_seconds) {
  std::string out = EventHead(unix_seconds, 0);
  AppendBytes(&out, 3, "brain.Event:2");
  return out;
}

std::string ScalarsEvent(double unix_seconds, int64_t step, const Scalars& scalars) {
  std::string summary;
  for (const auto& [tag, scalar] : scalars) {
    std::string value;
    AppendBytes(&value, 1, tag);
    AppendKey(&value, 2, kFixed32);
    AppendLittleEndian(&value, std::bit_cast<uint32_t>(static_cast<float>(scalar)));
    AppendBytes(&summary, 1, value);
  }
  std::string out = EventHead(unix_seconds, step);
  AppendBytes(&out, 5, summary);
  return out;
}

std::string RestartEvent(double unix_seconds, int64_t step) {
  std::string session;
  AppendKey(&session, 1, kVarint);
  AppendVarint(&session, 1);  // SessionLog.START
  std::string out = EventHead(unix_seconds, step);
  AppendBytes(&out, 7, session);
  return out;
}

Result<EventFile> EventFile::Create(const std::string& folder, double unix_seconds, int64_t first_step) {
  std::error_code ec;
  fs::create_directories(folder, ec);
  if (ec) return Error(ErrorCode::kIo, fmt::format("cannot create the folder `{}`: {}", folder, ec.message()));
  int64_t time = std::isfinite(unix_seconds) ? static_cast<int64_t>(unix_seconds) : 0;
  int files = 0;
  for (auto it = fs::directory_iterator(folder, ec); !ec && it != fs::directory_iterator(); it.increment(ec)) {
    const std::string name = it->path().filename().string();
    if (name.rfind(kPrefix, 0) != 0) continue;
    ++files;
    time = std::max(time, TimeInName(name));
  }
  EventFile events;
  events.path_ = fmt::format("{}/{}{:010}.jade.{:06}", folder, kPrefix, time, files);
  events.file_.open(events.path_, std::ios::binary | std::ios::trunc);
  if (!events.file_) return Error(ErrorCode::kIo, fmt::format("cannot open `{}`", events.path_));
  JADE_TRY(events.Write(VersionEvent(unix_seconds)));
  if (files > 0) JADE_TRY(events.Write(RestartEvent(unix_seconds, first_step)));
  return events;
}

Status EventFile::Add(double unix_seconds, int64_t step, const Scalars& scalars) {
  if (scalars.empty()) return {};
  return Write(ScalarsEvent(unix_seconds, step, scalars));
}

Status EventFile::Write(std::string_view record) {
  file_ << FramedRecord(record) << std::flush;
  if (!file_) return Error(ErrorCode::kIo, fmt::format("cannot write `{}`", path_));
  return {};
}

}  // namespace jade::metrics
