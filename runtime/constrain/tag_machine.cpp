#include "runtime/constrain/tag_machine.h"

#include <fmt/format.h>

#include <algorithm>
#include <bitset>

#include "runtime/constrain/limits.h"

namespace jade::constrain {

namespace {

// Fit into the types whatever the digits.
constexpr int kIntDigits = 18;
constexpr int kFractionDigits = 15;
constexpr int kExponentDigits = 2;

}  // namespace

class TagBuilder {
 public:
  using Node = TagMachine::Node;

  uint32_t Add() {
    machine_.nodes_.emplace_back();
    return static_cast<uint32_t>(machine_.nodes_.size() - 1);
  }
  Node& node(uint32_t index) { return machine_.nodes_[index]; }
  void Edge(uint32_t from, char byte, uint32_t to) { node(from).edges.push_back({static_cast<uint8_t>(byte), to}); }
  void Required(std::string_view bytes) {
    for (const char c : bytes) required_.set(static_cast<uint8_t>(c));
  }

  // The node that `byte` leads to, made when there is none.
  uint32_t Step(uint32_t from, char byte) {
    for (const TagMachine::Edge& edge : node(from).edges) {
      if (edge.byte == static_cast<uint8_t>(byte)) return edge.to;
    }
    const uint32_t to = Add();
    Edge(from, byte, to);
    return to;
  }
  // `text` from `from` on; its last byte leads to `to`. What is there of it already is shared.
  void Literal(uint32_t from, std::string_view text, uint32_t to) {
    Required(text);
    for (size_t i = 0; i + 1 < text.size(); ++i) from = Step(from, text[i]);
    Edge(from, text.back(), to);
  }

  // Text in which `<tag>` does not occur and `</tag>` ends it.
  void TaggedText(uint32_t inside, const std::string& tag, uint32_t end) {
    const Region region = Text(inside);
    uint32_t open = region.less;
    for (const char c : tag) open = Inner(region, open, c);
    Edge(open, '>', TagMachine::kNothing);
    uint32_t close = Inner(region, region.less, '/');
    for (const char c : tag) close = Inner(region, close, c);
    Edge(close, '>', end);
    Required("</>");
    Required(tag);
  }

  // Text in which no `<tagN>` and `</tagN>` occurs but `</tagM>`, M being `number`, which ends it.
  void NumberedText(uint32_t inside, const std::string& tag, const std::string& number, uint32_t end) {
    const Region region = Text(inside);
    const uint32_t others = Inner(region);  // after a number that is not its own
    Digits({others}, '0', others);
    Edge(others, '>', TagMachine::kNothing);
    uint32_t open = region.less;
    for (const char c : tag) open = Inner(region, open, c);
    Digits({open}, '0', others);
    uint32_t close = Inner(region, region.less, '/');
    for (const char c : tag) close = Inner(region, close, c);
    for (size_t i = 0; i < number.size(); ++i) {
      const uint32_t own = Inner(region, close, number[i]);
      Digits({close}, '0', others);  // the first edge of a byte counts
      if (i + 1 < number.size()) Edge(own, '>', TagMachine::kNothing);
      close = own;
    }
    Digits({close}, '0', others);
    Edge(close, '>', end);
    Required("</>");
    Required(tag);
    Required(number);
  }

  // The language of a value between tags, from `inside` to before `close`, which leads to `end`.
  void Value(const ValueSpec& value, uint32_t inside, const std::string& close, uint32_t end) {
    switch (value.kind) {
      case ValueKind::kText:
        break;  // the caller's
      case ValueKind::kNothing:
        return Close(inside, close, end);
      case ValueKind::kInt:
      case ValueKind::kFloat:
        Number(value.kind == ValueKind::kFloat, inside, close, end);
        break;
      case ValueKind::kBool:
        Word(inside, "true", close, end);
        Word(inside, "false", close, end);
        break;
      case ValueKind::kWord:
        for (const std::string& word : value.words) Word(inside, word, close, end);
        break;
    }
    if (value.optional) Word(inside, "none", close, end);
  }

  void Word(uint32_t from, std::string_view word, const std::string& close, uint32_t end) {
    Required(word);
    for (const char c : word) from = Step(from, c);
    Close(from, close, end);
  }

