#include <array>
#include <bit>
#include <limits>

#include "compiler/ir/builder.h"
#include "compiler/ir/builtin.h"
#include "tests/differential/kernel.h"

namespace jade::differential {
namespace {

using abi::Value;
using ir::Builtin;
using ir::Opcode;
using ir::ValueId;
using types::TypeId;
using types::TypeTable;

constexpr std::array<int64_t, 9> kInts = {
    0, 1, -1, 2, 3, -7, 64, std::numeric_limits<int64_t>::max(), std::numeric_limits<int64_t>::min()};
constexpr std::array<double, 10> kFloats = {0.0,
                                            -0.0,
                                            1.0,
                                            -2.5,
                                            1e300,
                                            9.3e18,
                                            5e-324,
                                            std::numeric_limits<double>::infinity(),
                                            -std::numeric_limits<double>::infinity(),
                                            std::numeric_limits<double>::quiet_NaN()};

class KernelGenerator {
 public:
  KernelGenerator(uint64_t seed, const std::vector<Value>* constants) : random_(seed), constants_(constants) {
    auto types = std::make_shared<TypeTable>();
    ints_ = types->List(TypeTable::Int());
    floats_ = types->List(TypeTable::Float());
    maybe_ = types->Optional(TypeTable::Int());
    plain_ = {TypeTable::Int(), TypeTable::Float(), TypeTable::Bool(), TypeTable::Text(), ints_, floats_, maybe_};
    kernel_.module = std::make_shared<ir::Module>(std::move(types));
  }

  Kernel Generate() {
    const TypeId result = random_.Pick(plain_);
    ir::FunctionBuilder builder("Kernel", ir::FunctionKind::kPure, result);
    builder_ = &builder;
    const int count = random_.Between(2, 5);
    for (int i = 0; i < count; ++i) kernel_.parameters.push_back(random_.Pick(plain_));
    for (int i = 0; i < count; ++i) {
      const TypeId type = kernel_.parameters[static_cast<size_t>(i)];
      if (constants_ == nullptr) visible_.push_back({builder.Parameter("p" + std::to_string(i), type), type});
    }
    if (constants_ != nullptr) {
      for (size_t i = 0; i < kernel_.parameters.size(); ++i) {
        visible_.push_back({Constant((*constants_)[i], kernel_.parameters[i]), kernel_.parameters[i]});
      }
    }
    size_ = random_.Between(6, 30);
    // Some of what is computed is not used: it must still trap.
    for (int i = random_.Between(0, 4); i > 0; --i) Keep(random_.Pick(plain_));
    builder.Yield({Make(result)});
    kernel_.function = kernel_.module->AddFunction(builder.Finish());
    return std::move(kernel_);
  }

 private:
  struct Visible {
    ValueId value;
    TypeId type;
  };

  ValueId Op(Opcode code, std::initializer_list<ValueId> operands, TypeId type, int64_t imm = 0) {
    return builder_->Op(code, operands, type, {.imm = imm});
  }
  ValueId Call(Builtin builtin, std::initializer_list<ValueId> operands, TypeId type) {
    return Op(Opcode::kBuiltin, operands, type, static_cast<int64_t>(builtin));
  }
  ValueId Constant(const Value& value, TypeId type);
  ValueId Literal(TypeId type) { return Constant(RandomArgument(type, kernel_.module->types(), random_), type); }
  void Keep(TypeId type) {
    const ValueId value = Make(type);
    visible_.push_back({value, type});
  }

  ValueId Make(TypeId type);
  ValueId Form(TypeId type);
  ValueId MakeInt();
  ValueId MakeFloat();
  ValueId MakeBool();
  ValueId MakeText();
  ValueId MakeList(TypeId list, TypeId item);
  ValueId MakeMaybe();
  ValueId Map(TypeId list, TypeId item);
  ValueId If(TypeId type);
  ValueId Switch(TypeId type);
  ValueId Fold(TypeId type);
  ValueId Repeat(TypeId type);
  // The body of an open region; what it makes is forgotten behind it.
  template <typename Body>
  void Region(const ir::FunctionBuilder::Pending& pending, uint32_t index, Body body) {
    const size_t before = visible_.size();
    builder_->OpenRegion(pending, index);
    ++depth_;
    body();
    --depth_;
    builder_->CloseRegion();
    visible_.resize(before);
  }
  ValueId Bound(TypeId type) {
    const ValueId value = builder_->RegionParameter(type);
    visible_.push_back({value, type});
    return value;
  }

