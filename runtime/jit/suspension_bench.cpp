// usage: jade_suspension_bench [--json]
// Compares two ways for compiled code to suspend at an await: the state machines of compiler/codegen and LLVM's
// coroutines, for chains of awaits of several lengths. docs/suspension.md says what was found.
#include <fmt/format.h>
#include <llvm/ExecutionEngine/Orc/LLJIT.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <vector>

#include "compiler/abi/native.h"
#include "compiler/codegen/function_layout.h"
#include "runtime/jit/suspension_code.h"

namespace jade::jit {
namespace {

using abi::NativeFrame;
using abi::Progress;
using abi::Value;

constexpr std::array<uint32_t, 4> kAwaits = {1, 4, 10, 40};
constexpr size_t kFrames = 64;  // in turn, as a scheduler resumes them
constexpr int kBuilds = 41;
constexpr int kBatches = 4001;

// ---- what the code calls ----

struct Activation {
  std::array<int64_t, kAwaits.back()> futures{};
  int64_t fuel = 0;
  int64_t result = 0;
  uint32_t waits = 0;
  bool answered = false;
  bool ended = false;
};

size_t allocated_bytes = 0;  // by the latest allocation
int64_t allocations = 0;     // that are not freed

Activation& Of(NativeFrame* frame) {
  return *static_cast<Activation*>(frame->task);
}

int64_t Answer(int64_t step, int64_t sum, bool text) {
  return step + (sum & 7) + (text ? 1 : 0);
}

uint32_t Issue(NativeFrame* frame, uint32_t /*op*/, const Value* args, uint32_t /*n*/, uint32_t future) {
  const bool text = args[0].kind() == abi::ValueKind::kText;
  Of(frame).futures[future] = Answer(args[1].as_int(), args[2].as_int(), text);
  return static_cast<uint32_t>(Progress::kDone);
}

// Says at first that the answer is not there.
uint32_t Take(NativeFrame* frame, uint32_t /*op*/, uint32_t future, Value* out) {
  Activation& activation = Of(frame);
  activation.answered = !activation.answered;
  if (activation.answered) {
    ++activation.waits;
    return static_cast<uint32_t>(Progress::kWait);
  }
  *out = Value::Int(activation.futures[future]);
  return static_cast<uint32_t>(Progress::kDone);
}

void Return(NativeFrame* frame, const Value* value) {
  Of(frame).result = value->as_int();
  Of(frame).ended = true;
}

void Trap(NativeFrame* /*frame*/) {
  std::fputs("the chain has trapped\n", stderr);
  std::abort();
}

void* Allocate(uint64_t bytes) {
  allocated_bytes = bytes;
  ++allocations;
  return std::malloc(bytes);
}

void Free(void* memory) {
  --allocations;
  std::free(memory);
}

// ---- the two kinds ----

struct Link {
  explicit Link(const std::string& object) : jit(Unwrap(llvm::orc::LLJITBuilder().create())) {
    llvm::orc::SymbolMap symbols;
    const std::pair<const char*, void*> host[] = {
        {abi::InfoOf(abi::HostFunction::kIssue).symbol, reinterpret_cast<void*>(&Issue)},
        {abi::InfoOf(abi::HostFunction::kTake).symbol, reinterpret_cast<void*>(&Take)},
        {abi::InfoOf(abi::HostFunction::kReturn).symbol, reinterpret_cast<void*>(&Return)},
        {abi::InfoOf(abi::HostFunction::kTrapFuel).symbol, reinterpret_cast<void*>(&Trap)},
        {abi::InfoOf(abi::HostFunction::kTrapScalar).symbol, reinterpret_cast<void*>(&Trap)},
        {kAllocateSymbol, reinterpret_cast<void*>(&Allocate)},
        {kFreeSymbol, reinterpret_cast<void*>(&Free)}};
    for (const auto& [name, address] : host) {
      symbols[jit->mangleAndIntern(name)] = {llvm::orc::ExecutorAddr::fromPtr(address), llvm::JITSymbolFlags::Exported};
    }
    llvm::cantFail(jit->getMainJITDylib().define(llvm::orc::absoluteSymbols(std::move(symbols))));
    llvm::cantFail(jit->addObjectFile(llvm::MemoryBuffer::getMemBufferCopy(object, "chain")));
  }
  static std::unique_ptr<llvm::orc::LLJIT> Unwrap(llvm::Expected<std::unique_ptr<llvm::orc::LLJIT>> made) {
    return llvm::cantFail(std::move(made));
  }
  template <typename Function>
  Function Find(const char* symbol) {
    return llvm::cantFail(jit->lookup(symbol)).toPtr<Function>();
  }
  std::unique_ptr<llvm::orc::LLJIT> jit;
};

// Frames are made by the runtime, which knows their size.
class StateMachine {
 public:
  const char* name() const { return "state machine"; }
  StateMachine(const std::string& object, size_t bytes)
      : link_(object), entry_(link_.Find<abi::NativeEntry>(kChainSymbol)), bytes_(bytes) {}

