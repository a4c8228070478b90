#include "runtime/jit/jit.h"

#include <fmt/format.h>
#include <llvm/ExecutionEngine/Orc/Core.h>
#include <llvm/ExecutionEngine/Orc/DebugObjectManagerPlugin.h>
#include <llvm/ExecutionEngine/Orc/Debugging/DebugInfoSupport.h>
#include <llvm/ExecutionEngine/Orc/Debugging/PerfSupportPlugin.h>
#include <llvm/ExecutionEngine/Orc/EPCDebugObjectRegistrar.h>
#include <llvm/ExecutionEngine/Orc/ExecutorProcessControl.h>
#include <llvm/ExecutionEngine/Orc/MapperJITLinkMemoryManager.h>
#include <llvm/ExecutionEngine/Orc/ObjectLinkingLayer.h>
#include <llvm/ExecutionEngine/Orc/TargetProcess/JITLoaderPerf.h>

#include <atomic>
#include <utility>

#include "compiler/abi/native.h"
#include "compiler/codegen/function_layout.h"
#include "runtime/jit/object_cache.h"
#include "runtime/jit/perf_dump.h"

namespace jade::jit {

namespace orc = llvm::orc;

namespace {

Error FromLlvm(llvm::Error error, const char* doing) {
  return Error(ErrorCode::kUnavailable, fmt::format("{}: {}", doing, llvm::toString(std::move(error))));
}

// The session, its linker and the host functions. Shared by the Jit and all code that is still in use.
class Linker {
 public:
  static Result<std::shared_ptr<Linker>> Create(const JitOptions& options) {
    auto control = orc::SelfExecutorProcessControl::Create(nullptr, std::make_unique<orc::InPlaceTaskDispatcher>());
    if (!control) return FromLlvm(control.takeError(), "starting the just-in-time linker");
    auto linker = std::make_shared<Linker>(std::move(*control));
    // What goes wrong while linking is in the error of the look-up; LLVM would write it to standard error besides.
    linker->session_.setErrorReporter([](llvm::Error error) { llvm::consumeError(std::move(error)); });
    if (llvm::Error error = linker->DefineHost()) return FromLlvm(std::move(error), "defining the host functions");
    if (options.debugger) {
      auto registrar = orc::createJITLoaderGDBRegistrar(linker->session_);
      if (!registrar) return FromLlvm(registrar.takeError(), "connecting to debuggers");
      linker->layer_.addPlugin(
          std::make_unique<orc::DebugObjectManagerPlugin>(linker->session_, std::move(*registrar)));
    }
    if (options.profiler) {
      auto perf = orc::PerfSupportPlugin::Create(linker->session_.getExecutorProcessControl(), linker->host_,
                                                 /*EmitDebugInfo=*/true, /*EmitUnwindInfo=*/true);
      if (!perf) return FromLlvm(perf.takeError(), "connecting to profilers");
      auto lines = orc::DebugInfoPreservationPlugin::Create();
      if (!lines) return FromLlvm(lines.takeError(), "keeping the lines of compiled code");
      linker->layer_.addPlugin(std::move(*lines));
      linker->layer_.addPlugin(std::move(*perf));
      linker->dump_.Find();
    }
    return linker;
  }

  explicit Linker(std::unique_ptr<orc::ExecutorProcessControl> control)
      : session_(std::move(control)), layer_(session_), host_(session_.createBareJITDylib("<host>")) {}
  ~Linker() {
    if (llvm::Error error = session_.endSession()) session_.reportError(std::move(error));
  }
  Linker(const Linker&) = delete;
  Linker& operator=(const Linker&) = delete;

  llvm::Expected<orc::JITDylibSP> Link(const std::string& object) {
    const uint64_t number = next_.fetch_add(1, std::memory_order_relaxed);
    orc::JITDylibSP code = &session_.createBareJITDylib(fmt::format("module{}", number));
    code->addToLinkOrder(host_);
    auto buffer = llvm::MemoryBuffer::getMemBufferCopy(object, "jade");
    if (llvm::Error error = layer_.add(*code, std::move(buffer))) {
      Unlink(code);
      return error;
    }
    return code;
  }

