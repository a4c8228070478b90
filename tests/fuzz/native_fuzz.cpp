// JIR text from anywhere: what a verified module's functions give in the interpreter, they give as plain machine code:
// the same value, or the same trap with message, place and path. Calls trap; steps, depth and sizes are bounded.

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cctype>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/ir/reader.h"
#include "runtime/interp/interpreter.h"
#include "runtime/jit/tiers.h"

namespace jade {
namespace {

using abi::Value;
using types::TypeId;
using types::TypeKind;
using types::TypeTable;

constexpr size_t kOperations = 400;  // of a module: machine code takes a while to make
constexpr int64_t kFuel = 20'000;

// Values of a type that depend on a number alone.
class Arguments {
 public:
  Arguments(const TypeTable& types, uint64_t seed) : types_(types), state_(seed) {}

  // None: a plan is in it, or it does not end.
  std::optional<Value> Make(TypeId type, int depth = 0) {
    static constexpr int64_t kInts[] = {0, 1, -1, 2, 7, INT64_MAX, INT64_MIN};
    static constexpr double kFloats[] = {0.0, -0.0, 1.5, -2.0, 1e308, 9.3e18};
    static const char* const kTexts[] = {"", "a", "12", "ä b", "<answer>x</answer>"};
    if (depth > 6) return std::nullopt;
    switch (types_.kind(type)) {
      case TypeKind::kText:
        return Value::Text(kTexts[Below(std::size(kTexts))]);
      case TypeKind::kInt:
        return Value::Int(kInts[Below(std::size(kInts))]);
      case TypeKind::kFloat:
        return Value::Float(kFloats[Below(std::size(kFloats))]);
      case TypeKind::kBool:
        return Value::Bool(Below(2) == 1);
      case TypeKind::kNominal:
        return Make(types_.ElementOf(type), depth + 1);
      case TypeKind::kOptional:
        return depth > 3 || Below(2) == 0 ? Value::None() : Make(types_.ElementOf(type), depth + 1);
      case TypeKind::kList:
        return List(types_.ElementOf(type), depth);
      case TypeKind::kRecord: {
        auto fields = Members(types_[type].fields, depth);
        if (!fields) return std::nullopt;
        return Value::Record(std::move(*fields));
      }
      case TypeKind::kEnum: {
        const std::vector<types::EnumCase>& cases = types_[type].cases;
        if (cases.empty()) return std::nullopt;
        const uint32_t index = Below(cases.size());
        auto payload = Members(cases[index].payload, depth);
        if (!payload) return std::nullopt;
        return Value::Enum(index, std::move(*payload));
      }
      default:
        return std::nullopt;
    }
  }

 private:
  uint32_t Below(size_t n) {
    state_ = state_ * 6364136223846793005U + 1442695040888963407U;
    return static_cast<uint32_t>((state_ >> 33U) % n);
  }
  std::optional<Value> List(TypeId element, int depth) {
    std::vector<Value> items;
    for (uint32_t count = depth > 3 ? 0 : Below(4); count > 0; --count) {
      auto item = Make(element, depth + 1);
      if (!item) return std::nullopt;
      items.push_back(std::move(*item));
    }
    return Value::List(std::move(items));
  }
  std::optional<std::vector<Value>> Members(const std::vector<types::Field>& fields, int depth) {
    std::vector<Value> values;
    for (const types::Field& field : fields) {
      auto value = Make(field.type, depth + 1);
      if (!value) return std::nullopt;
      values.push_back(std::move(*value));
    }
    return values;
  }

  const TypeTable& types_;
  uint64_t state_;
};

// Every bit of a number that is the value itself counts, except which NaN it is.
std::string Show(const Value& value) {
  if (value.kind() != abi::ValueKind::kFloat) return abi::DisplayText(value);
  const double number = value.as_float();
  return number != number ? "nan" : fmt::format("{:x}", std::bit_cast<uint64_t>(number));
}

std::string Show(const interp::PureResult& result, const std::string& emitted) {
  if (!result.trap) return fmt::format("value {} emits {}", Show(result.value), emitted);
  const abi::Trap& trap = *result.trap;
  return fmt::format("trap {}: {} at {}..{} in {}", abi::TrapKindName(trap.kind), trap.message, trap.span.begin,
                     trap.span.end, trap.call_path);
}

void Compare(const ir::ModulePtr& module, ir::FunctionId id, Arguments& make, interp::CodeSource* code) {
  const ir::Function& function = module->function(id);
  std::vector<Value> arguments;
  for (uint32_t i = 0; i < function.body().param_count; ++i) {
    auto value = make.Make(function.ParameterType(i));
    if (!value) return;
    arguments.push_back(std::move(*value));
  }
  std::vector<Value> params;
  for (const ir::ParamDecl& param : module->params()) {
    auto value = make.Make(param.type);
    if (!value) return;
    params.push_back(std::move(*value));
  }
  builtins::Settings settings;
  settings.max_value_bytes = 4096;
  const auto run = [&](int64_t fuel, interp::CodeSource* tier) {
    std::string emitted;
    const auto result = interp::EvaluatePure(module, id, arguments, params, settings, &emitted, fuel, tier);
    // How many steps are left differs between the tiers.
    if (result.trap && result.trap->kind == abi::TrapKind::kFuel) return std::string();
    return Show(result, emitted);
  };
  const std::string expected = run(kFuel, nullptr);
  if (expected.empty()) return;
  const std::string got = run(4 * kFuel, code);
  JADE_CHECK(got == expected, "`{}`: the interpreter gives {}, machine code {}", function.name, expected, got);
}

// Changes one word of a text of JIR, so that what it makes is often valid: another value, operation or number.
class Mutation {
 public:
  Mutation(std::string text, uint32_t seed) : text_(std::move(text)), state_(seed) {}