  void* Start(const NativeFrame* head) const {
    ++allocations;
    void* memory = std::calloc(1, bytes_);  // as the runtime does
    std::memcpy(memory, static_cast<const void*>(head), NativeFrame::kHeadBytes + sizeof(Value));
    entry_(static_cast<NativeFrame*>(memory));
    return memory;
  }
  void Resume(void* frame) const { entry_(static_cast<NativeFrame*>(frame)); }
  void Finish(void* frame) const { Free(frame); }
  void Destroy(void* frame) const { Free(frame); }

 private:
  Link link_;
  abi::NativeEntry entry_;
  size_t bytes_;
};

class Coroutine {
 public:
  Coroutine(const std::string& object, CoroutineStart start)
      : link_(object),
        start_(link_.Find<void* (*)(const NativeFrame*)>(kCoroutineSymbol)),
        lazy_(start == CoroutineStart::kLazy) {}

  const char* name() const { return lazy_ ? "lazy coroutine" : "coroutine"; }
  void* Start(const NativeFrame* head) const {
    void* handle = start_(head);
    if (lazy_) Resume(handle);
    return handle;
  }
  void Resume(void* handle) const { static_cast<Handle*>(handle)->resume(handle); }
  void Finish(void* /*handle*/) const {}  // it frees itself
  void Destroy(void* handle) const { static_cast<Handle*>(handle)->destroy(handle); }

 private:
  struct Handle {
    void (*resume)(void*);
    void (*destroy)(void*);
  };
  Link link_;
  void* (*start_)(const NativeFrame*);
  bool lazy_;
};

// ---- running ----

struct alignas(16) Head {
  Head(Activation& activation, const Value& record) {
    frame->task = &activation;
    frame->fuel = &activation.fuel;
    frame->constants = &none;
    // The slot is a view of the record, which the bench owns.
    std::memcpy(bytes.data() + NativeFrame::kHeadBytes, static_cast<const void*>(&record), sizeof(Value));
    activation.fuel = 1 << 20;
  }
  Value none;
  alignas(16) std::array<std::byte, NativeFrame::kHeadBytes + sizeof(Value)> bytes{};
  NativeFrame* frame = new (bytes.data()) NativeFrame;
};

int64_t Expected(uint32_t awaits) {
  int64_t sum = 3, total = 3;
  for (uint32_t i = 0; i < awaits; ++i) {
    sum += Answer(3, sum, true);
    total += sum;
  }
  return sum + total;
}

struct Times {
  std::vector<double> start_ns;    // the frame made, and to the first wait
  std::vector<double> resume_ns;   // each; the last of a frame ends and frees it
  std::vector<double> destroy_ns;  // of a frame that waits
};

double Nanos(std::chrono::steady_clock::time_point begin, size_t count) {
  const std::chrono::duration<double, std::nano> time = std::chrono::steady_clock::now() - begin;
  return time.count() / static_cast<double>(count);
}

// Chains that are about to start.
struct Batch {
  explicit Batch(const Value& record) : activations(kFrames) {
    heads.reserve(kFrames);
    for (Activation& activation : activations) heads.emplace_back(activation, record);
  }
  std::vector<Activation> activations;
  std::vector<Head> heads;
  std::array<void*, kFrames> frames{};
};

template <typename Kind>
void RunBatch(const Kind& kind, const Value& record, uint32_t awaits, Times& times) {
  Batch batch(record);
  std::array<void*, kFrames>& frames = batch.frames;
  auto begin = std::chrono::steady_clock::now();
  for (size_t i = 0; i < kFrames; ++i) frames[i] = kind.Start(batch.heads[i].frame);
  times.start_ns.push_back(Nanos(begin, kFrames));
  begin = std::chrono::steady_clock::now();
  for (uint32_t round = 0; round < awaits; ++round) {
    for (void* frame : frames) kind.Resume(frame);
  }
  for (void* frame : frames) kind.Finish(frame);
  times.resume_ns.push_back(Nanos(begin, kFrames * awaits));
  for (const Activation& activation : batch.activations) {
    JADE_CHECK(activation.ended && activation.result == Expected(awaits) && activation.waits == awaits,
               "{} of {} awaits: {} waits, result {}", kind.name(), awaits, activation.waits, activation.result);
  }
  JADE_CHECK(allocations == 0, "{}: {} frames are left", kind.name(), allocations);
}

// Frames that wait at each of the places in turn are given up.
template <typename Kind>
void DestroyBatch(const Kind& kind, const Value& record, uint32_t awaits, Times& times) {
  Batch batch(record);
  std::array<void*, kFrames>& frames = batch.frames;
  for (size_t i = 0; i < kFrames; ++i) {
    frames[i] = kind.Start(batch.heads[i].frame);
    for (size_t round = 0; round < i % awaits; ++round) kind.Resume(frames[i]);
    JADE_CHECK(batch.activations[i].waits == i % awaits + 1 && !batch.activations[i].ended, "the frame does not wait");
  }
  const auto begin = std::chrono::steady_clock::now();
  for (void* frame : frames) kind.Destroy(frame);
  times.destroy_ns.push_back(Nanos(begin, kFrames));
  JADE_CHECK(allocations == 0, "{}: {} frames are left", kind.name(), allocations);
}

double Median(std::vector<double>& samples) {
  const auto middle = samples.begin() + static_cast<std::ptrdiff_t>(samples.size() / 2);
  std::nth_element(samples.begin(), middle, samples.end());
  return *middle;
}

struct Builds {
  std::vector<double> generate, optimise, emit, total;
  std::string object;