  void Number(bool real, uint32_t inside, const std::string& close, uint32_t end) {
    Required("-0123456789");
    const uint32_t minus = Step(inside, '-');
    const uint32_t zero = Add();
    Edge(inside, '0', zero);
    Edge(minus, '0', zero);
    std::vector<uint32_t> ends = {zero};
    const uint32_t first = Add();
    Digits({inside, minus}, '1', first);
    More(first, kIntDigits - 1, ends);
    for (const uint32_t at : ends) Close(at, close, end);
    if (!real) return;
    Required(".e");
    std::vector<uint32_t> whole = ends;
    const uint32_t point = Add();
    for (const uint32_t at : ends) Edge(at, '.', point);
    std::vector<uint32_t> fractions;
    const uint32_t fraction = Add();
    Digits({point}, '0', fraction);
    More(fraction, kFractionDigits - 1, fractions);
    for (const uint32_t at : fractions) Close(at, close, end);
    whole.insert(whole.end(), fractions.begin(), fractions.end());
    const uint32_t exponent = Add();
    for (const uint32_t at : whole) Edge(at, 'e', exponent);
    const uint32_t sign = Step(exponent, '-');
    std::vector<uint32_t> exponents;
    const uint32_t power = Add();
    Digits({exponent, sign}, '0', power);
    More(power, kExponentDigits - 1, exponents);
    for (const uint32_t at : exponents) Close(at, close, end);
  }

  // `close` from `from` on; the empty one is the end itself.
  void Close(uint32_t from, const std::string& close, uint32_t end) {
    if (close.empty()) {
      complete_.push_back(from);
    } else {
      Literal(from, close, end);
    }
  }

  Result<TagMachine> Finish(uint32_t start);

  std::vector<uint32_t> complete_;

 private:
  // Free text, and the place after a `<` in it.
  struct Region {
    uint32_t inside;
    uint32_t less;
  };
  Region Text(uint32_t inside) {
    node(inside).other = inside;
    const Region region{inside, Add()};
    Edge(inside, '<', region.less);
    node(region.less).other = inside;
    Edge(region.less, '<', region.less);
    return region;
  }
  // A place in what may become a tag: any other byte makes it text.
  uint32_t Inner(const Region& region) {
    const uint32_t place = Add();
    node(place).other = region.inside;
    Edge(place, '<', region.less);
    return place;
  }
  uint32_t Inner(const Region& region, uint32_t from, char byte) {
    const uint32_t place = Inner(region);
    Edge(from, byte, place);
    return place;
  }
  void Digits(std::initializer_list<uint32_t> from, char lowest, uint32_t to) {
    for (const uint32_t node : from) {
      for (char digit = lowest; digit <= '9'; ++digit) Edge(node, digit, to);
    }
  }
  // Up to `count` more digits after `from`; where the number may end is added to `ends`.
  void More(uint32_t from, int count, std::vector<uint32_t>& ends) {
    ends.push_back(from);
    for (int i = 0; i < count; ++i) {
      const uint32_t next = Add();
      Digits({from}, '0', next);
      ends.push_back(next);
      from = next;
    }
  }
  void Measure();

