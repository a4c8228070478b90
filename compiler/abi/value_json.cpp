#include "compiler/abi/value_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <nlohmann/json.hpp>

namespace jade::abi {

using nlohmann::json;
using types::TypeId;
using types::TypeInfo;
using types::TypeKind;
using types::TypeTable;

std::string JsonQuote(std::string_view text) {
  // Nearly every text is ASCII with nothing to escape but quotes and line breaks; the library takes ten times as long.
  std::string quoted = "\"";
  quoted.reserve(text.size() + 2);
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\' || c == '\n') {
      quoted += '\\';
      quoted += c == '\n' ? 'n' : c;
    } else if (byte >= 0x20U && byte < 0x80U) {
      quoted += c;
    } else {
      return json(std::string(text)).dump(-1, ' ', false, json::error_handler_t::replace);
    }
  }
  return quoted + '"';
}

namespace {

constexpr int kMaxDepth = 256;

class Writer {
 public:
  explicit Writer(const TypeTable& types) : types_(types) {}

  void Write(const Value& value, TypeId type, int depth) {
    type = types_.BaseOf(types_.WithoutOptional(types_.BaseOf(type)));
    const TypeInfo& info = types_[type];
    switch (value.kind()) {
      case ValueKind::kNone:
        out_ += "null";
        break;
      case ValueKind::kFloat:
        out_ += std::isfinite(value.as_float()) ? FloatText(value.as_float()) : "null";
        break;
      case ValueKind::kBool:
      case ValueKind::kInt:
        out_ += DisplayText(value);
        break;
      case ValueKind::kText:
        out_ += JsonQuote(value.as_text());
        break;
      case ValueKind::kPlan:
        out_ += JsonQuote(value.as_plan()->text());
        break;
      default:
        if (depth >= kMaxDepth) {
          out_ += "null";
        } else {
          WriteCompound(value, info, depth + 1);
        }
    }
  }
  std::string Take() { return std::move(out_); }

 private:
  void WriteCompound(const Value& value, const TypeInfo& info, int depth) {
    if (value.kind() == ValueKind::kList) {
      out_ += '[';
      for (size_t i = 0; i < value.as_list().size(); ++i) {
        if (i > 0) out_ += ',';
        Write(value.as_list()[i], info.element, depth);
      }
      out_ += ']';
    } else if (value.kind() == ValueKind::kRecord) {
      WriteFields(value.as_record(), info.fields, depth);
    } else {
      JADE_CHECK(value.as_enum_case() < info.cases.size(), "case {} of `{}`", value.as_enum_case(), info.name);
      const types::EnumCase& enum_case = info.cases[value.as_enum_case()];
      if (value.as_enum_payload().empty()) {
        out_ += JsonQuote(enum_case.name);
      } else {
        out_ += '{' + JsonQuote(enum_case.name) + ':';
        WriteFields(value.as_enum_payload(), enum_case.payload, depth);
        out_ += '}';
      }
    }
  }

  void WriteFields(const std::vector<Value>& values, const std::vector<types::Field>& fields, int depth) {
    JADE_CHECK(values.size() == fields.size(), "{} values for {} fields", values.size(), fields.size());
    out_ += '{';
    for (size_t i = 0; i < fields.size(); ++i) {
      if (i > 0) out_ += ',';
      out_ += JsonQuote(fields[i].name) + ':';
      Write(values[i], fields[i].type, depth);
    }
    out_ += '}';
  }

  const TypeTable& types_;
  std::string out_;
};

class Reader {
 public:
  Reader(const TypeTable& types, bool lenient) : types_(types), lenient_(lenient) {}

  Result<Value> Read(const json& node, TypeId type, const std::string& place, int depth) {
    if (depth > kMaxDepth) return Fail(place, "nested too deeply");
    const TypeInfo& info = types_[type];
    switch (info.kind) {
      case TypeKind::kText:
        if (!node.is_string()) return Mismatch(place, "a string", node);
        return Value::Text(node.get<std::string>());
      case TypeKind::kInt:
        if (node.is_number_unsigned() && node.get<uint64_t>() > uint64_t{INT64_MAX}) {
          return Fail(place, "the integer does not fit in 64 bits");
        }
        if (!node.is_number_integer()) return Mismatch(place, "an integer", node);
        return Value::Int(node.get<int64_t>());
      case TypeKind::kFloat:
        if (!node.is_number()) return Mismatch(place, "a number", node);
        return Value::Float(node.get<double>());
      case TypeKind::kBool:
        if (!node.is_boolean()) return Mismatch(place, "true or false", node);
        return Value::Bool(node.get<bool>());
      case TypeKind::kNominal:
        return Read(node, info.element, place, depth + 1);
      case TypeKind::kOptional:
        if (node.is_null()) return Value::None();
        return Read(node, info.element, place, depth + 1);
      case TypeKind::kList:
        return ReadList(node, info.element, place, depth);
      case TypeKind::kRecord: {
        Result<std::vector<Value>> fields = ReadFields(node, info.fields, place, depth);
        if (!fields.ok()) return fields.error();
        return Value::Record(std::move(fields).value());
      }
      case TypeKind::kEnum:
        return ReadEnum(node, info, place, depth);
      default:
        return Fail(place, fmt::format("a {} cannot be read from JSON", types_.Name(type)));
    }
  }