  void Add(ChainObject made) {
    generate.push_back(made.generate_ms);
    optimise.push_back(made.optimise_ms);
    emit.push_back(made.emit_ms);
    total.push_back(made.total_ms());
    object = std::move(made.bytes);
  }
};

void Print(bool json, const char* kind, uint32_t awaits, Builds& builds, size_t frame_bytes, Times& times) {
  const char* format = json
                           ? R"({{"awaits":{},"kind":"{}","build_ms":{:.3f},"generate_ms":{:.3f},"optimise_ms":{:.3f},)"
                             R"("emit_ms":{:.3f},"object_bytes":{},"frame_bytes":{},"start_ns":{:.1f},)"
                             R"("resume_ns":{:.2f},"destroy_ns":{:.1f}}})"
                             "\n"
                           : "| {} | {} | {:.2f} | {:.2f} | {:.2f} | {:.2f} | {} | {} | {:.0f} | {:.1f} | {:.0f} |\n";
  fmt::print(fmt::runtime(format), awaits, kind, Median(builds.total), Median(builds.generate), Median(builds.optimise),
             Median(builds.emit), builds.object.size(), frame_bytes, Median(times.start_ns), Median(times.resume_ns),
             Median(times.destroy_ns));
}

template <typename Kind>
void RunAll(const Kind& kind, const Value& record, uint32_t awaits, bool destroy, Times& times) {
  RunBatch(kind, record, awaits, times);
  if (destroy) DestroyBatch(kind, record, awaits, times);
}

// The kinds take turns, so that what else the machine does is shared.
void Compare(llvm::TargetMachine& target, uint32_t awaits, bool json) {
  const std::shared_ptr<ir::Module> module = ChainModule(awaits);
  const codegen::FunctionLayout layout(*module, module->function({module->first_function()}));
  const codegen::FrameLayout& unit = layout.units.front();
  Builds of_machine, of_eager, of_lazy;
  for (int i = 0; i < kBuilds; ++i) {
    of_machine.Add(MakeStateMachine(*module, target));
    of_eager.Add(MakeCoroutine(awaits, CoroutineStart::kEager, target));
    of_lazy.Add(MakeCoroutine(awaits, CoroutineStart::kLazy, target));
  }
  const size_t machine_bytes = NativeFrame::kHeadBytes + unit.slots() * sizeof(Value) + unit.words() * 8;
  const StateMachine machine(of_machine.object, machine_bytes);
  const Coroutine eager(of_eager.object, CoroutineStart::kEager);
  const Coroutine lazy(of_lazy.object, CoroutineStart::kLazy);
  const Value record = Value::Record({Value::Int(3), Value::Text("what is asked about")});
  Times machine_times, eager_times, lazy_times;
  size_t eager_bytes = 0;
  for (int i = 0; i < kBatches; ++i) {
    RunAll(machine, record, awaits, i % 8 == 0, machine_times);
    RunAll(eager, record, awaits, i % 8 == 0, eager_times);
    eager_bytes = allocated_bytes;
    RunAll(lazy, record, awaits, i % 8 == 0, lazy_times);
  }
  const size_t lazy_bytes = allocated_bytes;
  Print(json, machine.name(), awaits, of_machine, machine_bytes, machine_times);
  Print(json, eager.name(), awaits, of_eager, eager_bytes, eager_times);
  Print(json, lazy.name(), awaits, of_lazy, lazy_bytes, lazy_times);
}

int Main(bool json) {
  const std::unique_ptr<llvm::TargetMachine> target = MakeBenchTarget();
  if (!json) {
    fmt::print(
        "| awaits | kind | build ms | generate | optimise | emit | object bytes | frame bytes | start ns "
        "| resume ns | destroy ns |\n|---|---|---|---|---|---|---|---|---|---|---|\n");
  }
  for (const uint32_t awaits : kAwaits) Compare(*target, awaits, json);
  return 0;
}

}  // namespace
}  // namespace jade::jit

int main(int argc, char** argv) {
  return jade::jit::Main(argc > 1 && std::string_view(argv[1]) == "--json");
}