  TagMachine machine_;
  std::bitset<256> required_;
};

// Breadth first from the complete texts backwards.
void TagBuilder::Measure() {
  std::vector<TagMachine::Node>& nodes = machine_.nodes_;
  std::vector<std::vector<uint32_t>> before(nodes.size());
  for (uint32_t from = 0; from < nodes.size(); ++from) {
    for (const TagMachine::Edge& edge : nodes[from].edges) {
      if (edge.to != TagMachine::kNothing) before[edge.to].push_back(from);
    }
  }
  std::vector<uint32_t> wave = complete_;
  for (const uint32_t at : wave) nodes[at].distance = 0;
  for (size_t i = 0; i < wave.size(); ++i) {
    for (const uint32_t from : before[wave[i]]) {
      if (nodes[from].distance != TagMachine::kNothing) continue;
      nodes[from].distance = nodes[wave[i]].distance + 1;
      wave.push_back(from);
    }
  }
}

Result<TagMachine> TagBuilder::Finish(uint32_t start) {
  Measure();
  for (size_t byte = 0; byte < 256; ++byte) {
    if (required_[byte]) machine_.required_ += static_cast<char>(byte);
  }
  machine_.start_ = start;
  machine_.max_bytes_ = kMaxReplyBytes;
  if (machine_.nodes_[start].distance == TagMachine::kNothing) {
    return Error(ErrorCode::kInvalidArgument, "a format without any complete reply");
  }
  return std::move(machine_);
}

namespace {

Status CheckValue(const ValueSpec& value) {
  if (value.kind != ValueKind::kWord) return {};
  if (value.words.empty() || value.words.size() > kMaxChoices) {
    return Error(ErrorCode::kInvalidArgument, fmt::format("a choice is among 1 to {} words", kMaxChoices));
  }
  for (const std::string& word : value.words) JADE_TRY(CheckTag(word));
  return {};
}

void Tagged(TagBuilder& builder, uint32_t start, const AlternativeSpec& one, uint32_t end) {
  const uint32_t inside = builder.Add();
  builder.Literal(start, fmt::format("<{}>", one.tag), inside);
  if (one.value.kind == ValueKind::kText) {
    builder.TaggedText(inside, one.tag, end);
  } else {
    builder.Value(one.value, inside, fmt::format("</{}>", one.tag), end);
  }
}

void Numbered(TagBuilder& builder, uint32_t start, const Spec& spec) {
  const uint32_t most = spec.max == 0 ? kMaxItems : std::min(spec.max, kMaxItems);
  uint32_t from = start;
  for (uint32_t i = 1; i <= most; ++i) {
    const std::string number = std::to_string(i);
    const uint32_t inside = builder.Add();
    const uint32_t end = builder.Add();
    builder.Literal(from, fmt::format("<{}{}>", spec.tag, number), inside);
    if (spec.value.kind == ValueKind::kText) {
      builder.NumberedText(inside, spec.tag, number, end);
    } else {
      builder.Value(spec.value, inside, fmt::format("</{}{}>", spec.tag, number), end);
    }
    builder.complete_.push_back(end);
    from = end;
  }
}

}  // namespace

Result<TagMachine> TagMachine::Make(const Spec& spec) {
  TagBuilder builder;
  const uint32_t start = builder.Add();
  JADE_TRY(CheckValue(spec.value));
  switch (spec.kind) {
    case SpecKind::kText:
      if (spec.value.kind == ValueKind::kText) {
        builder.node(start).other = start;
        builder.complete_.push_back(start);
      } else {
        builder.Value(spec.value, start, "", start);
      }
      break;
    case SpecKind::kTag:
    case SpecKind::kAlternatives: {
      std::vector<AlternativeSpec> all = spec.alternatives;
      if (spec.kind == SpecKind::kTag) all = {{spec.tag, spec.value}};
      if (all.empty() || all.size() > kMaxChoices) {
        return Error(ErrorCode::kInvalidArgument, fmt::format("there are 1 to {} alternatives", kMaxChoices));
      }
      const uint32_t end = builder.Add();
      builder.complete_.push_back(end);
      for (size_t i = 0; i < all.size(); ++i) {
        JADE_TRY(CheckTag(all[i].tag));
        JADE_TRY(CheckValue(all[i].value));
        const bool again = std::any_of(all.begin(), all.begin() + static_cast<ptrdiff_t>(i),
                                       [&](const AlternativeSpec& one) { return one.tag == all[i].tag; });
        if (again)
          return Error(ErrorCode::kInvalidArgument, fmt::format("two alternatives have the tag {}", all[i].tag));
        Tagged(builder, start, all[i], end);
      }
      break;
    }
    case SpecKind::kNumbered:
      JADE_TRY(CheckTag(spec.tag));
      Numbered(builder, start, spec);
      break;
    case SpecKind::kSubset:
    case SpecKind::kPlan:
      return Error(ErrorCode::kInvalidArgument, "not a format of tags");
  }
  return builder.Finish(start);
}

bool TagMachine::Next(State* state, uint8_t byte) const {
  auto utf8 = static_cast<Utf8>(state->utf8);
  const Node& node = nodes_[state->node];
  if (utf8 == Utf8::kWhole) {
    for (const Edge& edge : node.edges) {
      if (edge.byte != byte) continue;
      state->node = edge.to;
      return edge.to != kNothing;
    }
    if (node.other == kNothing || !IsTextByte(byte)) return false;
    state->node = node.other;
  }
  if (!StepUtf8(&utf8, byte)) return false;
  state->utf8 = static_cast<uint32_t>(utf8);
  return true;
}

FreeText TagMachine::Free(const State& state) const {
  FreeText free;
  const Node& node = nodes_[state.node];
  if (state.utf8 != 0 || node.other == kNothing) return free;
  free.text_class = TextClass::kTagged;
  free.distance = nodes_[node.other].distance;
  for (const Edge& edge : node.edges) free.hot.set(edge.byte & 0x7FU);
  return free;
}

}  // namespace jade::constrain