  std::string Apply() {
    const std::vector<size_t> places = Places();
    if (places.empty()) return text_;
    const size_t begin = places[Below(places.size())];
    size_t end = begin + 1;
    while (end < text_.size() && IsWord(text_[end])) ++end;
    return text_.substr(0, begin) + Instead(text_.substr(begin, end - begin)) + text_.substr(end);
  }

 private:
  static bool IsWord(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '.' || c == '_'; }
  size_t Below(size_t n) {
    state_ = state_ * 6364136223846793005U + 1442695040888963407U;
    return static_cast<size_t>(state_ >> 33U) % n;
  }
  // Where words begin; behind a `%` or `-`, with it.
  std::vector<size_t> Places() const {
    std::vector<size_t> places;
    for (size_t i = 0; i < text_.size(); ++i) {
      const bool sign = text_[i] == '%' || text_[i] == '-';
      if ((sign || IsWord(text_[i])) && (i == 0 || (!IsWord(text_[i - 1]) && text_[i - 1] != '%'))) places.push_back(i);
    }
    return places;
  }
  std::string Instead(const std::string& word) {
    static constexpr std::string_view kRows[][8] = {{"int.add", "int.sub", "int.mul", "int.div", "int.rem"},
                                                    {"float.add", "float.sub", "float.mul", "float.div"},
                                                    {"eq", "ne", "lt", "le", "gt", "ge"},
                                                    {"fold", "map", "each", "repeat"},
                                                    {"int.neg", "float.neg", "not"},
                                                    {"true", "false"},
                                                    {"Int", "Float", "Text", "Bool"}};
    static constexpr const char* kNumbers[] = {
        "0", "1", "-1", "2", "3", "7", "9223372036854775807", "-9223372036854775808"};
    if (word[0] == '%') return fmt::format("%{}", Below(40));
    if (word[0] == '-' || std::isdigit(static_cast<unsigned char>(word[0])) != 0) return kNumbers[Below(8)];
    for (const auto& row : kRows) {
      if (std::find(std::begin(row), std::end(row), word) == std::end(row)) continue;
      const size_t count = static_cast<size_t>(std::find(std::begin(row), std::end(row), "") - std::begin(row));
      return std::string(row[Below(count)]);
    }
    return word;
  }

  std::string text_;
  uint64_t state_;
};

}  // namespace
}  // namespace jade

extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t max_size);

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size, unsigned int seed) {
  if (size == 0 || seed % 8 == 0) return LLVMFuzzerMutate(data, size, max_size);
  const std::string text = jade::Mutation(std::string(reinterpret_cast<const char*>(data), size), seed).Apply();
  if (text.size() > max_size) return size;
  std::copy(text.begin(), text.end(), data);
  return text.size();
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace jade;  // NOLINT: the entry cannot stand in it
  static const auto kJit = jit::Jit::Create({.optimise = codegen::Optimise::kNone, .cache_directory = {}});
  JADE_CHECK(kJit.ok());
  const auto module = ir::Read(std::string_view(reinterpret_cast<const char*>(data), size));
  if (!module.ok()) return -1;  // not worth a place in the corpus
  size_t operations = 0;
  for (uint32_t i = 0; i < (*module)->function_count(); ++i) operations += (*module)->function({i}).ops.size();
  if (operations > kOperations) return -1;
  jit::Tiers tiers(*kJit, {.at_once = true});
  for (uint32_t i = 0; i < (*module)->function_count(); ++i) {
    if ((*module)->function({i}).kind == ir::FunctionKind::kTest) continue;
    for (uint64_t seed = 0; seed < 4; ++seed) {
      Arguments arguments((*module)->types(), seed);
      Compare(*module, {i}, arguments, &tiers);
    }
  }
  JADE_CHECK(!tiers.failure(), "{}", tiers.failure()->ToString());
  return 0;
}