  llvm::Expected<orc::SymbolMap> Lookup(orc::JITDylib& code, const std::vector<std::string>& names) {
    orc::SymbolLookupSet wanted;
    for (const std::string& name : names) wanted.add(session_.intern(name));
    return session_.lookup(orc::makeJITDylibSearchOrder({&code}), std::move(wanted));
  }
  orc::SymbolStringPtr Name(const std::string& name) { return session_.intern(name); }

  void Unlink(orc::JITDylibSP& code) {
    if (llvm::Error error = session_.removeJITDylib(*code)) session_.reportError(std::move(error));
    code = nullptr;
    // Walks over the names of all code that is alive.
    constexpr uint64_t kEvery = 64;
    if (unlinked_.fetch_add(1, std::memory_order_relaxed) % kEvery == 0) {
      session_.getSymbolStringPool()->clearDeadEntries();
    }
  }

 private:
  llvm::Error DefineHost() {
    orc::SymbolMap symbols;
    for (int i = 0; i < abi::kHostFunctionCount; ++i) {
      const char* name = abi::InfoOf(static_cast<abi::HostFunction>(i)).symbol;
      const auto address = orc::ExecutorAddr::fromPtr(interp::HostAddresses()[static_cast<size_t>(i)]);
      symbols[session_.intern(name)] = {address, llvm::JITSymbolFlags::Exported | llvm::JITSymbolFlags::Callable};
    }
    const std::pair<const char*, void*> of_profilers[] = {
        {"llvm_orc_registerJITLoaderPerfStart", reinterpret_cast<void*>(&llvm_orc_registerJITLoaderPerfStart)},
        {"llvm_orc_registerJITLoaderPerfImpl", reinterpret_cast<void*>(&llvm_orc_registerJITLoaderPerfImpl)},
        {"llvm_orc_registerJITLoaderPerfEnd", reinterpret_cast<void*>(&llvm_orc_registerJITLoaderPerfEnd)}};
    for (const auto& [name, address] : of_profilers) {
      symbols[session_.intern(name)] = {orc::ExecutorAddr::fromPtr(address), llvm::JITSymbolFlags::Exported};
    }
    return host_.define(orc::absoluteSymbols(std::move(symbols)));
  }

  PerfDump dump_;  // completed when the layer is gone
  orc::ExecutionSession session_;
  orc::ObjectLinkingLayer layer_;
  orc::JITDylib& host_;
  std::atomic<uint64_t> next_{0};
  std::atomic<uint64_t> unlinked_{0};
};

class LinkedCode final : public ModuleCode {
 public:
  LinkedCode(std::shared_ptr<Linker> linker, orc::JITDylibSP code, size_t bytes, bool from_cache)
      : linker_(std::move(linker)), code_(std::move(code)), bytes_(bytes), from_cache_(from_cache) {}
  ~LinkedCode() override { linker_->Unlink(code_); }
  LinkedCode(const LinkedCode&) = delete;
  LinkedCode& operator=(const LinkedCode&) = delete;

  interp::NativeFunctionPtr Find(uint32_t own_index) const override {
    const std::unique_ptr<interp::NativeFunction>& function = functions_[own_index];
    if (function == nullptr) return nullptr;
    return {self_.lock(), function.get()};
  }
  bool from_cache() const override { return from_cache_; }
  size_t object_bytes() const override { return bytes_; }

  // Fills in what the functions need besides their code.
  Status Load(const std::shared_ptr<LinkedCode>& self, const ir::Module& module);

