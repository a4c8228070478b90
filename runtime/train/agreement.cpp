#include "runtime/train/agreement.h"

#include <fmt/format.h>

namespace jade::train {

Status Agree(Collective& collective, Status status, const std::string& what) {
  if (collective.size() == 1) return status;
  constexpr double kFine = 0, kCancelled = 1, kFailed = 2;
  std::vector<double> states(static_cast<size_t>(collective.size()));
  const bool cancelled = !status.ok() && status.error().code() == ErrorCode::kCancelled;
  states[static_cast<size_t>(collective.rank())] = status.ok() ? kFine : cancelled ? kCancelled : kFailed;
  const Status summed = collective.Sum(std::span<double>(states));
  if (!status.ok() && !cancelled) return status;
  JADE_TRY(summed);
  std::vector<size_t> failed;
  bool any_cancelled = false;
  for (size_t rank = 0; rank < states.size(); ++rank) {
    if (states[rank] == kFailed) failed.push_back(rank);
    any_cancelled |= states[rank] == kCancelled;
  }
  if (!failed.empty()) {
    return Error(ErrorCode::kUnavailable,
                 fmt::format("rank {} failed while {}: its own message says why", fmt::join(failed, ", "), what));
  }
  if (any_cancelled) return Error(ErrorCode::kCancelled, "interrupted");
  return {};
}

Result<std::vector<std::string>> GatherTexts(Collective& collective, const std::string& text) {
  const auto size = static_cast<size_t>(collective.size());
  const auto rank = static_cast<size_t>(collective.rank());
  if (size == 1) return std::vector<std::string>{text};
  std::vector<double> lengths(size);
  lengths[rank] = static_cast<double>(text.size());
  JADE_TRY(collective.Sum(std::span<double>(lengths)));
  int64_t total = 0, own = 0;
  for (size_t i = 0; i < size; ++i) {
    if (i == rank) own = total;
    total += static_cast<int64_t>(lengths[i]);
  }
  // Bytes as fp32, exactly, everyone's own in a place of its own.
  std::vector<at::Tensor> all{at::zeros({total}, at::kFloat)};
  float* bytes = all[0].data_ptr<float>();
  for (size_t i = 0; i < text.size(); ++i) bytes[own + static_cast<int64_t>(i)] = static_cast<unsigned char>(text[i]);
  JADE_TRY(collective.Sum(std::span<at::Tensor>(all)));
  std::vector<std::string> texts(size);
  int64_t place = 0;
  for (size_t i = 0; i < size; ++i) {
    for (int64_t end = place + static_cast<int64_t>(lengths[i]); place < end; ++place) {
      texts[i] += static_cast<char>(static_cast<unsigned char>(bytes[place]));
    }
  }
  return texts;
}

}  // namespace jade::train
