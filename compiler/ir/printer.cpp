#include "compiler/ir/printer.h"

#include <fmt/format.h>

#include <bit>
#include <cmath>
#include <iterator>
#include <unordered_map>

#include "compiler/abi/trap.h"
#include "compiler/ir/builtin.h"

namespace jade::ir {
namespace {

using types::TypeId;
using types::TypeInfo;
using types::TypeKind;

std::string Name(std::string_view name) {
  return IsPlainName(name) ? std::string(name) : Quote(name);
}

// The shortest digits that read back the same; infinities and NaN by name.
std::string FloatLiteral(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  std::string text = fmt::format("{}", value);
  if (text.find_first_of(".e") == std::string::npos) text += ".0";
  return text;
}

class FunctionPrinter {
 public:
  FunctionPrinter(const Module& module, const TypeNames& type_names, const Function& function,
                  const PrintOptions& options)
      : module_(module), type_names_(type_names), function_(function), options_(options) {}

  std::string Run() {
    numbers_.assign(function_.values.size(), kInvalidIndex);
    Out("{} {}(", FunctionKindName(function_.kind), Name(function_.name));
    const Region& body = function_.body();
    for (uint32_t i = 0; i < body.param_count; ++i) {
      if (i > 0) out_ += ", ";
      Define({body.first_param + i});
      out_ += " ";
      out_ += Name(function_.parameter_names[i]);
    }
    Out(") -> {}", type_names_(function_.result));
    if (options_.spans && function_.file != kInvalidIndex) Out(" file {}", function_.file - module_.first_file());
    PrintSpan(function_.span);
    out_ += " {\n";
    PrintOps(body, 1);
    out_ += "}\n";
    return std::move(out_);
  }

 private:
  template <typename... Args>
  void Out(fmt::format_string<Args...> format, Args&&... args) {
    fmt::format_to(std::back_inserter(out_), format, std::forward<Args>(args)...);
  }

  // "%4: future Query", giving the value the next number.
  void Define(ValueId value) {
    numbers_[value.index] = next_number_++;
    const ValueInfo& info = function_.values[value.index];
    Out("%{}: {}{}", numbers_[value.index], info.future ? "future " : "", type_names_(info.type));
  }

  void PrintSpan(source::Span span) {
    if (options_.spans && span.end != 0) Out(" ~{}..{}", span.begin, span.end);
  }

  // Regions nest at most as deep as the source, which is bounded; the verifier bounds it for JIR from elsewhere.
  void PrintOps(const Region& region, int depth) {
    for (const Op& op : function_.OpsOf(region)) {
      out_.append(static_cast<size_t>(depth) * 2, ' ');
      PrintHead(op);
      for (uint32_t r = 0; r < op.region_count; ++r) PrintRegion(op, r, depth);
      out_ += "\n";
    }
  }

  void PrintRegion(const Op& op, uint32_t index, int depth) {
    const Region& region = function_.RegionOf(op, index);
    out_ += " {";
    if (region.param_count > 0) {
      out_ += " (";
      for (uint32_t i = 0; i < region.param_count; ++i) {
        if (i > 0) out_ += ", ";
        Define({region.first_param + i});
      }
      out_ += ")";
    }
    out_ += "\n";
    PrintOps(region, depth + 1);
    out_.append(static_cast<size_t>(depth) * 2, ' ');
    out_ += "}";
  }

  void PrintHead(const Op& op) {
    // Operands are numbered already, so the result may take its number first: it is not visible in the op's regions.
    if (op.result.valid()) {
      Define(op.result);
      out_ += " = ";
    }
    out_ += OpcodeName(op.code);
    PrintPayload(op);
    if (op.operand_count > 0 || HasParentheses(op.code)) {
      out_ += "(";
      const char* separator = "";
      for (ValueId value : function_.OperandsOf(op)) {
        Out("{}%{}", separator, numbers_[value.index]);
        separator = ", ";
      }
      out_ += ")";
    }
    if (op.site.valid()) PrintSite(function_.sites[op.site.index]);
    if (op.order != next_order_) Out(" !{}", op.order);
    next_order_ = op.order + 1;
    PrintSpan(op.span);
  }

