#pragma once
// A constraint for tests: the reply is one of a few texts, over a vocabulary of bytes. Counts how often it is bound.

#include <algorithm>
#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "runtime/engine/constraint.h"

namespace jade::backbone {

class OneOf final : public engine::Constraint, public std::enable_shared_from_this<OneOf> {
 public:
  explicit OneOf(std::vector<std::string> texts) : texts_(std::move(texts)) {
    for (const std::string& text : texts_) id_ += text + "|";
  }
  const std::string& id() const override { return id_; }

  Result<std::shared_ptr<const engine::BoundConstraint>> Bind(
      std::shared_ptr<const engine::Vocabulary> vocabulary) const override {
    ++bound;
    for (const std::string& text : texts_) {
      if (text.find('#') != std::string::npos) {
        return Error(ErrorCode::kInvalidArgument, "the vocabulary cannot spell `#`");
      }
    }
    return std::shared_ptr<const engine::BoundConstraint>(std::make_shared<Bound>(texts_, std::move(vocabulary)));
  }

  mutable std::atomic<int> bound = 0;

 private:
  struct State final : engine::ConstraintState {
    State(std::vector<std::string> texts, std::shared_ptr<const engine::Vocabulary> tokens)
        : left(std::move(texts)), vocabulary(std::move(tokens)) {}

    const engine::TokenMask& Allowed() override {
      mask = engine::TokenMask(static_cast<int64_t>(vocabulary->bytes.size()));
      for (const std::string& text : left) {
        if (text.size() == position) {
          for (const int32_t id : vocabulary->end_ids) mask.Add(id);
        } else {
          mask.Add(static_cast<unsigned char>(text[position]));
        }
      }
      return mask;
    }
    bool Accept(int32_t id) override {
      if (!Allowed().Has(id)) return false;
      std::erase_if(left, [&](const std::string& text) {
        return text.size() == position || static_cast<unsigned char>(text[position]) != id;
      });
      ++position;
      return true;
    }
    uint32_t number() const override { return static_cast<uint32_t>(position * 100 + left.size()); }

    std::vector<std::string> left;
    std::shared_ptr<const engine::Vocabulary> vocabulary;
    size_t position = 0;
    engine::TokenMask mask;
  };
  struct Bound final : engine::BoundConstraint {
    Bound(std::vector<std::string> of, std::shared_ptr<const engine::Vocabulary> tokens)
        : texts(std::move(of)), vocabulary(std::move(tokens)) {}
    std::unique_ptr<engine::ConstraintState> Start(int64_t /*most_tokens*/) const override {
      return std::make_unique<State>(texts, vocabulary);
    }
    std::vector<std::string> texts;
    std::shared_ptr<const engine::Vocabulary> vocabulary;
  };

  std::vector<std::string> texts_;
  std::string id_;
};

// The byte tokenizer's tokens.
inline std::shared_ptr<const engine::Vocabulary> ByteTokens() {
  auto vocabulary = std::make_shared<engine::Vocabulary>();
  for (int byte = 0; byte < 256; ++byte) vocabulary->bytes.emplace_back(1, static_cast<char>(byte));
  vocabulary->bytes.resize(258);
  vocabulary->end_ids = {257};
  return vocabulary;
}

}  // namespace jade::backbone
