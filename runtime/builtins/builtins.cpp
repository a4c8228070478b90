#include "runtime/builtins/builtins.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

namespace jade::builtins {

namespace {

using abi::Value;
using abi::ValueKind;
using ir::Builtin;

// One application: the arguments, and where the outcome goes.
class Application {
 public:
  Application(std::span<const Value> arguments, const Settings& settings, Value* out, Failure* failure)
      : arguments_(arguments), settings_(settings), out_(out), failure_(failure) {}

  bool RangeFits(int64_t count) {
    const auto items = static_cast<uint64_t>(std::max<int64_t>(count, 0));
    constexpr uint64_t kMost = std::numeric_limits<uint64_t>::max();
    return Fits(items > kMost / sizeof(Value) ? kMost : items * sizeof(Value));
  }

  bool Run(Builtin builtin) {
    if (builtin <= Builtin::kTerms) return Measure(builtin);
    if (builtin >= Builtin::kLength && builtin <= Builtin::kSplit && builtin != Builtin::kDistinct &&
        builtin != Builtin::kIn) {
      return OfText(builtin);
    }
    if (builtin >= Builtin::kMin && builtin <= Builtin::kParseFloat) return OfNumbers(builtin);
    return OfList(builtin);
  }

 private:
  const std::string& text(size_t i) const { return arguments_[i].as_text(); }
  const std::vector<Value>& list(size_t i) const { return arguments_[i].as_list(); }

  bool Give(Value value) {
    *out_ = std::move(value);
    return true;
  }
  bool Fail(abi::TrapKind kind, std::string message) {
    *failure_ = {kind, std::move(message)};
    return false;
  }
  bool Overflow(std::string_view name) {
    return Fail(abi::TrapKind::kIntOverflow, fmt::format("the result of `{}` does not fit an Int", name));
  }
  // True when a text or list of that size may be made; else the failure is set.
  bool Fits(uint64_t bytes) {
    if (bytes <= settings_.max_value_bytes) return true;
    return Fail(abi::TrapKind::kMemory, fmt::format("a value of {} bytes is larger than the {} a run may make", bytes,
                                                    settings_.max_value_bytes));
  }
  std::vector<std::string> Texts(size_t i) const {
    std::vector<std::string> texts;
    for (const Value& item : list(i)) texts.push_back(item.as_text());
    return texts;
  }

  bool Measure(Builtin builtin) {
    const Normalisation form = settings_.normalisation;
    switch (builtin) {
      case Builtin::kEm:
        return Give(Value::Float(ExactMatch(text(0), Texts(1), form)));
      case Builtin::kF1:
        return Give(Value::Float(TokenF1(text(0), Texts(1), form)));
      case Builtin::kAccuracy:
        return Give(Value::Float(Accuracy(text(0), Texts(1), form)));
      case Builtin::kYesNo:
        return Give(Value::Bool(IsYesNo(Texts(0), form)));
      case Builtin::kNormalise:
        return Give(Value::Text(NormaliseAnswer(text(0), form)));
      case Builtin::kWords:
        return Give(Value::Int(CountWords(text(0))));
      default:
        return Give(Value::Int(CountWordTokens(text(0))));
    }
  }

  bool OfText(Builtin builtin) {
    switch (builtin) {
      case Builtin::kLength:
        return Give(Value::Int(CountCodePoints(text(0))));
      case Builtin::kContains:
        return Give(Value::Bool(text(0).find(text(1)) != std::string::npos));
      case Builtin::kStartsWith:
        return Give(Value::Bool(text(0).starts_with(text(1))));
      case Builtin::kEndsWith:
        return Give(Value::Bool(text(0).ends_with(text(1))));
      case Builtin::kLower:
        return Give(Value::Text(LowerCase(text(0))));
      case Builtin::kUpper:
        return Give(Value::Text(UpperCase(text(0))));
      case Builtin::kTrim:
        return Give(Value::Text(std::string(Trim(text(0)))));
      case Builtin::kJoin:
        return Join();
      default:
        return SplitText();
    }
  }

  bool Join() {
    uint64_t bytes = 0;
    for (const Value& item : list(0)) bytes += item.as_text().size() + text(1).size();
    if (!Fits(bytes)) return false;
    std::string joined;
    joined.reserve(bytes);
    for (size_t i = 0; i < list(0).size(); ++i) {
      if (i > 0) joined += text(1);
      joined += list(0)[i].as_text();
    }
    return Give(Value::Text(std::move(joined)));
  }

  bool SplitText() {
    if (!Fits(text(0).size() * sizeof(Value))) return false;
    std::vector<Value> pieces;
    if (text(1).empty()) {
      for (std::string_view word : SplitWords(text(0))) pieces.push_back(Value::Text(std::string(word)));
      return Give(Value::List(std::move(pieces)));
    }
    size_t begin = 0;
    for (size_t at = text(0).find(text(1)); at != std::string::npos; at = text(0).find(text(1), begin)) {
      pieces.push_back(Value::Text(text(0).substr(begin, at - begin)));
      begin = at + text(1).size();
    }
    pieces.push_back(Value::Text(text(0).substr(begin)));
    return Give(Value::List(std::move(pieces)));
  }