  static bool HasParentheses(Opcode code) {
    return code == Opcode::kIssue || code == Opcode::kCall || code == Opcode::kList || code == Opcode::kRecord ||
           code == Opcode::kMakePlan;
  }

  void PrintSite(const Site& site) {
    Out(" @{}", Name(module_.text(site.callee)));
    if (site.label.valid()) {
      Out(":{}", Name(module_.text(site.label)));
    } else if (site.ordinal != 0) {
      Out("#{}", site.ordinal);
    }
  }

  void PrintPayload(const Op& op) {
    TypeId result = op.result.valid() ? function_.values[op.result.index].type : TypeId{};
    switch (op.code) {
      case Opcode::kConstBool:
        return Out(" {}", op.imm != 0);
      case Opcode::kConstInt:
        return Out(" {}", op.imm);
      case Opcode::kConstFloat:
        return Out(" {}", FloatLiteral(std::bit_cast<double>(op.imm)));
      case Opcode::kConstText:
      case Opcode::kEmitText:
      case Opcode::kExpect:
        return Out(" {}", Quote(module_.text({static_cast<uint32_t>(op.imm)})));
      case Opcode::kParam:
        return Out(" {}", Name(module_.params()[static_cast<size_t>(op.imm)].name));
      case Opcode::kField: {
        TypeId record = function_.values[function_.OperandsOf(op)[0].index].type;
        return Out(" {}", Name(module_.types()[record].fields[static_cast<size_t>(op.imm)].name));
      }
      case Opcode::kEnum:
        return Out(" {}", Name(module_.types()[result].cases[static_cast<size_t>(op.imm)].name));
      case Opcode::kBuiltin:
        return Out(" {}", BuiltinName(static_cast<Builtin>(op.imm)));
      case Opcode::kIssue:
      case Opcode::kReply:
      case Opcode::kPenalty:
      case Opcode::kCalls:
        return Out(" {}", Name(module_.callee({static_cast<uint32_t>(op.imm)}).name));
      case Opcode::kCall:
      case Opcode::kEnter:
      case Opcode::kMakePlan:
        return Out(" {}", Name(module_.function({static_cast<uint32_t>(op.imm)}).name));
      case Opcode::kSwitch:
      case Opcode::kEmitSwitch:
        return Out(" [{}]", fmt::join(function_.AuxOf(op), " "));
      case Opcode::kWithin:
        return PrintLimits(op.imm);
      case Opcode::kTrap:
        return Out(" {} {}", abi::TrapKindName(static_cast<abi::TrapKind>(op.imm)),
                   Quote(module_.text({function_.AuxOf(op)[0]})));
      default:
        return;
    }
  }

  void PrintLimits(int64_t bits) {
    if ((bits & kBudgetDepth) != 0) out_ += " depth";
    if ((bits & kBudgetCalls) != 0) out_ += " calls";
    if ((bits & kBudgetTokens) != 0) out_ += " tokens";
    if ((bits & kBudgetSeconds) != 0) out_ += " seconds";
  }

  const Module& module_;
  const TypeNames& type_names_;
  const Function& function_;
  const PrintOptions& options_;
  std::string out_;
  std::vector<uint32_t> numbers_;
  uint32_t next_number_ = 0;
  uint32_t next_order_ = 0;
};

class ModulePrinter {
 public:
  ModulePrinter(const Module& module, const PrintOptions& options)
      : module_(module), names_(module.types()), options_(options) {}

