#include "cli/repl/show_value.h"

#include <fmt/format.h>

namespace jade::repl {
namespace {

using abi::Value;
using types::TypeId;
using types::TypeKind;

constexpr size_t kMaxBytes = size_t{64} << 10;
constexpr int kMaxDepth = 64;

std::string Quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '{' || c == '}') {
      out.append(2, c);
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (c == '\r') {
      out += "\\r";
    } else if (byte < 0x20U || byte == 0x7FU) {
      out += fmt::format("\\u{{{:x}}}", byte);
    } else {
      out += c;
    }
  }
  return out + '"';
}

// A value as a tree of texts, so that it can be laid out.
struct Piece {
  std::string open;  // the whole text when there are no parts
  std::string close;
  std::vector<Piece> parts;
  size_t width = 0;  // on one line, bytes
};

class Shower {
 public:
  explicit Shower(const types::TypeTable& types) : types_(types) {}

  Piece Show(const Value& value, TypeId type, int depth) {
    type = types_.BaseOf(type);
    if (types_.IsOptional(type)) type = types_.BaseOf(types_.ElementOf(type));
    if (value.is_none()) return Leaf("none");
    if (depth > kMaxDepth || bytes_ > kMaxBytes) return Leaf("…");
    switch (types_.kind(type)) {
      case TypeKind::kList:
        return List(value, type, depth);
      case TypeKind::kRecord: {
        Piece piece{types_[type].name + "(", ")"};
        Fields(value.as_record(), types_[type].fields, true, depth, &piece);
        return Close(std::move(piece));
      }
      case TypeKind::kEnum: {
        const types::EnumCase& chosen = types_[type].cases[value.as_enum_case()];
        const std::string name = types_[type].name + "." + chosen.name;
        if (chosen.payload.empty()) return Leaf(name);
        Piece piece{name + "(", ")"};
        Fields(value.as_enum_payload(), chosen.payload, false, depth, &piece);
        return Close(std::move(piece));
      }
      default:
        return Leaf(Scalar(value));
    }
  }

 private:
  std::string Scalar(const Value& value) {
    switch (value.kind()) {
      case abi::ValueKind::kText: {
        const std::string& text = value.as_text();
        if (text.size() <= kMaxBytes) return Quoted(text);
        size_t end = kMaxBytes;
        while ((static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;  // between characters
        return Quoted(std::string_view(text).substr(0, end)) + " …";
      }
      case abi::ValueKind::kPlan:
        return "plan " + PlanText(value);
      default:
        return abi::DisplayText(value);
    }
  }

  Piece Leaf(std::string text) {
    bytes_ += text.size();
    Piece piece{std::move(text), ""};
    piece.width = piece.open.size();
    return piece;
  }

  static Piece Close(Piece piece) {
    piece.width = piece.open.size() + piece.close.size();
    for (const Piece& part : piece.parts) piece.width += part.width + 2;
    return piece;
  }

  Piece List(const Value& value, TypeId type, int depth) {
    Piece piece{"[", "]"};
    for (const Value& item : value.as_list()) {
      if (bytes_ > kMaxBytes) {
        piece.parts.push_back(Leaf(fmt::format("… {} more", value.as_list().size() - piece.parts.size())));
        break;
      }
      piece.parts.push_back(Show(item, types_.ElementOf(type), depth + 1));
    }
    return Close(std::move(piece));
  }

  void Fields(const std::vector<Value>& values, const std::vector<types::Field>& fields, bool named, int depth,
              Piece* piece) {
    for (size_t i = 0; i < values.size(); ++i) {
      Piece part = Show(values[i], fields[i].type, depth + 1);
      if (named) {
        part.open = fields[i].name + ": " + part.open;
        part.width += fields[i].name.size() + 2;
      }
      piece->parts.push_back(std::move(part));
    }
  }

  const types::TypeTable& types_;
  size_t bytes_ = 0;
};

void Lay(const Piece& piece, size_t indent, size_t columns, std::string* out) {
  *out += piece.open;
  const bool flat = indent + piece.width <= columns;
  for (size_t i = 0; i < piece.parts.size(); ++i) {
    if (!flat) {
      *out += '\n';
      out->append(indent + 2, ' ');
    }
    Lay(piece.parts[i], indent + 2, columns, out);
    if (i + 1 < piece.parts.size()) *out += flat ? ", " : ",";
  }
  if (!flat && !piece.parts.empty()) {
    *out += '\n';
    out->append(indent, ' ');
  }
  *out += piece.close;
}

}  // namespace

std::string PlanText(const Value& plan) {
  const std::string text(plan.as_plan()->text());
  // Lowering calls the function that makes a plan of `Add` "Add.plan"; no text of a plan has a dot before that word.
  return text.substr(0, text.find(".plan"));
}

std::string ShowValue(const Value& value, TypeId type, const types::TypeTable& types, size_t columns) {
  std::string out;
  Lay(Shower(types).Show(value, type, 0), 0, columns, &out);
  return out;
}

}  // namespace jade::repl
