#include "bench/engine/meter.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "bench/engine/machine.h"
#include "compiler/result/check.h"

namespace jade::bench {
namespace {

constexpr int kReadRounds = 5;
constexpr size_t kReadCaches = 4;                     // the buffer is so many times the last cache,
constexpr size_t kMostReadBytes = size_t{256} << 20;  // but counts in the peak of memory, so not larger than this

}  // namespace

void Meter::Begin(uint64_t samples) {
  if (options_.progress != nullptr) {
    options_.progress->Begin({.name = "measuring", .unit = "samples", .total = samples});
  }
}

void Meter::End() {
  if (options_.progress != nullptr) options_.progress->End();
}

Status Meter::NextSample(const std::string& what) {
  if (options_.cancel != nullptr && *options_.cancel) return Error(ErrorCode::kCancelled, "interrupted");
  if (options_.progress != nullptr) options_.progress->Update(samples_done_, what);
  ++samples_done_;
  return {};
}

Status Meter::MeasureProducts() {
  for (const std::string dtype : {"bf16", "fp32"}) {
    JADE_TRY(NextSample("matrix products, " + dtype));
    const std::vector<backbone::ProductRate> rates = model_.ProductRates(dtype);
    const auto best = std::max_element(rates.begin(), rates.end(),
                                       [](const auto& a, const auto& b) { return a.flops_per_s < b.flops_per_s; });
    if (best == rates.end()) continue;
    EngineRow row = MakeRow(fmt::format("machine.gemm_{}.gflops", dtype), "GFLOP/s", {best->flops_per_s * 1e-9});
    row.note = best->kernel;
    machine_.push_back(std::move(row));
    // Weights in int8 are multiplied as bf16.
    if (dtype == model_.dtype() || (dtype == "bf16" && model_.dtype() == "int8")) flops_per_s_ = best->flops_per_s;
  }
  return {};
}

void Meter::MeasureRead() {
  const size_t bytes = std::min(kReadCaches * LastLevelCacheBytes(), kMostReadBytes);
  bytes_per_s_ =
      model_.on_cpu() ? ReadBytesPerSecond(model_.threads(), bytes, kReadRounds) : model_.DeviceReadBytesPerSecond();
  if (bytes_per_s_ > 0) reads_.push_back(bytes_per_s_ * 1e-9);
}

ElementBytes Meter::element_bytes() const {
  const std::string dtype = model_.dtype();
  if (dtype == "fp32") return {.weight = 4, .key_value = 4};
  return {.weight = dtype == "int8" ? 1.0 : 2.0, .key_value = 2};
}

void Meter::Add(EngineRow row, const Work& work, double amount) {
  const MachineRates rates{.flops_per_s = flops_per_s_, .bytes_per_s = bytes_per_s_};
  if (const double seconds = LeastSeconds(work, rates); seconds > 0) {
    row.limit = amount / seconds;
    row.limit_by = BoundByMemory(work, rates) ? "memory" : "arithmetic";
  }
  engine_.push_back(std::move(row));
}

void Meter::AddTwin(const LlamaCase& llama) {
  JADE_CHECK(!engine_.empty(), "a twin of no row");
  const EngineRow& ours = engine_.back();
  const size_t begin = ours.name.find('.') + 1;
  EngineRow twin = MakeRow("llama." + ours.name.substr(begin), ours.unit, llama.samples());
  twin.note = llama.best().ToString();
  ratio_.push_back(
      MakeRow("ratio." + ours.name.substr(begin, ours.name.rfind('.') - begin), "times", {ours.value / twin.value}));
  llama_.push_back(std::move(twin));
}

void Meter::AddMemory(const std::string& name, double bytes) {
  memory_.push_back(MakeRow("memory." + name, "bytes", {bytes}));
}

std::vector<EngineRow> Meter::TakeRows() {
  if (!reads_.empty()) machine_.push_back(MakeRow("machine.read.gb_s", "GB/s", std::move(reads_)));
  std::vector<EngineRow> rows;
  for (std::vector<EngineRow>* part : {&machine_, &engine_, &llama_, &ratio_, &memory_}) {
    std::move(part->begin(), part->end(), std::back_inserter(rows));
    part->clear();
  }
  return rows;
}

}  // namespace jade::bench
