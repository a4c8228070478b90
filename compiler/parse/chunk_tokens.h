#pragma once
// Internal to compiler/parse: a chunk's lexemes as the stream that ANTLR's parser reads. All of them are there from the
// start and on one channel, which makes every question of the parser an index into an array. The tokens carry type and
// index, no text. One thread; owned by whoever parses, and the parse tree points into it.

#include <algorithm>
#include <vector>

#include "antlr4-runtime.h"
#include "compiler/parse/tokens.h"

namespace jade::parse {

class ChunkTokens final : public antlr4::TokenStream {
 public:
  ChunkTokens(const Lexeme* lexemes, size_t count) : source_(OnlyEnd()) {
    tokens_.reserve(count + 1);  // what points to them is made later
    for (size_t i = 0; i < count; ++i) Add(lexemes[i].type);
    Add(antlr4::Token::EOF);
  }

  antlr4::Token* LT(ssize_t k) override {
    if (k > 0) {
      const size_t asked = std::min(at_ + static_cast<size_t>(k) - 1, tokens_.size() - 1);
      furthest_ = std::max(furthest_, asked);
      return &tokens_[asked];
    }
    const auto back = static_cast<size_t>(-k);
    return k == 0 || back > at_ ? nullptr : &tokens_[at_ - back];
  }
  size_t LA(ssize_t k) override {
    const antlr4::Token* token = LT(k);
    return token == nullptr ? antlr4::Token::INVALID_TYPE : token->getType();
  }
  void consume() override {
    if (at_ + 1 >= tokens_.size()) throw antlr4::IllegalStateException("cannot consume EOF");
    ++at_;
  }
  size_t index() override { return at_; }
  void seek(size_t index) override { at_ = std::min(index, tokens_.size() - 1); }
  size_t size() override { return tokens_.size(); }
  ssize_t mark() override { return 0; }
  void release(ssize_t) override {}
  antlr4::Token* get(size_t index) const override { return const_cast<antlr4::CommonToken*>(&tokens_.at(index)); }
  antlr4::TokenSource* getTokenSource() const override { return const_cast<antlr4::ListTokenSource*>(&source_); }
  std::string getSourceName() const override { return UNKNOWN_SOURCE_NAME; }

  // The token furthest on that anyone has asked for since WatchFrom.
  void WatchFrom(size_t index) { furthest_ = index; }
  size_t furthest() const { return furthest_; }

  // Texts are the lexemes' business.
  std::string getText(const antlr4::misc::Interval&) override { return ""; }
  std::string getText() override { return ""; }
  std::string getText(antlr4::RuleContext*) override { return ""; }
  std::string getText(antlr4::Token*, antlr4::Token*) override { return ""; }

 private:
  static std::vector<std::unique_ptr<antlr4::Token>> OnlyEnd() {
    std::vector<std::unique_ptr<antlr4::Token>> tokens;
    tokens.push_back(std::make_unique<antlr4::CommonToken>(antlr4::Token::EOF));
    return tokens;
  }
  void Add(size_t type) {
    tokens_.emplace_back(type);
    tokens_.back().setTokenIndex(tokens_.size() - 1);
  }

  antlr4::ListTokenSource source_;  // of the end alone; for whoever asks for a token factory
  std::vector<antlr4::CommonToken> tokens_;
  size_t at_ = 0;
  size_t furthest_ = 0;
};

}  // namespace jade::parse
