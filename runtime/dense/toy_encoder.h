#pragma once
// An encoder for tests: a text's vector counts its letters, so that texts of the same letters are near.

#include <cmath>
#include <cstdlib>

#include "runtime/dense/text_encoder.h"

namespace jade::dense {

class ToyEncoder final : public TextEncoder {
 public:
  static constexpr size_t kDimension = 27;
  explicit ToyEncoder(std::string hash = "toy") {
    identity_ = {.model = "toy",
                 .hash = std::move(hash),
                 .pooling = "mean",
                 .query_prefix = {},
                 .passage_prefix = {},
                 .max_tokens = 100,
                 .dimension = kDimension};
  }
  const EncoderIdentity& identity() const override { return identity_; }
  Result<std::vector<float>> Encode(std::span<const std::string> texts, TextKind /*kind*/) override {
    ++calls_;
    std::vector<float> rows;
    for (const std::string& text : texts) {
      std::vector<float> row(kDimension, 0.01F);
      for (const char c : text) {
        const char lower = static_cast<char>(c | 0x20);
        row[lower >= 'a' && lower <= 'z' ? static_cast<size_t>(lower - 'a') : 26] += 1.0F;
      }
      float square = 0;
      for (const float value : row) square += value * value;
      for (const float value : row) rows.push_back(value / std::sqrt(square));
    }
    return rows;
  }
  int calls() const { return calls_; }

 private:
  EncoderIdentity identity_;
  int calls_ = 0;
};

}  // namespace jade::dense