 private:
  std::shared_ptr<Linker> linker_;
  orc::JITDylibSP code_;
  size_t bytes_;
  bool from_cache_;
  std::weak_ptr<LinkedCode> self_;
  std::vector<std::unique_ptr<interp::NativeFunction>> functions_;
};

interp::NativeUnit MakeUnit(const codegen::FrameLayout& layout) {
  interp::NativeUnit unit;
  unit.region = layout.region();
  unit.slots = layout.slots();
  unit.words = layout.words();
  unit.futures = layout.futures();
  for (const ir::ValueId value : layout.captured_futures()) unit.captured_futures.push_back(value.index);
  unit.future_of = layout.FuturePlaces();
  unit.catches = layout.Catches();
  return unit;
}

Status LinkedCode::Load(const std::shared_ptr<LinkedCode>& self, const ir::Module& module) {
  self_ = self;
  functions_.resize(module.function_count() - module.first_function());
  std::vector<std::string> names;
  std::vector<abi::NativeEntry*> entries;
  for (const ir::FunctionId id : codegen::CompilableFunctions(module)) {
    const ir::Function& function = module.function(id);
    const codegen::FunctionLayout layout(module, function);
    auto made = std::make_unique<interp::NativeFunction>();
    made->constants.emplace_back();
    for (const ir::TextId text : layout.constants) made->constants.push_back(abi::Value::Text(module.text(text)));
    made->raise_order = layout.raise_order;
    made->charges = layout.charges;
    for (const ir::Site& site : function.sites) {
      const std::string_view label =
          site.label.valid() ? std::string_view(module.text(site.label)) : std::string_view();
      made->steps.push_back(
          interp::PathStep::Of(interp::PathSegment(module.text(site.callee), site.ordinal, label, {})));
    }
    for (const codegen::FrameLayout& unit : layout.units) {
      made->units.push_back(MakeUnit(unit));
      names.push_back(codegen::UnitSymbol(function, unit));
    }
    for (interp::NativeUnit& unit : made->units) entries.push_back(&unit.entry);
    functions_[id.index - module.first_function()] = std::move(made);
  }
  auto found = linker_->Lookup(*code_, names);
  if (!found) return FromLlvm(found.takeError(), "linking compiled code");
  for (size_t i = 0; i < names.size(); ++i) {
    *entries[i] = (*found)[linker_->Name(names[i])].getAddress().toPtr<abi::NativeEntry>();
  }
  return {};
}

class OrcJit final : public Jit {
 public:
  OrcJit(const JitOptions& options, std::shared_ptr<Linker> linker)
      : options_(options), linker_(std::move(linker)), cache_(options.cache_directory) {}

  Result<ModuleCodePtr> Compile(const ir::Module& module) override {
    const codegen::CodegenOptions codegen{options_.optimise, options_.debugger || options_.profiler};
    // A plan's module refers to another one, and is gone with its run: it is not worth a file.
    const bool cached = cache_.enabled() && module.base() == nullptr;
    const std::string key = cached ? ObjectCache::KeyOf(module, codegen) : std::string();
    if (cached) {
      if (const std::string known = cache_.Load(key); !known.empty()) {
        Result<ModuleCodePtr> code = Link(module, known, true);
        if (code.ok()) return code;  // a file that is no object of this module, whoever wrote it, is as good as none
      }
    }
    const std::vector<ir::FunctionId> functions = codegen::CompilableFunctions(module);
    JADE_ASSIGN_OR_RETURN(const std::string object, codegen::MakeObject(module, functions, codegen));
    if (cached) cache_.Store(key, object);
    return Link(module, object, false);
  }

 private:
  Result<ModuleCodePtr> Link(const ir::Module& module, const std::string& object, bool from_cache) {
    auto linked = linker_->Link(object);
    if (!linked) return FromLlvm(linked.takeError(), "linking compiled code");
    auto code = std::make_shared<LinkedCode>(linker_, std::move(*linked), object.size(), from_cache);
    JADE_TRY(code->Load(code, module));
    return ModuleCodePtr(code);
  }

  JitOptions options_;
  std::shared_ptr<Linker> linker_;
  ObjectCache cache_;
};

}  // namespace

Result<std::shared_ptr<Jit>> Jit::Create(const JitOptions& options) {
  JADE_CHECK(abi::CheckLayout(), "values are not laid out as compiled code reads them");
  JADE_ASSIGN_OR_RETURN(std::shared_ptr<Linker> linker, Linker::Create(options));
  return std::shared_ptr<Jit>(std::make_shared<OrcJit>(options, std::move(linker)));
}

}  // namespace jade::jit
