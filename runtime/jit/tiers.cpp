#include "runtime/jit/tiers.h"

#include <utility>

namespace jade::jit {

Tiers::Tiers(std::shared_ptr<Jit> jit, TierOptions options) : jit_(std::move(jit)), options_(options) {}

Tiers::~Tiers() {
  Stop();
  if (worker_.joinable()) worker_.join();
}

void Tiers::Stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    jobs_.clear();
  }
  wake_.notify_all();
}

std::shared_ptr<Tiers::Entry> Tiers::EntryOf(const ir::Module& module) {
  if (std::shared_ptr<void> known = module.Companion(identity_)) return std::static_pointer_cast<Entry>(known);
  auto entry = std::make_shared<Entry>();
  entry->entries.resize(module.function_count() - module.first_function());
  module.SetCompanion(identity_, entry);
  return entry;
}

interp::NativeFunctionPtr Tiers::Find(const ir::ModulePtr& module, ir::FunctionId function) {
  const ir::ModulePtr* owner = &module;
  while (function.index < (*owner)->first_function()) owner = &(*owner)->base_ptr();
  const uint32_t own_index = function.index - (*owner)->first_function();
  if (any_done_.load(std::memory_order_relaxed)) DropDone();
  const std::shared_ptr<Entry> entry = EntryOf(**owner);
  if (entry->ready.load(std::memory_order_acquire)) {
    return entry->code == nullptr ? nullptr : entry->code->Find(own_index);
  }
  if (entry->asked) return nullptr;
  if (options_.at_once) {
    entry->asked = true;
    Compile(**owner, *entry);
    return entry->code == nullptr ? nullptr : entry->code->Find(own_index);
  }
  if (++entry->entries[own_index] < options_.hot_entries) return nullptr;
  entry->asked = Enqueue(*owner, entry);
  if (!entry->asked) entry->entries[own_index] = 0;
  return nullptr;
}

void Tiers::Compile(const ir::Module& module, Entry& entry) {
  Result<ModuleCodePtr> code = jit_->Compile(module);
  {
    const std::lock_guard lock(mutex_);
    if (code.ok()) {
      ++compiled_;
    } else {
      failure_ = code.error();
    }
  }
  if (code.ok()) entry.code = std::move(code).value();
  entry.ready.store(true, std::memory_order_release);
}

bool Tiers::Enqueue(const ir::ModulePtr& module, const std::shared_ptr<Entry>& entry) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_ || jobs_.size() >= options_.waiting) return false;
    if (!worker_.joinable()) worker_ = std::thread([this] { Work(); });
    jobs_.push_back({module, entry});
  }
  wake_.notify_one();
  return true;
}

void Tiers::Work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [this] { return stopping_ || !jobs_.empty(); });
    if (stopping_) return;
    Job job = std::move(jobs_.front());
    jobs_.pop_front();
    busy_ = true;
    lock.unlock();
    ir::ModulePtr module = job.module.lock();
    if (module != nullptr) Compile(*module, *job.entry);
    lock.lock();
    if (module != nullptr) {
      done_.push_back(std::move(module));
      any_done_.store(true, std::memory_order_relaxed);
    }
    busy_ = false;
    if (jobs_.empty()) idle_.notify_all();
  }
}

void Tiers::DropDone() {
  std::vector<ir::ModulePtr> done;
  const std::lock_guard lock(mutex_);
  done.swap(done_);
  any_done_.store(false, std::memory_order_relaxed);
}

void Tiers::Settle() {
  {
    std::unique_lock lock(mutex_);
    idle_.wait(lock, [this] { return jobs_.empty() && !busy_; });
  }
  DropDone();
}

std::optional<Error> Tiers::failure() const {
  const std::lock_guard lock(mutex_);
  return failure_;
}

uint64_t Tiers::compiled() const {
  const std::lock_guard lock(mutex_);
  return compiled_;
}

}  // namespace jade::jit