  bool OfNumbers(Builtin builtin) {
    const Value& first = arguments_[0];
    switch (builtin) {
      case Builtin::kMin:
      case Builtin::kMax:
        return Give(Extreme(builtin == Builtin::kMin));
      case Builtin::kAbs:
        if (first.kind() == ValueKind::kFloat) return Give(Value::Float(std::fabs(first.as_float())));
        if (first.as_int() == std::numeric_limits<int64_t>::min()) return Overflow("abs");
        return Give(Value::Int(std::abs(first.as_int())));
      case Builtin::kRound:
        return ToInt(std::round(first.as_float()), "round");
      case Builtin::kFloor:
        return ToInt(std::floor(first.as_float()), "floor");
      case Builtin::kParseInt:
        return Give(ParseInt());
      default:
        return Give(ParseFloat());
    }
  }

  Value Extreme(bool least) const {
    const Value& a = arguments_[0];
    const Value& b = arguments_[1];
    if (a.kind() == ValueKind::kInt) {
      return Value::Int(least ? std::min(a.as_int(), b.as_int()) : std::max(a.as_int(), b.as_int()));
    }
    const double x = a.as_float();
    const double y = b.as_float();
    if (std::isnan(x) || std::isnan(y)) return Value::Float(std::numeric_limits<double>::quiet_NaN());
    return Value::Float(least ? std::min(x, y) : std::max(x, y));
  }

  bool ToInt(double number, std::string_view name) {
    if (!(number >= -0x1p63 && number < 0x1p63)) return Overflow(name);  // NaN too
    return Give(Value::Int(static_cast<int64_t>(number)));
  }

  // The digits of a text with an optional sign; null when the form is something else.
  std::string_view Unsigned(size_t i) const {
    std::string_view digits = text(i);
    if (digits.starts_with('+')) {
      digits.remove_prefix(1);
      if (digits.starts_with('-') || digits.starts_with('+')) return {};
    }
    return digits;
  }
  Value ParseInt() const {
    const std::string_view digits = Unsigned(0);
    int64_t number = 0;
    auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (error != std::errc() || end != digits.data() + digits.size()) return Value::None();
    return Value::Int(number);
  }
  Value ParseFloat() const {
    const std::string_view digits = Unsigned(0);
    if (digits.empty() || digits.find_first_not_of("0123456789.eE+-") != std::string_view::npos) return Value::None();
    double number = 0;
    auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (error != std::errc() || end != digits.data() + digits.size()) return Value::None();
    return Value::Float(number);
  }

  bool OfList(Builtin builtin) {
    switch (builtin) {
      case Builtin::kLen:
        return Give(Value::Int(static_cast<int64_t>(list(0).size())));
      case Builtin::kDistinct:
        return Give(Value::Bool(Distinct()));
      case Builtin::kIn:
        return Give(Value::Bool(std::find(list(1).begin(), list(1).end(), arguments_[0]) != list(1).end()));
      case Builtin::kFirst:
        return Give(list(0).empty() ? Value::None() : list(0).front());
      case Builtin::kLast:
        return Give(list(0).empty() ? Value::None() : list(0).back());
      case Builtin::kTake:
        return Give(Value::List({list(0).begin(), list(0).begin() + Clamped()}));
      case Builtin::kDrop:
        return Give(Value::List({list(0).begin() + Clamped(), list(0).end()}));
      case Builtin::kReverse:
        return Give(Value::List({list(0).rbegin(), list(0).rend()}));
      case Builtin::kRange:
        return Range();
      case Builtin::kSum:
        return Sum();
      default:
        JADE_UNREACHABLE("builtin {}", static_cast<int>(builtin));
    }
  }

  int64_t Clamped() const {
    return std::clamp<int64_t>(arguments_[1].as_int(), 0, static_cast<int64_t>(list(0).size()));
  }

  bool Distinct() const {
    const std::vector<Value>& items = list(0);
    for (size_t i = 0; i < items.size(); ++i) {
      if (std::find(items.begin() + static_cast<ptrdiff_t>(i) + 1, items.end(), items[i]) != items.end()) return false;
    }
    return true;
  }

  bool Range() {
    const int64_t count = std::max<int64_t>(arguments_[0].as_int(), 0);
    if (!RangeFits(count)) return false;
    std::vector<Value> items;
    items.reserve(static_cast<size_t>(count));
    for (int64_t i = 0; i < count; ++i) items.push_back(Value::Int(i));
    return Give(Value::List(std::move(items)));
  }

  bool Sum() {
    if (list(0).empty()) return Give(Value::Int(0));
    if (list(0).front().kind() == ValueKind::kFloat) {
      double total = 0;
      for (const Value& item : list(0)) total += item.as_float();
      return Give(Value::Float(total));
    }
    int64_t total = 0;
    for (const Value& item : list(0)) {
      if (__builtin_add_overflow(total, item.as_int(), &total)) return Overflow("sum");
    }
    return Give(Value::Int(total));
  }

  std::span<const Value> arguments_;
  const Settings& settings_;
  Value* out_;
  Failure* failure_;
};

}  // namespace

bool FitsRange(int64_t count, const Settings& settings, Failure* failure) {
  return Application({}, settings, nullptr, failure).RangeFits(count);
}

bool Apply(Builtin builtin, std::span<const Value> arguments, const Settings& settings, Value* out, Failure* failure) {
  return Application(arguments, settings, out, failure).Run(builtin);
}

}  // namespace jade::builtins
