#pragma once
// Internal to compiler/parse: ANTLR's prediction with a memory of its own. The DFA that all parsers share answers
// behind locks and hash tables; within one text the same few decisions on the same one or two tokens come again and
// again. In SLL mode (without predicates, which the grammar has none of) a prediction depends on nothing but the
// decision and the tokens that it looked at. One thread, for the time of one parse.

#include <array>
#include <cstdint>
#include <memory>
#include <utility>

#include "antlr4-runtime.h"
#include "compiler/parse/chunk_tokens.h"
#include "compiler/parse/shared_prediction.h"

namespace jade::parse {

class RememberingSimulator final : public CountingSimulator {
 public:
  // `stream` is what the parser reads.
  RememberingSimulator(antlr4::Parser* parser, std::shared_ptr<SharedPrediction> shared, ChunkTokens& stream)
      : CountingSimulator(parser, std::move(shared)), stream_(stream) {
    setPredictionMode(antlr4::atn::PredictionMode::SLL);
  }

  size_t adaptivePredict(antlr4::TokenStream* input, size_t decision,
                         antlr4::ParserRuleContext* outer_context) override {
    const auto first = static_cast<uint32_t>(stream_.LA(1));
    Entry& entry = entries_[(decision * 37 + first) % entries_.size()];
    if (entry.alternative != 0 && entry.decision == decision && entry.first == first &&
        (!entry.looks_twice || entry.second == static_cast<uint32_t>(stream_.LA(2)))) {
      return entry.alternative;
    }
    const size_t at = stream_.index();
    stream_.WatchFrom(at);
    const size_t alternative = ParserATNSimulator::adaptivePredict(input, decision, outer_context);
    const size_t looked_at = stream_.furthest() - at + 1;
    if (looked_at <= 2 && alternative <= UINT16_MAX) {
      entry = {static_cast<uint32_t>(decision), first, static_cast<uint32_t>(stream_.LA(2)),
               static_cast<uint16_t>(alternative), looked_at == 2};
    }
    return alternative;
  }

 private:
  struct Entry {
    uint32_t decision = 0;
    uint32_t first = 0;
    uint32_t second = 0;
    uint16_t alternative = 0;  // 0: the entry is free
    bool looks_twice = false;
  };
  ChunkTokens& stream_;
  std::array<Entry, 32> entries_;  // below a KiB: what is larger makes malloc tidy up
};

}  // namespace jade::parse
