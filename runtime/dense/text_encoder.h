#pragma once
// Texts as vectors, whatever computes them; runtime/encoder does it with LibTorch. An encoder belongs to one thread at
// a time.

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "compiler/result/result.h"

namespace jade::dense {

// What makes two encoders the same: vectors of one may be compared with vectors of the other.
struct EncoderIdentity {
  std::string model;    // as the user named it; for people, not compared
  std::string hash;     // of configuration, tokenizer and weights
  std::string pooling;  // "mean", "cls"
  std::string query_prefix;
  std::string passage_prefix;
  int64_t max_tokens = 0;  // longer texts are cut
  int64_t dimension = 0;
};

// What differs, with both values: "its pooling is `cls`, not `mean`"; empty when nothing does.
std::string Difference(const EncoderIdentity& has, const EncoderIdentity& wanted);

enum class TextKind { kQuery, kPassage };

class TextEncoder {
 public:
  virtual ~TextEncoder() = default;
  virtual const EncoderIdentity& identity() const = 0;
  // Rows of length 1, [texts.size(), dimension], in the order of the texts. A row does not depend on the texts beside
  // it but for the rounding of sums.
  virtual Result<std::vector<float>> Encode(std::span<const std::string> texts, TextKind kind) = 0;
};

}  // namespace jade::dense
