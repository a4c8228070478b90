#include "compiler/passes/pipeline.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "compiler/ir/verifier.h"
#include "compiler/passes/dead.h"
#include "compiler/passes/fold.h"
#include "compiler/passes/inline.h"
#include "compiler/passes/maps.h"
#include "compiler/passes/overlap.h"
#include "compiler/passes/segments.h"
#include "compiler/result/check.h"
#include "compiler/source/suggest.h"

namespace jade::passes {
namespace {

bool MakesCalls(ir::FunctionKind kind) {
  return kind == ir::FunctionKind::kWorkflow || kind == ir::FunctionKind::kPlan || kind == ir::FunctionKind::kThunk;
}

constexpr std::array<Pass, 6> kPasses = {{
    {"inline", "small functions take the place of their calls",
     [](ir::Module& module, const ir::Function& function) { return Inline(module, function); }},
    {"maps", "loops without calls run in place",
     [](ir::Module&, const ir::Function& function) { return MarkMaps(function); }},
    {"fold", "compute what is constant, take known branches",
     [](ir::Module& module, const ir::Function& function) { return Fold(module, function); }},
    {"segments", "join the static text of prompts",
     [](ir::Module& module, const ir::Function& function) { return Segments(module, function); }},
    {"dead", "drop what nothing uses", [](ir::Module&, const ir::Function& function) { return RemoveDead(function); }},
    {"overlap", "start each call as soon as its operands are there",
     [](ir::Module&, const ir::Function& function) {
       return MakesCalls(function.kind) ? Overlap(function) : function;
     }},
}};

const Pass* Find(std::string_view name) {
  const auto found = std::find_if(kPasses.begin(), kPasses.end(), [&](const Pass& pass) { return pass.name == name; });
  return found == kPasses.end() ? nullptr : &*found;
}

PassList ListOf(std::initializer_list<std::string_view> names) {
  PassList list;
  for (std::string_view name : names) list.push_back(Find(name));
  return list;
}

}  // namespace

std::span<const Pass> AllPasses() {
  return kPasses;
}

const PassList& ProgramPasses() {
  static const PassList list = ListOf({"inline", "maps", "fold", "segments", "dead", "overlap"});
  return list;
}

const PassList& PlanPasses() {
  static const PassList list = ListOf({"maps", "overlap"});
  return list;
}

Result<PassList> ParsePasses(std::string_view text) {
  if (text == "default") return ProgramPasses();
  if (text == "none") return PassList{};
  PassList list;
  while (true) {
    const size_t comma = text.find(',');
    const std::string_view name = text.substr(0, comma);
    const Pass* pass = Find(name);
    if (pass == nullptr) {
      std::vector<std::string> names;
      for (const Pass& each : kPasses) names.emplace_back(each.name);
      std::string hint = source::DidYouMean(name, names);
      if (hint.empty()) hint = fmt::format("; there are {}, default and none", fmt::join(names, ", "));
      return Error(ErrorCode::kInvalidArgument, fmt::format("no pass `{}`{}", name, hint));
    }
    list.push_back(pass);
    if (comma == std::string_view::npos) return list;
    text.remove_prefix(comma + 1);
  }
}

void RunPasses(ir::Module& module, std::span<const Pass* const> passes, bool verify) {
  for (const Pass* pass : passes) {
    for (uint32_t i = module.first_function(); i < module.function_count(); ++i) {
      const ir::FunctionId id{i};
      ir::Function made = pass->run(module, module.function(id));
      if (verify) {
        const Status verified = ir::VerifyFunction(module, made);
        JADE_CHECK(verified.ok(), "pass `{}` broke `{}`: {}", pass->name, made.name, verified.error().ToString());
      }
      module.SetFunction(id, std::move(made));
    }
  }
}

}  // namespace jade::passes
