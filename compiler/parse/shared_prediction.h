#pragma once
// Internal to compiler/parse: what ANTLR learns about the grammar's decisions, shared by all parses of the process. It
// grows with every new turn that a text takes, so it is bounded: once it has learnt too much, the next parse begins
// with nothing known, and the old knowledge goes with the last parse that uses it.

#include <atomic>
#include <memory>
#include <vector>

#include "antlr4-runtime.h"

namespace jade::parse {

class SharedPrediction {
 public:
  explicit SharedPrediction(const antlr4::atn::ATN& atn);

  // The one in use; any thread.
  static std::shared_ptr<SharedPrediction> Current(const antlr4::atn::ATN& atn);

  void Learnt() { states_.fetch_add(1, std::memory_order_relaxed); }
  size_t states() const { return states_.load(std::memory_order_relaxed); }

  std::vector<antlr4::dfa::DFA> decisions;
  antlr4::atn::PredictionContextCache contexts;

 private:
  std::atomic<size_t> states_{0};
};

// Predicts with that knowledge, and counts what it adds.
class CountingSimulator : public antlr4::atn::ParserATNSimulator {
 public:
  CountingSimulator(antlr4::Parser* parser, std::shared_ptr<SharedPrediction> shared)
      : ParserATNSimulator(parser, parser->getATN(), shared->decisions, shared->contexts), shared_(std::move(shared)) {}

 protected:
  antlr4::dfa::DFAState* addDFAState(antlr4::dfa::DFA& dfa, antlr4::dfa::DFAState* state) override;

 private:
  std::shared_ptr<SharedPrediction> shared_;
};

}  // namespace jade::parse
