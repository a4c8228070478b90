#include "runtime/tokenizer/bpe_trainer.h"

#include <fmt/format.h>

#include <algorithm>
#include <queue>
#include <set>
#include <utility>

#include "runtime/tokenizer/byte_alphabet.h"
#include "runtime/tokenizer/unicode.h"
#include "runtime/tokenizer/word_scanner.h"

namespace jade::tokenizer {
namespace {

using PairKey = uint64_t;

PairKey KeyOf(int32_t left, int32_t right) {
  return (static_cast<uint64_t>(static_cast<uint32_t>(left)) << 32) | static_cast<uint32_t>(right);
}
int32_t LeftOf(PairKey key) {
  return static_cast<int32_t>(key >> 32);
}
int32_t RightOf(PairKey key) {
  return static_cast<int32_t>(key & 0xFFFFFFFF);
}

struct PairUse {
  int64_t count = 0;
  std::vector<uint32_t> words;  // where it occurs, or occurred; a word may be listed more than once
};

struct Candidate {
  int64_t count;
  PairKey pair;
  // The heap's top: the largest count, then the smallest pair.
  bool operator<(const Candidate& other) const {
    return count != other.count ? count < other.count : pair > other.pair;
  }
};

struct CountedWord {
  std::vector<int32_t> symbols;
  int64_t count = 0;
};

// The state of one training: words as symbols, and for every adjacent pair its count and where it occurs.
class Training {
 public:
  Training(const BpeTrainerOptions& options, TokenizerSpec* spec) : options_(options), spec_(*spec) {
    for (const std::string& token : spec_.tokens) ids_.emplace(token, static_cast<int32_t>(ids_.size()));
    lengths_.assign(spec_.tokens.size(), 1);
  }

  void AddWord(std::string_view word, int64_t count, const std::vector<int32_t>& byte_ids) {
    CountedWord counted{{}, count};
    for (char c : word) counted.symbols.push_back(byte_ids[static_cast<uint8_t>(c)]);
    words_.push_back(std::move(counted));
    const auto& symbols = words_.back().symbols;
    for (size_t i = 0; i + 1 < symbols.size(); ++i) Change(symbols[i], symbols[i + 1], count, words_.size() - 1);
  }

  void Run() {
    OfferChanged();
    while (spec_.tokens.size() < static_cast<size_t>(options_.vocab_size) && !heap_.empty()) {
      const Candidate top = heap_.top();
      heap_.pop();
      PairUse& use = pairs_[top.pair];
      if (use.count != top.count) continue;  // it changed since: the entry with the true count is in the heap too
      if (top.count < static_cast<int64_t>(std::max<uint64_t>(1, options_.min_frequency))) break;
      Merge(top.pair, std::exchange(use.words, {}));
      pairs_[top.pair].count = 0;
      OfferChanged();
    }
  }

 private:
  bool IsSpecial(const std::string& token) const {
    const auto& specials = options_.special_tokens;
    return std::find(specials.begin(), specials.end(), token) != specials.end();
  }

  void Change(int32_t left, int32_t right, int64_t by, size_t word) {
    if (lengths_[static_cast<size_t>(left)] + lengths_[static_cast<size_t>(right)] > options_.max_token_bytes) return;
    const PairKey key = KeyOf(left, right);
    PairUse& use = pairs_[key];
    use.count += by;
    changed_.insert(key);
    if (by > 0 && (use.words.empty() || use.words.back() != word)) use.words.push_back(static_cast<uint32_t>(word));
  }

  void OfferChanged() {
    for (PairKey key : changed_) {
      if (const int64_t count = pairs_[key].count; count > 0) heap_.push({count, key});
    }
    changed_.clear();
  }

  void Merge(PairKey pair, std::vector<uint32_t> where) {
    const std::string& left = spec_.tokens[static_cast<size_t>(LeftOf(pair))];
    const std::string& right = spec_.tokens[static_cast<size_t>(RightOf(pair))];
    const std::string token = left + right;
    if (IsSpecial(token)) return;  // text never becomes a special token
    spec_.merges.emplace_back(left, right);
    const auto [entry, added] = ids_.emplace(token, static_cast<int32_t>(spec_.tokens.size()));
    if (added) {
      lengths_.push_back(lengths_[static_cast<size_t>(LeftOf(pair))] + lengths_[static_cast<size_t>(RightOf(pair))]);
      spec_.tokens.push_back(token);
    }
    std::sort(where.begin(), where.end());
    where.erase(std::unique(where.begin(), where.end()), where.end());
    for (uint32_t word : where) MergeInWord(word, LeftOf(pair), RightOf(pair), entry->second);
  }

