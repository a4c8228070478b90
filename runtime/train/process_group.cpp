#include "runtime/train/process_group.h"

#include <c10/core/impl/VirtualGuardImpl.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <optional>
#include <thread>
#include <vector>

#include "runtime/backbone/torch_distributed.h"

namespace jade::train {
namespace {

using backbone::ProcessGroupBackend;
using Milliseconds = std::chrono::milliseconds;

// One operation moves so many numbers: 25 MiB.
constexpr int64_t kBucket = (25 << 20) / 4;
// How long the others have to say that they are alive once an operation has failed.
constexpr Milliseconds kRollCall{3000};

Milliseconds ToMilliseconds(double seconds) {
  return Milliseconds(static_cast<int64_t>(seconds * 1000.0));
}

// One line of what a library threw.
std::string FirstLine(const std::exception& error) {
  const std::string text = error.what();
  return text.substr(0, text.find('\n'));
}

class ProcessGroup final : public Collective {
 public:
  ProcessGroup(const Launch& launch, const ProcessGroupOptions& options, c10::intrusive_ptr<c10d::Store> store,
               c10::intrusive_ptr<ProcessGroupBackend> group, at::Device device)
      : launch_(launch),
        timeout_(ToMilliseconds(options.timeout)),
        store_(std::move(store)),
        group_(std::move(group)),
        device_(device) {}

  int rank() const override { return launch_.rank; }
  int size() const override { return launch_.size; }

  Status Sum(std::span<double> values) override { return Reduce(values, c10d::ReduceOp::SUM, "sum"); }
  Status Max(std::span<double> values) override { return Reduce(values, c10d::ReduceOp::MAX, "maximum"); }

  Status Sum(std::span<at::Tensor> tensors) override {
    return InBuckets(tensors, [this](at::Tensor bucket) {
      return Perform("sum of tensors", [&] { return AllReduce(bucket, c10d::ReduceOp::SUM); });
    });
  }

  Status Broadcast(std::span<at::Tensor> tensors) override {
    return InBuckets(tensors, [this](at::Tensor bucket) {
      return Perform("broadcast", [&] {
        std::vector<at::Tensor> one{bucket};
        return group_->broadcast(one);
      });
    });
  }

 private:
  using WorkPointer = c10::intrusive_ptr<c10d::Work>;

  WorkPointer AllReduce(const at::Tensor& tensor, c10d::ReduceOp::RedOpType operation) {
    c10d::AllreduceOptions options;
    options.reduceOp = operation;
    std::vector<at::Tensor> one{tensor};
    return group_->allreduce(one, options);
  }

  Status Reduce(std::span<double> values, c10d::ReduceOp::RedOpType operation, const char* what) {
    if (values.empty()) return {};
    const at::NoGradGuard no_grad;
    at::Tensor host = at::from_blob(values.data(), {static_cast<int64_t>(values.size())}, at::kDouble);
    at::Tensor moved = host.to(device_);  // the same memory on a processor
    JADE_TRY(Perform(what, [&] { return AllReduce(moved, operation); }));
    if (!device_.is_cpu()) host.copy_(moved);
    return {};
  }

  // Copies the tensors end to end through one buffer, however many and long they are.
  template <typename Operation>
  Status InBuckets(std::span<at::Tensor> tensors, Operation operation) {
    const at::NoGradGuard no_grad;
    std::vector<at::Tensor> flat;
    int64_t total = 0;
    for (const at::Tensor& tensor : tensors) {
      if (tensor.numel() == 0) continue;
      flat.push_back(tensor.detach().view({-1}));
      total += tensor.numel();
    }
    const int64_t capacity = std::min(total, kBucket);
    at::Tensor buffer = at::empty({capacity}, at::TensorOptions(at::kFloat).device(device_));
    size_t next = 0;
    int64_t offset = 0;
    while (next < flat.size()) {
      std::vector<at::Tensor> pieces;
      int64_t used = 0;
      while (next < flat.size() && used < capacity) {
        const int64_t count = std::min(flat[next].numel() - offset, capacity - used);
        pieces.push_back(flat[next].narrow(0, offset, count));
        buffer.narrow(0, used, count).copy_(pieces.back());
        used += count;
        offset += count;
        if (offset < flat[next].numel()) continue;
        ++next;
        offset = 0;
      }
      JADE_TRY(operation(buffer.narrow(0, 0, used)));
      int64_t place = 0;
      for (at::Tensor& piece : pieces) {
        piece.copy_(buffer.narrow(0, place, piece.numel()));
        place += piece.numel();
      }
    }
    return {};
  }

  template <typename Start>
  Status Perform(const char* what, Start start) {
    if (lost_) return *lost_;
    try {
      start()->wait();
      return {};
    } catch (const std::exception& error) {
      lost_ = Error(
          ErrorCode::kUnavailable,
          fmt::format("rank {} of {} lost {} during a {} over all processes; resume from the last checkpoint ({})",
                      launch_.rank, launch_.size, WhoIsMissing(), what, FirstLine(error)));
      return *lost_;
    }
  }