  std::string Run() {
    Out("jir 1\n");
    if (options_.types && module_.base() == nullptr) PrintTypes();
    if (options_.spans) {
      for (uint32_t i = module_.first_file(); i < module_.file_count(); ++i) {
        Out("file {}\n", Quote(module_.file(i)->name()));
      }
    }
    if (module_.base() == nullptr) {
      for (const ParamDecl& param : module_.params()) {
        Out("param {}: {}", Name(param.name), names_(param.type));
        if (param.default_value.valid()) Out(" = {}", FunctionName(param.default_value));
        out_ += "\n";
      }
    }
    if (module_.main().valid()) Out("main {}\n", FunctionName(module_.main()));
    for (uint32_t i = module_.first_callee(); i < module_.callee_count(); ++i) PrintCallee(module_.callee({i}));
    for (uint32_t i = module_.first_function(); i < module_.function_count(); ++i) {
      out_ += "\n";
      out_ += FunctionPrinter(module_, names_, module_.function({i}), options_).Run();
    }
    return std::move(out_);
  }

 private:
  template <typename... Args>
  void Out(fmt::format_string<Args...> format, Args&&... args) {
    fmt::format_to(std::back_inserter(out_), format, std::forward<Args>(args)...);
  }

  std::string FunctionName(FunctionId id) { return Name(module_.function(id).name); }

  void PrintTypes() {
    const types::TypeTable& types = module_.types();
    for (uint32_t i = 0; i < types.size(); ++i) {
      const TypeInfo& info = types[{i}];
      std::string origin = info.module.empty() ? "" : " in " + Name(info.module);
      if (info.kind == TypeKind::kNominal) {
        Out("type {}{} = new {}\n", names_({i}), origin, names_(info.element));
      } else if (info.kind == TypeKind::kRecord) {
        Out("record {}{} {{", names_({i}), origin);
        PrintFields(info.fields);
        Out("}}\n");
      } else if (info.kind == TypeKind::kEnum) {
        Out("enum {}{} {{", names_({i}), origin);
        const char* separator = "";
        for (const types::EnumCase& enum_case : info.cases) {
          Out("{}{}", separator, Name(enum_case.name));
          if (!enum_case.payload.empty()) {
            out_ += "(";
            PrintFields(enum_case.payload);
            out_ += ")";
          }
          separator = ", ";
        }
        Out("}}\n");
      }
    }
  }

  void PrintFields(const std::vector<types::Field>& fields) {
    const char* separator = "";
    for (const types::Field& field : fields) {
      Out("{}{}: {}", separator, Name(field.name), names_(field.type));
      separator = ", ";
    }
  }

  void PrintCallee(const Callee& callee) {
    Out("\n{} {}(", CalleeKindName(callee.kind), Name(callee.name));
    const char* separator = "";
    for (const types::Parameter& parameter : callee.signature.parameters) {
      Out("{}{}: {}{}{}", separator, Name(parameter.name), names_(parameter.type), parameter.from_input ? " input" : "",
          parameter.has_default ? " default" : "");
      separator = ", ";
    }
    Out(") -> {}", names_(callee.signature.result));
    if (options_.spans && callee.file != kInvalidIndex) Out(" file {}", callee.file - module_.first_file());
    if (options_.spans && callee.span.end != 0) Out(" ~{}..{}", callee.span.begin, callee.span.end);
    out_ += " {\n";
    for (const MessageTemplate& message : callee.messages) {
      Out("  {} {}\n", types::MessageRoleName(message.role), FunctionName(message.body));
    }
    if (callee.kind != CalleeKind::kTool) PrintFormat(callee.format);
    if (callee.check.valid()) Out("  check {}\n", FunctionName(callee.check));
    if (callee.malformed.valid()) Out("  malformed {}\n", FunctionName(callee.malformed));
    if (callee.invalid.valid()) Out("  invalid {}\n", FunctionName(callee.invalid));
    if (callee.penalty != 0) Out("  penalty {}\n", FloatLiteral(callee.penalty));
    if (callee.overrun != 0) Out("  overrun {}\n", FloatLiteral(callee.overrun));
    PrintSampling(callee.sampling);
    if (!callee.stages.empty()) Out("  stages {}\n", Quote(callee.stages));
    for (const std::string& name : callee.uses) Out("  uses {}\n", Name(name));
    if (callee.retries != 0) Out("  retry {}\n", callee.retries);
    if (callee.timeout_us != 0) Out("  timeout_us {}\n", callee.timeout_us);
    out_ += "}\n";
  }

