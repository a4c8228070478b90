#include "runtime/constrain/library.h"

#include <fmt/format.h>

#include <mutex>
#include <unordered_map>
#include <vector>

#include "runtime/constrain/bound.h"
#include "runtime/constrain/plan_machine.h"
#include "runtime/constrain/subset_machine.h"
#include "runtime/constrain/tag_machine.h"

namespace jade::constrain {
namespace {

constexpr size_t kMaxVocabularies = 4;
constexpr size_t kMaxFormats = 256;

// Tries by vocabulary, the newest first.
class Tries {
 public:
  std::shared_ptr<const TokenTrie> Of(const std::shared_ptr<const engine::Vocabulary>& vocabulary) {
    const std::scoped_lock lock(mutex_);
    for (const auto& trie : known_) {
      if (&trie->vocabulary() == vocabulary.get()) return trie;
    }
    if (known_.size() == kMaxVocabularies) known_.pop_back();
    known_.insert(known_.begin(), std::make_shared<const TokenTrie>(vocabulary));
    return known_.front();
  }

 private:
  std::mutex mutex_;
  std::vector<std::shared_ptr<const TokenTrie>> known_;  // each keeps its vocabulary
};

std::string_view WithoutLeadingBlanks(std::string_view text) {
  const size_t first = text.find_first_not_of(" \n\t\r\f\v");
  return text.substr(first == std::string_view::npos ? text.size() : first);
}

// The automaton of a format and, for each vocabulary, its masks.
class Format {
 public:
  virtual ~Format() = default;
  virtual Status CheckPrefix(const Spec& spec) const = 0;
  virtual Result<std::shared_ptr<const engine::BoundConstraint>> Bind(const Spec& spec,
                                                                      const std::shared_ptr<const TokenTrie>& trie) = 0;
};

Status CheckVocabulary(const std::string& required, const TokenTrie& trie) {
  bool ends = false;
  for (const int32_t id : trie.vocabulary().end_ids) ends = ends || (id >= 0 && id < trie.size());
  if (!ends) return Error(ErrorCode::kInvalidArgument, "the vocabulary has no token that ends a reply");
  std::string missing;
  for (const char byte : required) {
    if (!trie.HasByte(static_cast<uint8_t>(byte))) missing += fmt::format("{}`{}`", missing.empty() ? "" : ", ", byte);
  }
  if (missing.empty()) return {};
  return Error(ErrorCode::kInvalidArgument,
               fmt::format("the vocabulary cannot spell the format: it has no tokens for the bytes {}", missing));
}

template <typename Machine>
class FormatOf final : public Format {
 public:
  explicit FormatOf(Machine machine) : machine_(std::make_shared<const Machine>(std::move(machine))) {}

  Status CheckPrefix(const Spec& spec) const override {
    typename Machine::State state = StartOf(spec);
    if (Read(spec.prefix, &state) && machine_->Pending(state) == Utf8::kWhole) return {};
    return Error(ErrorCode::kInvalidArgument, "no reply of the format begins with the prefill");
  }

  Result<std::shared_ptr<const engine::BoundConstraint>> Bind(const Spec& spec,
                                                              const std::shared_ptr<const TokenTrie>& trie) override {
    JADE_TRY(CheckVocabulary(machine_->Required(), *trie));
    typename Machine::State state = StartOf(spec);
    (void)Read(spec.prefix, &state);
    return std::shared_ptr<const engine::BoundConstraint>(
        std::make_shared<Bound<Machine>>(CoreOf(trie), state, spec.prefix.size(), spec.limit));
  }

