#include "runtime/jit/tiers.h"

#include <gtest/gtest.h>

#include <thread>

#include "compiler/ir/reader.h"
#include "runtime/interp/interpreter.h"

namespace jade::jit {
namespace {

using abi::Value;

constexpr const char* kNegate = "jir 1\n\npure F(%0: Int a) -> Int {\n  %1: Int = int.neg(%0)\n  yield(%1)\n}\n";

ir::ModulePtr Negate() {
  auto module = ir::Read(kNegate);
  EXPECT_TRUE(module.ok());
  return *module;
}

std::shared_ptr<Jit> MakeJit() {
  auto jit = Jit::Create({});
  EXPECT_TRUE(jit.ok());
  return *jit;
}

std::string Outcome(const ir::ModulePtr& module, int64_t argument, interp::CodeSource* code) {
  const interp::PureResult result =
      interp::EvaluatePure(module, {0}, {Value::Int(argument)}, {}, {}, nullptr, 100'000, code);
  if (result.trap) return result.trap->ToString();
  return abi::DisplayText(result.value);
}

// A compiler that waits until it may go on, and can refuse.
class SlowJit final : public Jit {
 public:
  explicit SlowJit(std::shared_ptr<Jit> under) : under_(std::move(under)) {}
  Result<ModuleCodePtr> Compile(const ir::Module& module) override {
    std::unique_lock lock(mutex_);
    ++begun_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return open_; });
    if (under_ == nullptr) return Error(ErrorCode::kUnavailable, "no code today");
    return under_->Compile(module);
  }
  void WaitUntilBegun(int count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return begun_ >= count; });
  }
  void Open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  int begun() const {
    const std::lock_guard lock(mutex_);
    return begun_;
  }

 private:
  std::shared_ptr<Jit> under_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = false;
  int begun_ = 0;
};

TEST(Tiers, WhatAModuleKeepsForTiersThatAreGoneGoes) {
  const ir::ModulePtr module = Negate();
  std::weak_ptr<const interp::NativeFunction> code;
  {
    Tiers tiers(MakeJit(), {.at_once = true});
    code = tiers.Find(module, {0});
    EXPECT_FALSE(code.expired());
  }
  Tiers others(MakeJit(), {.at_once = true});
  EXPECT_NE(others.Find(module, {0}), nullptr);
  EXPECT_TRUE(code.expired());
}

TEST(Tiers, HotFunctionsAreCompiledInTheBackground) {
  const ir::ModulePtr module = Negate();
  Tiers tiers(MakeJit(), {.at_once = false, .hot_entries = 3});
  EXPECT_EQ(tiers.Find(module, {0}), nullptr);
  EXPECT_EQ(tiers.Find(module, {0}), nullptr);
  EXPECT_EQ(tiers.compiled(), 0U);
  (void)tiers.Find(module, {0});
  tiers.Settle();
  EXPECT_EQ(tiers.compiled(), 1U);
  EXPECT_NE(tiers.Find(module, {0}), nullptr);
  EXPECT_EQ(Outcome(module, 4, &tiers), "-4");
}

TEST(Tiers, CodeOutlivesTheJitWhileItIsHeld) {
  const ir::ModulePtr module = Negate();
  class Held final : public interp::CodeSource {
   public:
    interp::NativeFunctionPtr Find(const ir::ModulePtr&, ir::FunctionId) override { return code; }
    interp::NativeFunctionPtr code;
  };
  Held held;
  {
    Tiers tiers(MakeJit(), {.at_once = true});
    held.code = tiers.Find(module, {0});
  }
  ASSERT_NE(held.code, nullptr);
  EXPECT_EQ(Outcome(module, 4, &held), "-4");
}

TEST(Tiers, WhatCannotBeCompiledStaysInterpreted) {
  for (const bool at_once : {true, false}) {
    const ir::ModulePtr module = Negate();
    const auto refusing = std::make_shared<SlowJit>(nullptr);
    refusing->Open();
    Tiers tiers(refusing, {.at_once = at_once, .hot_entries = 1});
    for (int64_t i = 1; i <= 3; ++i) EXPECT_EQ(Outcome(module, i, &tiers), std::to_string(-i));
    tiers.Settle();
    EXPECT_EQ(tiers.Find(module, {0}), nullptr);
    EXPECT_EQ(tiers.compiled(), 0U);
    ASSERT_TRUE(tiers.failure().has_value());
    EXPECT_EQ(tiers.failure()->message(), "no code today");
    EXPECT_EQ(refusing->begun(), 1);
  }
}