 private:
  static Error Fail(const std::string& place, const std::string& message) {
    return Error(ErrorCode::kInvalidArgument, place.empty() ? message : place + ": " + message);
  }
  static Error Mismatch(const std::string& place, std::string_view wanted, const json& node) {
    const std::string_view got =
        node.is_number_float() ? "a fraction" : (node.is_number() ? "a number" : std::string_view(node.type_name()));
    return Fail(place, fmt::format("expected {}, got {}", wanted, got));
  }

  Result<Value> ReadList(const json& node, TypeId element, const std::string& place, int depth) {
    if (!node.is_array()) return Mismatch(place, "an array", node);
    std::vector<Value> items;
    items.reserve(node.size());
    for (size_t i = 0; i < node.size(); ++i) {
      JADE_ASSIGN_OR_RETURN(Value item, Read(node[i], element, fmt::format("{}[{}]", place, i), depth + 1));
      items.push_back(std::move(item));
    }
    return Value::List(std::move(items));
  }

  Result<std::vector<Value>> ReadFields(const json& node, const std::vector<types::Field>& fields,
                                        const std::string& place, int depth) {
    if (!node.is_object()) return Mismatch(place, "an object", node);
    const std::string dot = place.empty() ? "" : place + ".";
    if (!lenient_) {
      for (const auto& [name, unused] : node.items()) {
        const auto known = [&, &key = name](const types::Field& field) { return field.name == key; };
        if (std::none_of(fields.begin(), fields.end(), known)) return Fail(dot + name, "no such field");
      }
    }
    std::vector<Value> values;
    for (const types::Field& field : fields) {
      auto found = node.find(field.name);
      if (found == node.end()) {
        if (!types_.IsOptional(field.type)) return Fail(dot + field.name, "the field is missing");
        values.push_back(Value::None());
        continue;
      }
      JADE_ASSIGN_OR_RETURN(Value value, Read(*found, field.type, dot + field.name, depth + 1));
      values.push_back(std::move(value));
    }
    return values;
  }

  Result<Value> ReadEnum(const json& node, const TypeInfo& info, const std::string& place, int depth) {
    std::string name;
    const json* payload = nullptr;
    if (node.is_string()) {
      name = node.get<std::string>();
    } else if (node.is_object() && node.size() == 1) {
      name = node.begin().key();
      payload = &*node.begin();
    } else {
      return Mismatch(place, fmt::format("a case of `{}`", info.name), node);
    }
    for (size_t i = 0; i < info.cases.size(); ++i) {
      if (info.cases[i].name != name) continue;
      if (info.cases[i].payload.empty() != (payload == nullptr)) {
        return Fail(place, fmt::format("case `{}` {} fields", name, payload == nullptr ? "needs" : "has no"));
      }
      if (payload == nullptr) return Value::Enum(static_cast<uint32_t>(i));
      Result<std::vector<Value>> fields = ReadFields(*payload, info.cases[i].payload, place, depth + 1);
      if (!fields.ok()) return fields.error();
      return Value::Enum(static_cast<uint32_t>(i), std::move(fields).value());
    }
    return Fail(place, fmt::format("`{}` has no case `{}`", info.name, name));
  }

  const TypeTable& types_;
  bool lenient_;
};

}  // namespace

std::string ToJson(const Value& value, TypeId type, const TypeTable& types) {
  Writer writer(types);
  writer.Write(value, type, 0);
  return writer.Take();
}

Result<Value> FromJson(std::string_view text, TypeId type, const TypeTable& types, bool lenient) {
  json parsed = json::parse(text, nullptr, false);
  if (parsed.is_discarded()) return Error(ErrorCode::kInvalidArgument, "not valid JSON");
  return Reader(types, lenient).Read(parsed, type, "", 0);
}

}  // namespace jade::abi
