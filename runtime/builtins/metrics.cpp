#include "runtime/builtins/metrics.h"

#include <utf8proc.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <memory>
#include <optional>

namespace jade::builtins {

namespace {

constexpr int32_t kReplacement = 0xFFFD;
constexpr int32_t kDottedCapitalI = 0x130;

// Decodes the code point at `*offset` and moves past it.
int32_t Next(std::string_view text, size_t* offset) {
  utf8proc_int32_t code = 0;
  const auto* bytes = reinterpret_cast<const utf8proc_uint8_t*>(text.data()) + *offset;
  const auto length = utf8proc_iterate(bytes, static_cast<utf8proc_ssize_t>(text.size() - *offset), &code);
  if (length <= 0) {
    *offset += 1;
    return kReplacement;
  }
  *offset += static_cast<size_t>(length);
  return code;
}

void Append(int32_t code, std::string* out) {
  utf8proc_uint8_t bytes[4];
  const auto length = utf8proc_encode_char(code, bytes);
  out->append(reinterpret_cast<const char*>(bytes), static_cast<size_t>(length));
}

// Python's str.isspace.
bool IsSpace(int32_t code) {
  if (code == ' ' || (code >= 0x09 && code <= 0x0D) || (code >= 0x1C && code <= 0x1F) || code == 0x85) return true;
  if (code < 0x80) return false;
  const auto category = utf8proc_category(code);
  return category == UTF8PROC_CATEGORY_ZS || category == UTF8PROC_CATEGORY_ZL || category == UTF8PROC_CATEGORY_ZP;
}

// Python's \w: str.isalnum or an underscore.
bool IsWord(int32_t code) {
  if (code == '_') return true;
  switch (utf8proc_category(code)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO:
      return true;
    default:
      return false;
  }
}

bool IsAsciiPunctuation(int32_t code) {
  return code > ' ' && code < 0x7F && !(code >= '0' && code <= '9') && !(code >= 'A' && code <= 'Z') &&
         !(code >= 'a' && code <= 'z');
}

bool IsPunctuation(int32_t code) {
  if (code < 0x80) return IsAsciiPunctuation(code);
  const auto category = utf8proc_category(code);
  return category >= UTF8PROC_CATEGORY_PC && category <= UTF8PROC_CATEGORY_PO;
}

// What utf8proc makes of the text; nothing when it is not UTF-8.
std::optional<std::string> Map(std::string_view text, int options) {
  utf8proc_uint8_t* mapped = nullptr;
  const auto length =
      utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(text.data()), static_cast<utf8proc_ssize_t>(text.size()),
                   &mapped, static_cast<utf8proc_option_t>(options));
  if (length < 0) return std::nullopt;
  const std::unique_ptr<utf8proc_uint8_t, decltype(&std::free)> owner(mapped, &std::free);
  return std::string(reinterpret_cast<const char*>(mapped), static_cast<size_t>(length));
}

// Compatibility decomposition, case folding, marks dropped.
std::string Fold(std::string_view text) {
  auto folded =
      Map(text, UTF8PROC_STABLE | UTF8PROC_COMPAT | UTF8PROC_DECOMPOSE | UTF8PROC_STRIPMARK | UTF8PROC_CASEFOLD);
  return folded ? *std::move(folded) : LowerCase(text);
}

bool IsArticle(std::string_view word) {
  return word == "a" || word == "an" || word == "the";
}

// re.sub(r"\b(a|an|the)\b", " ", text), then white space squeezed.
std::string DropArticles(std::string_view text) {
  std::string out;
  bool space = false;
  auto emit = [&](std::string_view piece) {
    if (space && !out.empty()) out += ' ';
    space = false;
    out += piece;
  };
  size_t offset = 0;
  while (offset < text.size()) {
    const size_t begin = offset;
    const int32_t code = Next(text, &offset);
    if (IsSpace(code)) {
      space = true;
      continue;
    }
    if (!IsWord(code)) {
      emit(text.substr(begin, offset - begin));
      continue;
    }
    size_t end = offset;
    while (end < text.size()) {
      size_t after = end;
      if (!IsWord(Next(text, &after))) break;
      end = after;
    }
    offset = end;
    const std::string_view word = text.substr(begin, end - begin);
    if (IsArticle(word)) {
      space = true;
    } else {
      emit(word);
    }
  }
  return out;
}

double F1OfNormalised(std::string_view answer, std::string_view gold) {
  const std::vector<std::string_view> answer_words = SplitWords(answer);
  const std::vector<std::string_view> gold_words = SplitWords(gold);
  if (answer_words.empty() || gold_words.empty()) return answer_words.empty() && gold_words.empty() ? 1.0 : 0.0;
  std::map<std::string_view, int64_t> counts;
  for (std::string_view word : gold_words) ++counts[word];
  int64_t common = 0;
  for (std::string_view word : answer_words) {
    auto found = counts.find(word);
    if (found == counts.end() || found->second == 0) continue;
    --found->second;
    ++common;
  }
  if (common == 0) return 0.0;
  const double precision = static_cast<double>(common) / static_cast<double>(answer_words.size());
  const double recall = static_cast<double>(common) / static_cast<double>(gold_words.size());
  return 2 * precision * recall / (precision + recall);
}

}  // namespace

