#pragma once
// Which tier a function is entered in. A module is compiled as a whole: when it is first entered, or on a thread of its
// own when one of its functions has been entered often; no run ever waits for the latter. Code is found at a function's
// entry, so an activation ends in the tier it began in.
//
// Owned by whoever owns the scheduler, and used on its thread.

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "runtime/jit/jit.h"

namespace jade::jit {

struct TierOptions {
  bool at_once = false;       // compile a module when it is first entered, and wait for it
  uint32_t hot_entries = 64;  // entries of one function after which its module is compiled in the background
  size_t waiting = 256;       // the most modules that wait to be compiled; others are asked for again later
};

class Tiers final : public interp::CodeSource {
 public:
  Tiers(std::shared_ptr<Jit> jit, TierOptions options);
  ~Tiers() override;
  Tiers(const Tiers&) = delete;
  Tiers& operator=(const Tiers&) = delete;

  interp::NativeFunctionPtr Find(const ir::ModulePtr& module, ir::FunctionId function) override;

  // What waits to be compiled is not, nor will be anything else in the background.
  void Stop();
  // Waits until nothing is being compiled in the background, nor will be of what was asked for.
  void Settle();
  // The last module that could not be compiled, if any: it stays in the interpreter.
  std::optional<Error> failure() const;
  uint64_t compiled() const;

 private:
  // Of one module, kept with it.
  struct Entry {
    std::vector<uint32_t> entries;  // by own function
    bool asked = false;
    ModuleCodePtr code;  // set before `ready`; null: the module stays in the interpreter
    std::atomic<bool> ready = false;
  };
  // A plan that nobody needs any more when its turn comes is not compiled.
  struct Job {
    std::weak_ptr<const ir::Module> module;
    std::shared_ptr<Entry> entry;
  };
  std::shared_ptr<Entry> EntryOf(const ir::Module& module);
  void Compile(const ir::Module& module, Entry& entry);
  // False when too many wait.
  bool Enqueue(const ir::ModulePtr& module, const std::shared_ptr<Entry>& entry);
  void Work();
  void DropDone();

  std::shared_ptr<Jit> jit_;
  TierOptions options_;
  const std::shared_ptr<const void> identity_ = std::make_shared<char>();  // owns what modules keep

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::condition_variable idle_;
  std::deque<Job> jobs_;
  std::vector<ir::ModulePtr> done_;  // one that only this holds ends, with its code, on the scheduler's thread
  std::atomic<bool> any_done_ = false;
  bool busy_ = false;
  bool stopping_ = false;
  std::optional<Error> failure_;
  uint64_t compiled_ = 0;
  std::thread worker_;  // started with the first job
};

}  // namespace jade::jit
