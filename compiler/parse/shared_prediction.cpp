#include "compiler/parse/shared_prediction.h"

#include <mutex>

#include "compiler/parse/parse.h"

namespace jade::parse {

SharedPrediction::SharedPrediction(const antlr4::atn::ATN& atn) {
  const size_t count = atn.getNumberOfDecisions();
  decisions.reserve(count);
  for (size_t i = 0; i < count; ++i) decisions.emplace_back(atn.getDecisionState(i), i);
}

std::shared_ptr<SharedPrediction> SharedPrediction::Current(const antlr4::atn::ATN& atn) {
  static std::mutex mutex;
  static std::shared_ptr<SharedPrediction> current;
  std::shared_ptr<SharedPrediction> old;  // goes after the lock
  const std::lock_guard lock(mutex);
  if (current == nullptr || current->states() > kMostLearntStates) {
    old = std::move(current);
    current = std::make_shared<SharedPrediction>(atn);
  }
  return current;
}

antlr4::dfa::DFAState* CountingSimulator::addDFAState(antlr4::dfa::DFA& dfa, antlr4::dfa::DFAState* state) {
  const size_t before = dfa.states.size();  // ANTLR holds its lock here
  antlr4::dfa::DFAState* added = ParserATNSimulator::addDFAState(dfa, state);
  if (dfa.states.size() > before) shared_->Learnt();
  return added;
}

}  // namespace jade::parse