 private:
  typename Machine::State StartOf(const Spec& spec) const {
    if constexpr (std::is_same_v<Machine, SubsetMachine>) {
      return machine_->Start(spec.documents);
    } else {
      return machine_->Start();
    }
  }
  bool Read(std::string_view prefix, typename Machine::State* state) const {
    for (const char c : WithoutLeadingBlanks(prefix)) {
      if (!machine_->Next(state, static_cast<uint8_t>(c))) return false;
    }
    return true;
  }
  std::shared_ptr<const Core<Machine>> CoreOf(const std::shared_ptr<const TokenTrie>& trie) {
    const std::scoped_lock lock(mutex_);
    for (const auto& core : cores_) {
      if (&core->trie() == trie.get()) return core;
    }
    if (cores_.size() == kMaxVocabularies) cores_.pop_back();
    cores_.insert(cores_.begin(), std::make_shared<const Core<Machine>>(machine_, trie));
    return cores_.front();
  }

  std::shared_ptr<const Machine> machine_;
  std::mutex mutex_;
  std::vector<std::shared_ptr<const Core<Machine>>> cores_;
};

template <typename Machine>
Result<std::shared_ptr<Format>> MakeFormat(const Spec& spec) {
  JADE_ASSIGN_OR_RETURN(Machine machine, Machine::Make(spec));
  return std::shared_ptr<Format>(std::make_shared<FormatOf<Machine>>(std::move(machine)));
}

class SpecConstraint final : public engine::Constraint {
 public:
  SpecConstraint(Spec spec, std::shared_ptr<Format> format, std::shared_ptr<Tries> tries)
      : spec_(std::move(spec)), id_(IdText(spec_)), format_(std::move(format)), tries_(std::move(tries)) {}

  const std::string& id() const override { return id_; }
  Result<std::shared_ptr<const engine::BoundConstraint>> Bind(
      std::shared_ptr<const engine::Vocabulary> vocabulary) const override {
    return format_->Bind(spec_, tries_->Of(vocabulary));
  }

 private:
  Spec spec_;
  std::string id_;
  std::shared_ptr<Format> format_;
  std::shared_ptr<Tries> tries_;
};

}  // namespace

struct Library::Shared {
  std::mutex mutex;
  std::unordered_map<std::string, std::shared_ptr<Format>> formats;  // by MachineText
  std::shared_ptr<Tries> tries = std::make_shared<Tries>();

  Result<std::shared_ptr<Format>> Of(const Spec& spec) {
    if (spec.kind == SpecKind::kPlan && spec.plan == nullptr) {
      return Error(ErrorCode::kInvalidArgument, "a plan without a scope");
    }
    const std::string text = MachineText(spec);
    const std::scoped_lock lock(mutex);
    if (auto known = formats.find(text); known != formats.end()) return known->second;
    Result<std::shared_ptr<Format>> made = spec.kind == SpecKind::kSubset ? MakeFormat<SubsetMachine>(spec)
                                           : spec.kind == SpecKind::kPlan ? MakeFormat<PlanMachine>(spec)
                                                                          : MakeFormat<TagMachine>(spec);
    if (!made.ok()) return made;
    if (formats.size() == kMaxFormats) {
      std::erase_if(formats, [](const auto& format) { return format.second.use_count() == 1; });
    }
    if (formats.size() < kMaxFormats) formats.emplace(text, *made);
    return made;
  }
};

Library::Library() : shared_(std::make_shared<Shared>()) {}

Result<ConstraintPtr> Library::Make(const Spec& spec) const {
  if (spec.prefix.size() > kMaxPrefixBytes) return Error(ErrorCode::kInvalidArgument, "the prefill is too long");
  JADE_ASSIGN_OR_RETURN(std::shared_ptr<Format> format, shared_->Of(spec));
  JADE_TRY(format->CheckPrefix(spec));
  return ConstraintPtr(std::make_shared<const SpecConstraint>(spec, std::move(format), shared_->tries));
}

Result<ConstraintPtr> Library::FromId(std::string_view id) const {
  JADE_ASSIGN_OR_RETURN(const Spec spec, ParseId(id));
  return Make(spec);
}

Result<ConstraintPtr> FromId(std::string_view id) {
  return Library().FromId(id);
}

}  // namespace jade::constrain
