#include <fmt/format.h>

#include <bit>

#include "compiler/abi/value_json.h"
#include "compiler/ir/printer.h"
#include "compiler/ir/reader.h"
#include "compiler/ir/verifier.h"
#include "compiler/passes/pipeline.h"
#include "runtime/interp/interpreter.h"
#include "tests/differential/configurations.h"
#include "tests/differential/kernel.h"

namespace jade::differential {
namespace {

using abi::Value;

// Every bit of a float counts, except which NaN it is.
std::string Bits(const Value& value) {
  if (value.kind() == abi::ValueKind::kFloat) {
    const double number = value.as_float();
    return number != number ? "nan" : fmt::format("{:x}", std::bit_cast<uint64_t>(number));
  }
  if (value.kind() != abi::ValueKind::kList) return abi::DisplayText(value);
  std::string text = "[";
  for (const Value& item : value.as_list()) text += Bits(item) + " ";
  return text + "]";
}

std::string Evaluate(const Kernel& kernel, const std::vector<Value>& arguments, interp::CodeSource* code) {
  const interp::PureResult result =
      interp::EvaluatePure(kernel.module, kernel.function, arguments, {}, {}, nullptr, interp::kPureFuel, code);
  if (result.trap) return fmt::format("trap {}: {}", abi::TrapKindName(result.trap->kind), result.trap->message);
  return Bits(result.value);
}

// A copy that passes may change.
std::optional<Kernel> Reread(const Kernel& kernel) {
  auto read = ir::Read(ir::Print(*kernel.module));
  if (!read.ok()) return std::nullopt;
  return Kernel{*read, (*read)->FindFunction("Kernel"), kernel.parameters};
}

}  // namespace

std::optional<std::string> CheckKernel(uint64_t seed, CodeSources& code, bool tiers) {
  const Kernel kernel = GenerateKernel(seed);
  const auto failed = [&](const std::string& what) {
    return fmt::format("kernel of seed {}: {}\n{}", seed, what, ir::Print(*kernel.module));
  };
  if (const Status status = ir::Verify(*kernel.module); !status.ok()) return failed(status.error().ToString());
  const std::optional<Kernel> reread = Reread(kernel);
  if (!reread || ir::Print(*reread->module) != ir::Print(*kernel.module)) return failed("does not read back");
  std::vector<std::pair<std::string, Kernel>> others = {{"reread", *reread}};
  for (const passes::Pass& pass : passes::AllPasses()) {
    const Kernel changed = *Reread(kernel);
    const passes::Pass* const one = &pass;
    passes::RunPasses(*changed.module, {&one, 1}, /*verify=*/true);
    others.emplace_back(pass.name, changed);
  }
  Random random(HashOf("arguments", seed));
  constexpr int kRounds = 6;
  for (int round = 0; round < kRounds; ++round) {
    std::vector<Value> arguments;
    std::string shown;
    for (const types::TypeId type : kernel.parameters) {
      arguments.push_back(RandomArgument(type, kernel.module->types(), random));
      shown += abi::DisplayText(arguments.back()) + "; ";
    }
    const std::string expected = Evaluate(kernel, arguments, nullptr);
    const auto differs = [&](std::string_view name, const std::string& got) {
      return failed(fmt::format("of {} gives {}, {} gives {}", shown, expected, name, got));
    };
    for (const auto& [name, other] : others) {
      if (const std::string got = Evaluate(other, arguments, nullptr); got != expected) return differs(name, got);
    }
    const Kernel constant = GenerateKernel(seed, &arguments);
    if (const std::string got = Evaluate(constant, {}, nullptr); got != expected) return differs("of constants", got);
    passes::RunPasses(*constant.module, passes::ProgramPasses(), /*verify=*/true);
    if (const std::string got = Evaluate(constant, {}, nullptr); got != expected) return differs("folded", got);
    if (!tiers) continue;
    for (const Tier tier : {Tier::kPlainCode, Tier::kOptimisedCode}) {
      const std::string got = Evaluate(kernel, arguments, code.Of(tier));
      if (got != expected) return differs(tier == Tier::kPlainCode ? "plain code" : "optimised code", got);
    }
  }
  return std::nullopt;
}

}  // namespace jade::differential
