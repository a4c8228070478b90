#pragma once
// Test support: vocabularies, and walks through a constraint by random tokens that it allows. One thread.

#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "runtime/engine/constraint.h"
#include "runtime/tokenizer/tokenizer.h"

namespace jade::constrain {

using VocabularyPtr = std::shared_ptr<const engine::Vocabulary>;

inline VocabularyPtr VocabularyOf(const tokenizer::Tokenizer& tokenizer) {
  auto vocabulary = std::make_shared<engine::Vocabulary>();
  vocabulary->bytes.resize(static_cast<size_t>(tokenizer.vocab_size()));
  for (int32_t id = 0; id < tokenizer.vocab_size(); ++id) {
    if (!tokenizer.IsSpecial(id)) vocabulary->bytes[static_cast<size_t>(id)] = tokenizer.TokenBytes(id);
  }
  vocabulary->end_ids = {tokenizer.eos().value_or(0)};
  return vocabulary;
}

// A token for each byte, an empty one, and the end, which is 257.
inline VocabularyPtr Bytes(std::vector<std::string> more = {}) {
  auto vocabulary = std::make_shared<engine::Vocabulary>();
  for (int byte = 0; byte < 256; ++byte) vocabulary->bytes.emplace_back(1, static_cast<char>(byte));
  vocabulary->bytes.resize(258);
  vocabulary->end_ids = {257};
  for (std::string& token : more) vocabulary->bytes.push_back(std::move(token));
  return vocabulary;
}

struct Walk {
  std::string text;
  std::vector<int32_t> ids;
  std::vector<uint32_t> states;
  bool ended = false;
  std::string problem;  // empty: masks and Accept agreed all the way
};

// Tokens that say something about structure are taken more often than the tens of thousands of words.
class Walker {
 public:
  Walker(VocabularyPtr vocabulary, uint64_t seed) : vocabulary_(std::move(vocabulary)), random_(seed) {
    for (size_t id = 0; id < vocabulary_->bytes.size(); ++id) {
      const std::string& bytes = vocabulary_->bytes[id];
      if (bytes.find_first_of("<>/,;()\"0123456789") != std::string::npos || bytes.size() == 1) {
        structural_.push_back(static_cast<int32_t>(id));
      }
    }
  }

  Walk Run(const engine::BoundConstraint& bound, size_t most_tokens) {
    Walk walk;
    const auto state = bound.Start(engine::kAnyLength);
    for (size_t step = 0; step < most_tokens && !walk.ended && walk.problem.empty(); ++step) {
      const int32_t id = Pick(state->Allowed());
      if (id < 0) {
        walk.problem = "nothing is allowed after " + walk.text;
        break;
      }
      walk.states.push_back(state->number());
      walk.ids.push_back(id);
      if (!state->Accept(id)) walk.problem = "an allowed token is not accepted after " + walk.text;
      walk.ended = id == vocabulary_->end_ids[0];
      if (!walk.ended) walk.text += vocabulary_->bytes[static_cast<size_t>(id)];
    }
    return walk;
  }

  uint64_t Below(uint64_t bound) { return random_() % bound; }

 private:
  int32_t Pick(const engine::TokenMask& mask) {
    const uint64_t kind = Below(8);
    if (kind < 3 && mask.Has(vocabulary_->end_ids[0])) return vocabulary_->end_ids[0];
    if (kind < 6) {
      for (int tries = 0; tries < 40; ++tries) {
        const int32_t id = structural_[Below(structural_.size())];
        if (mask.Has(id)) return id;
      }
    }
    allowed_.clear();
    for (size_t word = 0; word < mask.words().size(); ++word) {
      for (uint64_t bits = mask.words()[word]; bits != 0; bits &= bits - 1) {
        allowed_.push_back(static_cast<int32_t>(word * 64) + __builtin_ctzll(bits));
      }
    }
    return allowed_.empty() ? -1 : allowed_[Below(allowed_.size())];
  }

  VocabularyPtr vocabulary_;
  std::mt19937_64 random_;
  std::vector<int32_t> structural_;
  std::vector<int32_t> allowed_;
};

// Whether `text`, followed by the end, is one of the replies; a token a byte.
inline bool AdmitsText(const engine::BoundConstraint& bound, const std::string& text) {
  const auto state = bound.Start(engine::kAnyLength);
  for (const char c : text) {
    if (!state->Accept(static_cast<uint8_t>(c))) return false;
  }
  return state->Accept(257);
}

}  // namespace jade::constrain