  Random random_;
  const std::vector<Value>* constants_;
  Kernel kernel_;
  ir::FunctionBuilder* builder_ = nullptr;
  TypeId ints_;
  TypeId floats_;
  TypeId maybe_;
  std::vector<TypeId> plain_;
  std::vector<Visible> visible_;
  int size_ = 0;
  int depth_ = 0;
};

ValueId KernelGenerator::Constant(const Value& value, TypeId type) {
  switch (value.kind()) {
    case abi::ValueKind::kBool:
      return Op(Opcode::kConstBool, {}, type, value.as_bool() ? 1 : 0);
    case abi::ValueKind::kInt: {
      const ValueId made = Op(Opcode::kConstInt, {}, TypeTable::Int(), value.as_int());
      return type == maybe_ ? Op(Opcode::kSome, {made}, maybe_) : made;
    }
    case abi::ValueKind::kFloat:
      return Op(Opcode::kConstFloat, {}, type, std::bit_cast<int64_t>(value.as_float()));
    case abi::ValueKind::kText:
      return Op(Opcode::kConstText, {}, type, kernel_.module->AddText(value.as_text()).index);
    case abi::ValueKind::kList: {
      std::vector<ValueId> items;
      for (const Value& item : value.as_list())
        items.push_back(Constant(item, type == ints_ ? TypeTable::Int() : TypeTable::Float()));
      return builder_->Op(Opcode::kList, items, type);
    }
    default:
      return Op(Opcode::kNone, {}, type);
  }
}

ValueId KernelGenerator::Make(TypeId type) {
  if (--size_ > 0) return Form(type);
  std::vector<ValueId> fitting;
  for (const Visible& one : visible_) {
    if (one.type == type) fitting.push_back(one.value);
  }
  return fitting.empty() || random_.Chance(20) ? Literal(type) : random_.Pick(fitting);
}

ValueId KernelGenerator::Form(TypeId type) {
  if (depth_ < 3 && random_.Chance(30)) {
    switch (random_.Below(4)) {
      case 0:
        return If(type);
      case 1:
        return Switch(type);
      case 2:
        return Fold(type);
      default:
        return Repeat(type);
    }
  }
  if (type == TypeTable::Int()) return MakeInt();
  if (type == TypeTable::Float()) return MakeFloat();
  if (type == TypeTable::Bool()) return MakeBool();
  if (type == TypeTable::Text()) return MakeText();
  if (type == maybe_) return MakeMaybe();
  return MakeList(type, type == ints_ ? TypeTable::Int() : TypeTable::Float());
}

ValueId KernelGenerator::MakeInt() {
  const bool either = random_.Chance(50);
  constexpr std::array kBinary = {Opcode::kIntAdd, Opcode::kIntSub, Opcode::kIntMul, Opcode::kIntDiv, Opcode::kIntRem};
  const Opcode binary = random_.Pick(kBinary);
  const TypeId type = TypeTable::Int();
  switch (random_.Below(9)) {
    case 0: {
      const ValueId list = Make(ints_);
      return Op(Opcode::kIndex, {list, Make(type)}, type);
    }
    case 1:
      return Call(Builtin::kLen, {Make(floats_)}, type);
    case 2:
      return Call(either ? Builtin::kRound : Builtin::kFloor, {Make(TypeTable::Float())}, type);
    case 3:
      return Call(Builtin::kSum, {Make(ints_)}, type);
    case 4:
      return either ? Op(Opcode::kIntNeg, {Make(type)}, type) : Call(Builtin::kAbs, {Make(type)}, type);
    case 5: {
      const ValueId left = Make(type);
      return Call(either ? Builtin::kMin : Builtin::kMax, {left, Make(type)}, type);
    }
    default: {
      const ValueId left = Make(type);
      return Op(binary, {left, Make(type)}, type);
    }
  }
}

ValueId KernelGenerator::MakeFloat() {
  const bool either = random_.Chance(50);
  constexpr std::array kBinary = {Opcode::kFloatAdd, Opcode::kFloatSub, Opcode::kFloatMul, Opcode::kFloatDiv};
  const Opcode binary = random_.Pick(kBinary);
  const TypeId type = TypeTable::Float();
  switch (random_.Below(7)) {
    case 0:
      return Op(Opcode::kIntToFloat, {Make(TypeTable::Int())}, type);
    case 1:
      return Op(Opcode::kFloatNeg, {Make(type)}, type);
    case 2:
      return Call(Builtin::kSum, {Make(floats_)}, type);
    case 3: {
      const ValueId left = Make(type);
      return Call(either ? Builtin::kMin : Builtin::kMax, {left, Make(type)}, type);
    }
    default: {
      const ValueId left = Make(type);
      return Op(binary, {left, Make(type)}, type);
    }
  }
}

ValueId KernelGenerator::MakeBool() {
  const bool either = random_.Chance(50);
  constexpr std::array kOrders = {Opcode::kEq, Opcode::kNe, Opcode::kLt, Opcode::kLe, Opcode::kGt, Opcode::kGe};
  const Opcode order = random_.Pick(kOrders);
  const TypeId type = TypeTable::Bool();
  switch (random_.Below(5)) {
    case 0:
      return Op(Opcode::kNot, {Make(type)}, type);
    case 1: {
      const ValueId left = Make(type);
      return Op(either ? Opcode::kAnd : Opcode::kOr, {left, Make(type)}, type);
    }
    case 2: {
      const TypeId of = random_.Pick(plain_);
      const ValueId left = Make(of);
      return Op(either ? Opcode::kEq : Opcode::kNe, {left, Make(of)}, type);
    }
    default: {
      const std::array<TypeId, 3> ordered = {TypeTable::Int(), TypeTable::Float(), TypeTable::Text()};
      const TypeId of = random_.Pick(ordered);
      const ValueId left = Make(of);
      return Op(order, {left, Make(of)}, type);
    }
  }
}

ValueId KernelGenerator::MakeText() {
  const TypeId type = TypeTable::Text();
  if (random_.Chance(60)) {
    const std::array<TypeId, 4> shown = {TypeTable::Int(), TypeTable::Float(), TypeTable::Bool(), maybe_};
    return Op(Opcode::kDisplay, {Make(random_.Pick(shown))}, type);
  }
  const ValueId left = Make(type);
  return Op(Opcode::kTextConcat, {left, Make(type)}, type);
}

ValueId KernelGenerator::MakeMaybe() {
  const bool either = random_.Chance(50);
  switch (random_.Below(4)) {
    case 0:
      return Op(Opcode::kNone, {}, maybe_);
    case 1:
      return Op(Opcode::kSome, {Make(TypeTable::Int())}, maybe_);
    case 2:
      return Call(Builtin::kParseInt, {Make(TypeTable::Text())}, maybe_);
    default:
      return Call(either ? Builtin::kFirst : Builtin::kLast, {Make(ints_)}, maybe_);
  }
}

ValueId KernelGenerator::MakeList(TypeId list, TypeId item) {
  const bool either = random_.Chance(50);
  switch (random_.Below(6)) {
    case 0: {
      const ValueId left = Make(list);
      return Op(Opcode::kListConcat, {left, Make(list)}, list);
    }
    case 1:
      return Call(Builtin::kReverse, {Make(list)}, list);
    case 2: {
      const ValueId from = Make(list);
      return Call(either ? Builtin::kTake : Builtin::kDrop, {from, Make(TypeTable::Int())}, list);
    }
    case 3: {
      std::vector<ValueId> items;
      for (int i = random_.Between(0, 3); i > 0; --i) items.push_back(Make(item));
      return builder_->Op(Opcode::kList, items, list);
    }
    default:
      return depth_ < 3 ? Map(list, item) : Literal(list);
  }
}

ValueId KernelGenerator::Map(TypeId list, TypeId item) {
  const bool ints = random_.Chance(50);
  const ValueId from = Make(ints ? ints_ : floats_);
  const uint32_t regions = random_.Chance(40) ? 2 : 1;
  const auto pending = builder_->Begin(Opcode::kMap, {&from, 1}, regions, list);
  for (uint32_t region = 0; region < regions; ++region) {
    Region(pending, region, [&] {
      Bound(ints ? TypeTable::Int() : TypeTable::Float());
      Bound(TypeTable::Int());
      builder_->Yield({Make(region == 0 ? item : TypeTable::Bool())});
    });
  }
  return pending.result;
}

ValueId KernelGenerator::If(TypeId type) {
  const ValueId condition = Make(TypeTable::Bool());
  const auto pending = builder_->Begin(Opcode::kIf, {&condition, 1}, 2, type);
  for (uint32_t region = 0; region < 2; ++region) Region(pending, region, [&] { builder_->Yield({Make(type)}); });
  return pending.result;
}

ValueId KernelGenerator::Switch(TypeId type) {
  const ValueId subject = Make(maybe_);
  const std::array<uint32_t, 2> cases = {0, 1};
  const auto pending = builder_->Begin(Opcode::kSwitch, {&subject, 1}, 2, type, {.aux = cases});
  Region(pending, 0, [&] { builder_->Yield({Make(type)}); });
  Region(pending, 1, [&] {
    Bound(TypeTable::Int());
    builder_->Yield({Make(type)});
  });
  return pending.result;
}

ValueId KernelGenerator::Fold(TypeId type) {
  const bool ints = random_.Chance(50);
  const std::array<ValueId, 2> operands = {Make(ints ? ints_ : floats_), Literal(type)};
  const auto pending = builder_->Begin(Opcode::kFold, operands, 1, type);
  Region(pending, 0, [&] {
    Bound(type);
    Bound(ints ? TypeTable::Int() : TypeTable::Float());
    Bound(TypeTable::Int());
    builder_->Yield({Make(type)});
  });
  return pending.result;
}

ValueId KernelGenerator::Repeat(TypeId type) {
  const std::array<ValueId, 2> operands = {Op(Opcode::kConstInt, {}, TypeTable::Int(), random_.Between(-1, 4)),
                                           Make(type)};
  const auto pending = builder_->Begin(Opcode::kRepeat, operands, 1, type);
  Region(pending, 0, [&] {
    Bound(type);
    const ValueId next = Make(type);
    builder_->Yield({next, Make(TypeTable::Bool())});
  });
  return pending.result;
}

}  // namespace

Kernel GenerateKernel(uint64_t seed, const std::vector<Value>* constants) {
  return KernelGenerator(seed, constants).Generate();
}

Value RandomArgument(TypeId type, const TypeTable& types, Random& random) {
  static const std::vector<std::string> kTexts = {"", "a", "-9223372036854775808", "7", "ä b"};
  if (type == TypeTable::Int()) return Value::Int(random.Pick(kInts));
  if (type == TypeTable::Float()) return Value::Float(random.Pick(kFloats));
  if (type == TypeTable::Bool()) return Value::Bool(random.Chance(50));
  if (type == TypeTable::Text()) return Value::Text(random.Pick(kTexts));
  if (types.IsOptional(type)) return random.Chance(50) ? Value::None() : Value::Int(random.Pick(kInts));
  std::vector<Value> items;
  for (int i = random.Between(0, 4); i > 0; --i) items.push_back(RandomArgument(types.ElementOf(type), types, random));
  return Value::List(std::move(items));
}

}  // namespace jade::differential
