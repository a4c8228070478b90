#include "runtime/call/prompt.h"

#include <fmt/format.h>

#include "compiler/abi/value_json.h"
#include "compiler/ir/survey.h"
#include "runtime/call/output.h"
#include "runtime/interp/interpreter.h"

namespace jade::call {

using abi::Trap;
using abi::Value;

namespace {

// Runs a clause of the role on its parameters followed by `more`.
interp::PureResult Clause(const CallContext& context, ir::FunctionId function, std::vector<Value> more,
                          std::string* emit = nullptr) {
  std::vector<Value> arguments = *context.arguments;
  for (Value& value : more) arguments.push_back(std::move(value));
  arguments.resize(context.module->function(function).body().param_count);
  return interp::EvaluatePure(context.module, function, std::move(arguments), *context.params, *context.builtins, emit,
                              interp::kPureFuel, context.code);
}

Trap CallTrap(const CallContext& context, std::string message) {
  Trap trap;
  trap.kind = abi::TrapKind::kCallFailed;
  trap.message = std::move(message);
  if (context.role().file != ir::kInvalidIndex) trap.file = context.module->file(context.role().file);
  trap.span = context.role().span;
  return trap;
}

class Judge {
 public:
  Judge(const CallContext& context, const std::string& reply) : context_(context), reply_(reply) {}

  Outcome Run(PlanCompiler* plans, uint64_t call, int64_t call_limit) {
    const ir::Callee& role = context_.role();
    std::vector<Value> subject;
    if (role.format.kind == ir::FormatKind::kSubset) {
      interp::PureResult list = Clause(context_, role.format.subject, {});
      if (list.trap) return Trapped(std::move(*list.trap));
      subject = list.value.as_list();
    }
    ParsedOutput parsed = ParseOutput(role.format, reply_, context_.module->types(), &subject);
    if (parsed.status == OutputStatus::kMalformed) return Malformed(std::move(parsed.reason));
    if (role.format.kind == ir::FormatKind::kPlan) return Plan(parsed.value.as_text(), plans, call, call_limit);
    if (parsed.status == OutputStatus::kInvalid) return Invalid(std::move(parsed.value), std::move(parsed.reason));
    return Checked(std::move(parsed.value));
  }

 private:
  Outcome Trapped(Trap trap) {
    outcome_.validity = trace::Validity::kNotChecked;
    outcome_.trap = std::move(trap);
    return std::move(outcome_);
  }

  Outcome Plan(const std::string& text, PlanCompiler* plans, uint64_t call, int64_t call_limit) {
    JADE_CHECK(plans != nullptr, "a planner without a plan compiler");
    CompiledPlan compiled = plans->Compile(context_.module, context_.callee, text, call);
    outcome_.diagnostics_json = std::move(compiled.diagnostics_json);
    if (compiled.plan && compiled.calls.value_or(0) > call_limit) {
      return Invalid(Value::None(),
                     fmt::format("the plan may make {} calls, and its scope allows {}", *compiled.calls, call_limit));
    }
    if (compiled.plan) {
      outcome_.plan = std::move(compiled.canonical);
      return Checked(std::move(*compiled.plan));
    }
    if (!compiled.parsed) return Malformed("the plan does not parse");
    return Invalid(Value::None(), "the planner may not write this plan");
  }

  Outcome Checked(Value value) {
    const ir::FunctionId check = context_.role().check;
    if (check.valid()) {
      interp::PureResult verdict = Clause(context_, check, {value, Value::Text(reply_)});
      if (verdict.trap) return Trapped(std::move(*verdict.trap));
      if (!verdict.value.as_bool()) return Invalid(std::move(value), "the check fails");
    }
    outcome_.value = std::move(value);
    return std::move(outcome_);
  }

  Outcome Malformed(std::string reason) {
    outcome_.validity = trace::Validity::kMalformed;
    outcome_.penalty = context_.role().penalty;
    const ir::FunctionId fallback = context_.role().malformed;
    if (!fallback.valid()) {
      outcome_.trap = CallTrap(context_, fmt::format("the reply of `{}` is malformed ({}) and the role has no "
                                                     "`malformed` clause",
                                                     context_.role().name, reason));
      outcome_.reason = std::move(reason);
      return std::move(outcome_);
    }
    outcome_.reason = std::move(reason);
    return FallBack(fallback, {Value::Text(reply_)});
  }

  Outcome Invalid(Value value, std::string reason) {
    outcome_.validity = trace::Validity::kInvalid;
    outcome_.penalty = context_.role().penalty;
    outcome_.reason = std::move(reason);
    const ir::FunctionId fallback = context_.role().invalid;
    if (fallback.valid()) return FallBack(fallback, {std::move(value), Value::Text(reply_)});
    if (context_.role().format.kind == ir::FormatKind::kPlan && value.is_none()) {
      outcome_.trap = CallTrap(context_, fmt::format("`{}` wrote a plan it may not write and has no `invalid` clause",
                                                     context_.role().name));
    }
    outcome_.value = std::move(value);
    return std::move(outcome_);
  }

  Outcome FallBack(ir::FunctionId function, std::vector<Value> more) {
    interp::PureResult result = Clause(context_, function, std::move(more));
    outcome_.trap = std::move(result.trap);
    outcome_.value = std::move(result.value);
    // `result` of a refused plan is nothing that could be run.
    if (context_.role().format.kind == ir::FormatKind::kPlan && !outcome_.trap &&
        outcome_.value.kind() != abi::ValueKind::kPlan) {
      outcome_.trap = CallTrap(context_, fmt::format("`{}` has no plan to fall back to", context_.role().name));
    }
    return std::move(outcome_);
  }

  const CallContext& context_;
  const std::string& reply_;
  Outcome outcome_;
};

}  // namespace

Rendered RenderMessages(const CallContext& context) {
  auto messages = std::make_shared<engine::Messages>();
  for (const ir::MessageTemplate& part : context.role().messages) {
    engine::Message message;
    message.role = part.role;
    message.static_bytes = ir::FindStaticPrefix(*context.module, context.module->function(part.body)).bytes;
    interp::PureResult result = Clause(context, part.body, {}, &message.text);
    if (result.trap) return {nullptr, std::move(result.trap)};
    messages->push_back(std::move(message));
  }
  return {std::move(messages), std::nullopt};
}

Result<size_t> SubjectSize(const CallContext& context) {
  interp::PureResult list = Clause(context, context.role().format.subject, {});
  if (list.trap) return Error(ErrorCode::kInvalidArgument, std::move(list.trap->message));
  return list.value.as_list().size();
}

std::string ToolArguments(const CallContext& context) {
  const std::vector<types::Parameter>& parameters = context.role().signature.parameters;
  std::string json = "{";
  for (size_t i = 0; i < parameters.size(); ++i) {
    if (i > 0) json += ',';
    json += abi::JsonQuote(parameters[i].name) + ':' +
            abi::ToJson((*context.arguments)[i], parameters[i].type, context.module->types());
  }
  return json + '}';
}

Outcome Interpret(const CallContext& context, const std::string& reply, PlanCompiler* plans, uint64_t call,
                  int64_t call_limit) {
  return Judge(context, reply).Run(plans, call, call_limit);
}

}  // namespace jade::call