TEST(Tiers, EndWithTheModuleBeingCompiledAndNoOther) {
  const auto slow = std::make_shared<SlowJit>(MakeJit());
  const std::vector<ir::ModulePtr> modules = {Negate(), Negate(), Negate()};
  auto tiers = std::make_unique<Tiers>(slow, TierOptions{.hot_entries = 1});
  for (const ir::ModulePtr& module : modules) EXPECT_EQ(tiers->Find(module, {0}), nullptr);
  slow->WaitUntilBegun(1);
  tiers->Stop();
  std::thread opener([&] { slow->Open(); });
  tiers = nullptr;  // waits
  opener.join();
  EXPECT_EQ(slow->begun(), 1);
}

TEST(Tiers, ModulesThatAreGoneAreNotCompiled) {
  const auto slow = std::make_shared<SlowJit>(MakeJit());
  Tiers tiers(slow, {.hot_entries = 1});
  const ir::ModulePtr kept = Negate();
  EXPECT_EQ(tiers.Find(kept, {0}), nullptr);
  slow->WaitUntilBegun(1);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(tiers.Find(Negate(), {0}), nullptr);
  std::weak_ptr<const ir::Module> dropped;
  {
    const ir::ModulePtr last = Negate();
    dropped = last;
    EXPECT_EQ(tiers.Find(last, {0}), nullptr);
  }
  EXPECT_TRUE(dropped.expired());
  slow->Open();
  tiers.Settle();
  EXPECT_EQ(slow->begun(), 1);
  EXPECT_EQ(tiers.compiled(), 1U);
}

TEST(Tiers, ManyHotModulesAreAskedForAgain) {
  const auto slow = std::make_shared<SlowJit>(MakeJit());
  Tiers tiers(slow, {.hot_entries = 2, .waiting = 2});
  std::vector<ir::ModulePtr> modules;
  for (int i = 0; i < 6; ++i) modules.push_back(Negate());
  const auto enter_all = [&] {
    for (const ir::ModulePtr& module : modules) {
      for (int i = 0; i < 2; ++i) (void)tiers.Find(module, {0});
    }
  };
  enter_all();
  slow->Open();
  tiers.Settle();
  EXPECT_LE(tiers.compiled(), 3U);  // one may have left the queue before it was full
  for (int i = 0; i < 4; ++i) {
    enter_all();
    tiers.Settle();
  }
  EXPECT_EQ(tiers.compiled(), modules.size());
}

// What is compiled while its module goes is freed here, not on the thread that compiled it, and everything is gone.
TEST(Tiers, ModulesMayGoWhileTheyAreCompiled) {
  Tiers tiers(MakeJit(), {.hot_entries = 1});
  std::vector<std::weak_ptr<const ir::Module>> all;
  for (int64_t i = 0; i < 30; ++i) {
    const ir::ModulePtr module = Negate();
    all.emplace_back(module);
    for (int j = 0; j <= i % 3; ++j) EXPECT_EQ(Outcome(module, i, &tiers), std::to_string(-i));
  }
  tiers.Settle();
  for (const auto& module : all) EXPECT_TRUE(module.expired());
}

// Checking a plan adds to the types of a program, whose modules are being compiled.
TEST(Tiers, TypesMayBeAddedWhileTheirModuleIsCompiled) {
  const auto slow = std::make_shared<SlowJit>(MakeJit());
  slow->Open();
  for (int round = 0; round < 5; ++round) {
    const ir::ModulePtr module = Negate();
    const auto types = std::const_pointer_cast<types::TypeTable>(module->types_ptr());
    Tiers tiers(slow, {.hot_entries = 1});
    EXPECT_EQ(tiers.Find(module, {0}), nullptr);
    slow->WaitUntilBegun(round + 1);
    types::TypeId type = types::TypeTable::Int();
    for (int i = 0; i < 2000; ++i) type = types->List(type);
    tiers.Settle();
    EXPECT_EQ(tiers.compiled(), 1U);
    EXPECT_EQ(Outcome(module, 4, &tiers), "-4");
  }
}

// Compilers share nothing that is not guarded; a Jit may be shared.
TEST(Tiers, ThreadsCompileWithOneJit) {
  const std::shared_ptr<Jit> jit = MakeJit();
  const auto work = [&jit] {
    Tiers tiers(jit, {.at_once = true});
    for (int64_t i = 1; i <= 12; ++i) EXPECT_EQ(Outcome(Negate(), i, &tiers), std::to_string(-i));
    EXPECT_EQ(tiers.compiled(), 12U);
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) threads.emplace_back(work);
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace jade::jit