  // Every process whose operation failed says so at the rendezvous; whoever does not is gone, or still computing.
  std::string WhoIsMissing() {
    const auto key = [](int rank) { return fmt::format("jade/alive/{}", rank); };
    std::vector<int> missing;
    for (int rank = 0; rank < launch_.size; ++rank) {
      if (rank != launch_.rank) missing.push_back(rank);
    }
    try {
      store_->set(key(launch_.rank), std::vector<uint8_t>{1});
      const auto deadline = std::chrono::steady_clock::now() + std::min(timeout_, kRollCall);
      while (!missing.empty() && std::chrono::steady_clock::now() < deadline) {
        std::erase_if(missing, [&](int rank) { return store_->check({key(rank)}); });
        if (!missing.empty()) std::this_thread::sleep_for(Milliseconds(20));
      }
    } catch (const std::exception&) {
      return "rank 0, which holds the rendezvous,";
    }
    if (missing.empty()) return "the connection between processes that are all alive";
    return fmt::format("rank {}", fmt::join(missing, ", "));
  }

  Launch launch_;
  Milliseconds timeout_;
  c10::intrusive_ptr<c10d::Store> store_;
  c10::intrusive_ptr<ProcessGroupBackend> group_;
  at::Device device_;  // where operations take place
  std::optional<Error> lost_;
};

#ifdef JADE_HAS_GLOO
c10::intrusive_ptr<ProcessGroupBackend> MakeGloo(const Launch& launch, Milliseconds timeout,
                                                 const c10::intrusive_ptr<c10d::Store>& store) {
  auto options = c10d::ProcessGroupGloo::Options::create(timeout);
  const char* interface = std::getenv("GLOO_SOCKET_IFNAME");
  if (interface != nullptr) {
    options->devices.push_back(c10d::ProcessGroupGloo::createDeviceForInterface(interface));
  } else if (launch.local_size == launch.size) {
    options->devices.push_back(c10d::ProcessGroupGloo::createDeviceForHostname("127.0.0.1"));
  } else {
    options->devices.push_back(c10d::ProcessGroupGloo::createDefaultDevice());
  }
  return c10::make_intrusive<c10d::ProcessGroupGloo>(store, launch.rank, launch.size, options);
}
#endif

#ifdef JADE_HAS_NCCL
c10::intrusive_ptr<ProcessGroupBackend> MakeNccl(const Launch& launch, Milliseconds timeout,
                                                 const c10::intrusive_ptr<c10d::Store>& store) {
  // A lost peer is then an error of the operation, not the end of the process.
  setenv("TORCH_NCCL_BLOCKING_WAIT", "1", /*overwrite=*/0);
  setenv("NCCL_BLOCKING_WAIT", "1", /*overwrite=*/0);
  auto options = c10d::ProcessGroupNCCL::Options::create();
  options->timeout = timeout;
  return c10::make_intrusive<c10d::ProcessGroupNCCL>(store, launch.rank, launch.size, options);
}
#endif

// Null: this build has none.
c10::intrusive_ptr<ProcessGroupBackend> MakeGroup(const Launch& launch, Milliseconds timeout,
                                                  const c10::intrusive_ptr<c10d::Store>& store, at::Device* device) {
#ifdef JADE_HAS_NCCL
  if (device->is_cuda()) return MakeNccl(launch, timeout, store);
#endif
#ifdef JADE_HAS_GLOO
  *device = at::Device(at::kCPU);
  return MakeGloo(launch, timeout, store);
#else
  (void)launch, (void)timeout, (void)store, (void)device;
  return {};
#endif
}

}  // namespace

Result<std::unique_ptr<Collective>> JoinProcessGroup(const Launch& launch, const ProcessGroupOptions& options) {
  if (launch.size == 1) return std::unique_ptr<Collective>(std::make_unique<SingleProcess>());
  const Milliseconds timeout = ToMilliseconds(options.timeout);
  const std::string place = fmt::format("{}:{}", launch.address, launch.port);
  const auto begin = std::chrono::steady_clock::now();
  try {
    at::Device device = options.device;
    if (device.is_cuda()) {
      const c10::impl::VirtualGuardImpl guard(device.type());
      if (launch.local_rank < guard.deviceCount()) {
        device = at::Device(device.type(), static_cast<c10::DeviceIndex>(launch.local_rank));
      }
      guard.setDevice(device.has_index() ? device : guard.getDevice());
      device = guard.getDevice();
    }
    c10d::TCPStoreOptions store_options;
    store_options.port = static_cast<uint16_t>(launch.port);
    store_options.isServer = launch.rank == 0;
    store_options.numWorkers = launch.size;
    store_options.timeout = timeout;
    const auto store = c10::make_intrusive<c10d::TCPStore>(launch.address, store_options);
    auto group = MakeGroup(launch, timeout, store, &device);
    if (group == nullptr) {
      return Error(ErrorCode::kUnavailable,
                   "this JADE was built without Gloo, so it trains in one process: install Gloo's headers (Debian: "
                   "libgloo-dev) and configure again");
    }
    return std::unique_ptr<Collective>(
        std::make_unique<ProcessGroup>(launch, options, store, std::move(group), device));
  } catch (const std::exception& error) {
    const double waited = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    return Error(ErrorCode::kUnavailable,
                 fmt::format("rank {} of {} did not meet the others at {} ({:.0f} s of at most {:.0f} s; MASTER_ADDR, "
                             "MASTER_PORT, `train.distributed.timeout`): {}",
                             launch.rank, launch.size, place, waited, options.timeout, FirstLine(error)));
  }
}

}  // namespace jade::train