std::vector<std::string_view> SplitWords(std::string_view text) {
  std::vector<std::string_view> words;
  size_t begin = 0;
  size_t offset = 0;
  while (offset < text.size()) {
    const size_t at = offset;
    if (!IsSpace(Next(text, &offset))) continue;
    if (at > begin) words.push_back(text.substr(begin, at - begin));
    begin = offset;
  }
  if (text.size() > begin) words.push_back(text.substr(begin));
  return words;
}

std::string LowerCase(std::string_view text) {
  std::string out;
  size_t offset = 0;
  while (offset < text.size()) {
    const int32_t code = Next(text, &offset);
    if (code == kDottedCapitalI) {
      out += "i\u0307";
    } else {
      Append(utf8proc_tolower(code), &out);
    }
  }
  return out;
}

std::string UpperCase(std::string_view text) {
  std::string out;
  size_t offset = 0;
  while (offset < text.size()) Append(utf8proc_toupper(Next(text, &offset)), &out);
  return out;
}

std::string Capitalise(std::string_view text) {
  std::string out;
  size_t offset = 0;
  if (!text.empty()) Append(utf8proc_totitle(Next(text, &offset)), &out);
  return out + LowerCase(text.substr(offset));
}

std::string Decompose(std::string_view text) {
  auto apart = Map(text, UTF8PROC_STABLE | UTF8PROC_DECOMPOSE);
  return apart ? *std::move(apart) : std::string(text);
}

int64_t CountCodePoints(std::string_view text) {
  int64_t count = 0;
  size_t offset = 0;
  while (offset < text.size()) {
    Next(text, &offset);
    ++count;
  }
  return count;
}

std::string_view Trim(std::string_view text) {
  size_t begin = text.size();
  size_t end = 0;
  size_t offset = 0;
  while (offset < text.size()) {
    const size_t at = offset;
    if (IsSpace(Next(text, &offset))) continue;
    begin = std::min(begin, at);
    end = offset;
  }
  return end > begin ? text.substr(begin, end - begin) : std::string_view();
}

std::string NormaliseAnswer(std::string_view text, Normalisation form) {
  const std::string lower = form == Normalisation::kJade ? Fold(text) : LowerCase(text);
  std::string plain;
  size_t offset = 0;
  while (offset < lower.size()) {
    const int32_t code = Next(lower, &offset);
    if (form == Normalisation::kSquad) {
      if (!IsAsciiPunctuation(code)) Append(code, &plain);
    } else {
      Append(IsPunctuation(code) ? ' ' : code, &plain);
    }
  }
  return DropArticles(plain);
}

double ExactMatch(std::string_view answer, const std::vector<std::string>& gold, Normalisation form) {
  const std::string normal = NormaliseAnswer(answer, form);
  const auto equal = [&](const std::string& one) { return NormaliseAnswer(one, form) == normal; };
  return std::any_of(gold.begin(), gold.end(), equal) ? 1.0 : 0.0;
}

double TokenF1(std::string_view answer, const std::vector<std::string>& gold, Normalisation form) {
  const std::string normal = NormaliseAnswer(answer, form);
  double best = 0.0;
  for (const std::string& one : gold) best = std::max(best, F1OfNormalised(normal, NormaliseAnswer(one, form)));
  return best;
}

double Accuracy(std::string_view answer, const std::vector<std::string>& gold, Normalisation form) {
  const std::string normal = NormaliseAnswer(answer, form);
  const auto contained = [&](const std::string& one) {
    const std::string wanted = NormaliseAnswer(one, form);
    return !wanted.empty() && normal.find(wanted) != std::string::npos;
  };
  return std::any_of(gold.begin(), gold.end(), contained) ? 1.0 : 0.0;
}

bool IsYesNo(const std::vector<std::string>& gold, Normalisation form) {
  const auto yes_no = [&](const std::string& one) {
    const std::string normal = NormaliseAnswer(one, form);
    return normal == "yes" || normal == "no";
  };
  return !gold.empty() && std::all_of(gold.begin(), gold.end(), yes_no);
}

int64_t CountWords(std::string_view text) {
  return static_cast<int64_t>(SplitWords(text).size());
}

int64_t CountWordTokens(std::string_view text) {
  int64_t count = 0;
  bool inside = false;
  size_t offset = 0;
  while (offset < text.size()) {
    const bool word = IsWord(Next(text, &offset));
    if (word && !inside) ++count;
    inside = word;
  }
  return count;
}

}  // namespace jade::builtins