  void PrintFormat(const OutputFormat& format) {
    Out("  format {}", FormatKindName(format.kind));
    switch (format.kind) {
      case FormatKind::kText:
        Out(" {}\n", names_(format.type));
        break;
      case FormatKind::kTag:
        Out(" {} {}\n", Name(format.tag), names_(format.type));
        break;
      case FormatKind::kNumbered:
        Out(" {} {} max {}\n", Name(format.tag), names_(format.type), format.max);
        break;
      case FormatKind::kSubset:
        Out(" {} {}\n", Name(format.tag), FunctionName(format.subject));
        break;
      case FormatKind::kAlternatives:
        out_ += "\n";
        for (const Alternative& alternative : format.alternatives) {
          Out("  alternative {} {} {}\n", Name(alternative.tag), alternative.case_index, names_(alternative.type));
        }
        break;
      case FormatKind::kPlan:
        Out(" {}\n", Name(format.tag));
        break;
    }
  }

  void PrintSampling(const SamplingSpec& sampling) {
    if (sampling.temperature) Out("  temperature {}\n", FloatLiteral(*sampling.temperature));
    if (sampling.top_p) Out("  top_p {}\n", FloatLiteral(*sampling.top_p));
    if (sampling.top_k) Out("  top_k {}\n", *sampling.top_k);
    if (sampling.max_tokens) Out("  max_tokens {}\n", *sampling.max_tokens);
    for (const std::string& stop : sampling.stop) Out("  stop {}\n", Quote(stop));
  }

  const Module& module_;
  TypeNames names_;
  const PrintOptions& options_;
  std::string out_;
};

}  // namespace

TypeNames::TypeNames(const types::TypeTable& types) : types_(types), declared_(types.size()) {
  std::unordered_map<std::string, int> seen;
  for (uint32_t i = 0; i < types.size(); ++i) {
    const TypeInfo& info = types[{i}];
    if (info.kind != TypeKind::kNominal && info.kind != TypeKind::kRecord && info.kind != TypeKind::kEnum) continue;
    int count = ++seen[info.name];
    declared_[i] = count == 1 ? info.name : fmt::format("{}~{}", info.name, count);
  }
}

std::string TypeNames::operator()(TypeId type) const {
  const TypeInfo& info = types_[type];
  switch (info.kind) {
    case TypeKind::kList:
      return "[" + (*this)(info.element) + "]";
    case TypeKind::kOptional:
      return (*this)(info.element) + "?";
    case TypeKind::kPlan:
      return "Plan<" + (*this)(info.element) + ", " + (*this)(info.result) + ">";
    case TypeKind::kNominal:
    case TypeKind::kRecord:
    case TypeKind::kEnum:
      return declared_[type.index];
    case TypeKind::kError:
      return "Error";
    case TypeKind::kNever:
      return "Never";
    case TypeKind::kText:
      return "Text";
    case TypeKind::kInt:
      return "Int";
    case TypeKind::kFloat:
      return "Float";
    case TypeKind::kBool:
      return "Bool";
  }
  return "?";
}

std::string Quote(std::string_view text) {
  std::string out = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) {
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    } else {
      out += c;
    }
  }
  return out + "\"";
}

bool IsPlainName(std::string_view name) {
  if (name.empty()) return false;
  auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  if (!is_letter(name[0])) return false;
  for (char c : name) {
    if (!is_letter(c) && !(c >= '0' && c <= '9') && c != '.' && c != '/') return false;
  }
  return true;
}

std::string Print(const Module& module, const PrintOptions& options) {
  return ModulePrinter(module, options).Run();
}

std::string PrintFunction(const Module& module, const Function& function, const PrintOptions& options) {
  TypeNames names(module.types());
  return FunctionPrinter(module, names, function, options).Run();
}

}  // namespace jade::ir
