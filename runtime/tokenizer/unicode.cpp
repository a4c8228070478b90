#include "runtime/tokenizer/unicode.h"

#include <utf8proc.h>

#include <algorithm>
#include <array>

namespace jade::tokenizer {
namespace {

bool IsContinuation(uint8_t byte) {
  return (byte & 0xC0) == 0x80;
}

// Unicode 15, table 3-7: the length a lead byte promises (0: not a lead byte) and the range of its second byte.
struct LeadByte {
  uint8_t length;
  uint8_t second_min;
  uint8_t second_max;
};

LeadByte ClassifyLead(uint8_t lead) {
  if (lead >= 0xC2 && lead <= 0xDF) return {2, 0x80, 0xBF};
  if (lead == 0xE0) return {3, 0xA0, 0xBF};
  if (lead == 0xED) return {3, 0x80, 0x9F};
  if (lead >= 0xE1 && lead <= 0xEF) return {3, 0x80, 0xBF};
  if (lead == 0xF0) return {4, 0x90, 0xBF};
  if (lead >= 0xF1 && lead <= 0xF3) return {4, 0x80, 0xBF};
  if (lead == 0xF4) return {4, 0x80, 0x8F};
  return {0, 0, 0};
}

constexpr std::array<CharClass, 128> kAsciiClasses = [] {
  std::array<CharClass, 128> classes{};
  for (int c = 0; c < 128; ++c) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    const bool number = c >= '0' && c <= '9';
    const bool space = c == ' ' || (c >= '\t' && c <= '\r');
    classes[c] = letter   ? CharClass::kLetter
                 : number ? CharClass::kNumber
                 : space  ? CharClass::kSpace
                          : CharClass::kOther;
  }
  return classes;
}();

bool IsWhiteSpace(uint32_t code_point) {
  return code_point == 0x85 || code_point == 0xA0 || code_point == 0x1680 ||
         (code_point >= 0x2000 && code_point <= 0x200A) || code_point == 0x2028 || code_point == 0x2029 ||
         code_point == 0x202F || code_point == 0x205F || code_point == 0x3000;
}

int CombiningClass(int32_t code_point) {
  return utf8proc_get_property(code_point)->combining_class;
}

void AppendDecomposition(uint32_t code_point, std::vector<int32_t>* out) {
  int32_t buffer[16];
  int boundary = 0;
  const auto count =
      utf8proc_decompose_char(static_cast<int32_t>(code_point), buffer, 16,
                              static_cast<utf8proc_option_t>(UTF8PROC_DECOMPOSE | UTF8PROC_STABLE), &boundary);
  if (count < 0 || count > 16) {
    out->push_back(static_cast<int32_t>(code_point));
  } else {
    out->insert(out->end(), buffer, buffer + count);
  }
}

void ReorderMarks(std::vector<int32_t>* code_points) {
  auto it = code_points->begin();
  while (it != code_points->end()) {
    it = std::find_if(it, code_points->end(), [](int32_t c) { return CombiningClass(c) != 0; });
    auto end = std::find_if(it, code_points->end(), [](int32_t c) { return CombiningClass(c) == 0; });
    std::stable_sort(it, end, [](int32_t a, int32_t b) { return CombiningClass(a) < CombiningClass(b); });
    it = end;
  }
}

void AppendComposed(std::vector<int32_t>* code_points, std::string* out) {
  ReorderMarks(code_points);
  const auto count = utf8proc_normalize_utf32(code_points->data(), static_cast<utf8proc_ssize_t>(code_points->size()),
                                              static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE));
  for (utf8proc_ssize_t i = 0; i < count; ++i) AppendUtf8(static_cast<uint32_t>((*code_points)[i]), out);
  code_points->clear();
}

}  // namespace

CodePoint DecodeCodePoint(std::string_view text, size_t position) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[position + i]); };
  const size_t left = text.size() - position;
  const uint8_t lead = byte(0);
  if (lead < 0x80) return {lead, 1, true, false};
  const LeadByte kind = ClassifyLead(lead);
  if (kind.length == 0) return {};
  if (left < 2) return {0xFFFD, 1, false, true};
  if (byte(1) < kind.second_min || byte(1) > kind.second_max) return {};
  uint32_t value = lead & (0x7F >> kind.length);
  value = (value << 6) | (byte(1) & 0x3F);
  for (uint8_t i = 2; i < kind.length; ++i) {
    if (i >= left) return {0xFFFD, i, false, true};
    if (!IsContinuation(byte(i))) return {0xFFFD, i, false, false};
    value = (value << 6) | (byte(i) & 0x3F);
  }
  return {value, kind.length, true, false};
}

void AppendUtf8(uint32_t code_point, std::string* out) {
  if (code_point < 0x80) {
    out->push_back(static_cast<char>(code_point));
    return;
  }
  uint8_t buffer[4];
  const auto length = utf8proc_encode_char(static_cast<int32_t>(code_point), buffer);
  out->append(reinterpret_cast<const char*>(buffer), static_cast<size_t>(length));
}

CharClass ClassOf(uint32_t code_point) {
  if (code_point < 128) return kAsciiClasses[code_point];
  if (IsWhiteSpace(code_point)) return CharClass::kSpace;
  switch (utf8proc_category(static_cast<int32_t>(code_point))) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
      return CharClass::kLetter;
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO:
      return CharClass::kNumber;
    default:
      return CharClass::kOther;
  }
}

bool IsPunctuation(uint32_t code_point) {
  const auto category = utf8proc_category(static_cast<int32_t>(code_point));
  return category >= UTF8PROC_CATEGORY_PC && category <= UTF8PROC_CATEGORY_PO;
}

bool IsNonspacingMark(uint32_t code_point) {
  return utf8proc_category(static_cast<int32_t>(code_point)) == UTF8PROC_CATEGORY_MN;
}

bool IsUnprintable(uint32_t code_point) {
  switch (utf8proc_category(static_cast<int32_t>(code_point))) {
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_CO:
    case UTF8PROC_CATEGORY_CS:
      return true;
    default:
      return false;
  }
}

void AppendLowercase(uint32_t code_point, std::vector<uint32_t>* out) {
  constexpr uint32_t kDottedCapitalI = 0x130;
  constexpr uint32_t kDotAbove = 0x307;
  if (code_point == kDottedCapitalI) {
    out->insert(out->end(), {'i', kDotAbove});
    return;
  }
  out->push_back(static_cast<uint32_t>(utf8proc_tolower(static_cast<int32_t>(code_point))));
}

void AppendDecomposed(uint32_t code_point, std::vector<uint32_t>* out) {
  std::vector<int32_t> parts;
  AppendDecomposition(code_point, &parts);
  out->insert(out->end(), parts.begin(), parts.end());
}

std::string ReplaceInvalidUtf8(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size());
  for (size_t i = 0; i < bytes.size();) {
    const CodePoint c = DecodeCodePoint(bytes, i);
    if (c.valid) {
      out.append(bytes.substr(i, c.length));
    } else {
      out.append("\xEF\xBF\xBD");
    }
    i += c.length;
  }
  return out;
}

std::string NormaliseNfc(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  std::vector<int32_t> run;  // decomposed code points since the last ill-formed byte
  for (size_t i = 0; i < text.size();) {
    const CodePoint c = DecodeCodePoint(text, i);
    if (c.valid) {
      AppendDecomposition(c.value, &run);
    } else {
      AppendComposed(&run, &out);
      out.append(text.substr(i, c.length));
    }
    i += c.length;
  }
  AppendComposed(&run, &out);
  return out;
}

}  // namespace jade::tokenizer
