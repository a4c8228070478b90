#include "runtime/tokenizer/difference.h"

#include <fmt/format.h>

#include <algorithm>

namespace jade::tokenizer {
namespace {

std::string TokenDifference(const TokenizerSpec& first, const TokenizerSpec& other) {
  static const std::string kNone;
  for (size_t id = 0; id < std::max(first.tokens.size(), other.tokens.size()); ++id) {
    const std::string& a = id < first.tokens.size() ? first.tokens[id] : kNone;
    const std::string& b = id < other.tokens.size() ? other.tokens[id] : kNone;
    if (a == b) continue;
    if (b.empty()) return fmt::format("there is no token {}, which is `{}`", id, a);
    return a.empty() ? fmt::format("there is a token {}, `{}`", id, b)
                     : fmt::format("token {} is `{}`, not `{}`", id, b, a);
  }
  return {};
}

// As far as plain text and the control tokens of a chat form go.
std::string SpecDifference(const TokenizerSpec& first, const TokenizerSpec& other) {
  if (std::string tokens = TokenDifference(first, other); !tokens.empty()) return tokens;
  if (first.merges != other.merges || first.ignore_merges != other.ignore_merges) return "its merges are others";
  if (first.pre_tokenizer != other.pre_tokenizer || first.normalise_nfc != other.normalise_nfc) {
    return "it cuts text into other words";
  }
  if (first.adds_bos != other.adds_bos || (first.adds_bos && first.bos != other.bos)) {
    return "it begins a text with another token";
  }
  return {};
}

}  // namespace

std::string Difference(const ChatFormat& first, const ChatFormat& other) {
  std::string difference = SpecDifference(first.tokenizer().spec(), other.tokenizer().spec());
  if (!difference.empty()) return difference;
  const ChatForm& a = first.form();
  const ChatForm& b = other.form();
  if (a.style != b.style) return "its chat template is of another style";
  if (a.default_system != b.default_system) return "its chat template has another system message";
  if (a.system_preamble != b.system_preamble || a.reply_preamble != b.reply_preamble) {
    return "its chat template has another preamble";
  }
  return {};
}

}  // namespace jade::tokenizer