  void MergeInWord(uint32_t word, int32_t left, int32_t right, int32_t merged) {
    auto& [symbols, count] = words_[word];
    size_t out = 0;
    for (size_t in = 0; in < symbols.size(); ++in) {
      if (in + 1 < symbols.size() && symbols[in] == left && symbols[in + 1] == right) {
        if (out > 0) {
          Change(symbols[out - 1], left, -count, word);
          Change(symbols[out - 1], merged, count, word);
        }
        if (in + 2 < symbols.size()) {
          Change(right, symbols[in + 2], -count, word);
          Change(merged, symbols[in + 2], count, word);
        }
        symbols[out++] = merged;
        ++in;
      } else {
        symbols[out++] = symbols[in];
      }
    }
    symbols.resize(out);
  }

  const BpeTrainerOptions& options_;
  TokenizerSpec& spec_;
  std::vector<CountedWord> words_;
  std::unordered_map<std::string, int32_t> ids_;
  std::vector<size_t> lengths_;  // bytes of each token
  std::unordered_map<PairKey, PairUse> pairs_;
  std::set<PairKey> changed_;
  std::priority_queue<Candidate> heap_;
};

Status CheckOptions(const BpeTrainerOptions& options) {
  std::set<std::string> seen;
  for (const std::string& token : options.special_tokens) {
    if (token.empty() || !seen.insert(token).second) {
      return Error(ErrorCode::kInvalidArgument, fmt::format("the special token `{}` is empty or repeated", token));
    }
  }
  const size_t least = 256 + options.special_tokens.size();
  if (options.vocab_size < 0 || static_cast<size_t>(options.vocab_size) < least) {
    return Error(ErrorCode::kInvalidArgument,
                 fmt::format("a vocabulary of {} is too small: 256 bytes and {} special tokens need {}",
                             options.vocab_size, options.special_tokens.size(), least));
  }
  return {};
}

}  // namespace

BpeTrainer::BpeTrainer(BpeTrainerOptions options) : options_(std::move(options)), specials_(ToAdded(options_)) {}

std::vector<AddedToken> BpeTrainer::ToAdded(const BpeTrainerOptions& options) {
  std::vector<AddedToken> added;
  for (const std::string& token : options.special_tokens) added.push_back({static_cast<int32_t>(added.size()), token});
  return added;
}

void BpeTrainer::Add(std::string_view text, uint64_t times) {
  size_t position = 0;
  while (const auto match = specials_.Find(text, position)) {
    AddPlain(text.substr(position, match->begin - position), times);
    position = match->end;
  }
  AddPlain(text.substr(position), times);
}

void BpeTrainer::AddPlain(std::string_view text, uint64_t times) {
  const std::string normalised = options_.normalise_nfc ? NormaliseNfc(text) : std::string();
  if (options_.normalise_nfc) text = normalised;
  WordScanner scanner(options_.pre_tokenizer, text);
  for (Word word; scanner.Next(&word);) {
    word_counts_[std::string(text.substr(word.begin, word.end - word.begin))] += times;
    words_seen_ += times;
  }
}

Result<TokenizerSpec> BpeTrainer::Train() const {
  JADE_TRY(CheckOptions(options_));
  TokenizerSpec spec;
  spec.pre_tokenizer = options_.pre_tokenizer;
  spec.normalise_nfc = options_.normalise_nfc;
  spec.added = ToAdded(options_);
  spec.tokens = options_.special_tokens;
  std::vector<int32_t> byte_ids(256);
  for (char byte : BytesInAlphabetOrder()) {
    byte_ids[static_cast<uint8_t>(byte)] = static_cast<int32_t>(spec.tokens.size());
    spec.tokens.push_back(BytesToAlphabet({&byte, 1}));
  }
  std::vector<std::pair<std::string_view, uint64_t>> words(word_counts_.begin(), word_counts_.end());
  std::sort(words.begin(), words.end());
  Training training(options_, &spec);
  for (const auto& [word, count] : words) training.AddWord(word, static_cast<int64_t>(count), byte_ids);
  training.Run();
  return spec;
}

}  // namespace jade::tokenizer
