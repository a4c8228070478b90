#pragma once
// From ANTLR's exceptions to diagnostics, and back on the rails. Private to compiler/parse.
//
// After an error nothing more is reported until the parser has reached a place where something new begins: the next
// `let` or value of the block, the next clause of the role, the next step of the test. So one mistake gives one message
// and a second mistake further down still gets its own.

#include <string>

#include "antlr4-runtime.h"
#include "compiler/parse/tokens.h"

namespace jade::parse {

class ErrorStrategy : public antlr4::DefaultErrorStrategy {
 public:
  // `tokens` are those of the chunk, with the same indices as the parser's stream.
  ErrorStrategy(const source::SourceFilePtr& file, const Lexeme* tokens, size_t count, bool silent,
                diag::Diagnostics& sink)
      : file_(file), tokens_(tokens), count_(count), silent_(silent), sink_(sink) {}

  void reportError(antlr4::Parser* parser, const antlr4::RecognitionException& error) override;
  void recover(antlr4::Parser* parser, std::exception_ptr error) override;
  antlr4::Token* recoverInline(antlr4::Parser* parser) override;
  void sync(antlr4::Parser* /*parser*/) override {}

  bool failed() const { return failed_; }

  // Whether `context` lies inside the rule with which parsing goes on after the last error: it must end without reading
  // more, or it would take that rule's tokens for its own.
  bool Unwinds(const antlr4::ParserRuleContext* context);

 private:
  void Report(antlr4::Parser* parser, size_t at);
  void ReportTag(size_t at);
  source::Span PlaceOf(size_t at) const;

  const source::SourceFilePtr& file_;
  const Lexeme* tokens_;
  const size_t count_;
  const bool silent_;
  diag::Diagnostics& sink_;
  bool failed_ = false;
  const antlr4::ParserRuleContext* goes_on_ = nullptr;  // null when not unwinding
  size_t resume_ = 0;                                   // no report before this token
};

// For the first, fast attempt: stops at the first error.
class GiveUp : public antlr4::BailErrorStrategy {};

// Throws ParseCancellationException when rules nest deeper than any text within the nesting cap needs.
inline constexpr size_t kMaxRuleDepth = 3000;

}  // namespace jade::parse
