#include "runtime/datasets/import.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <unordered_set>

#include "compiler/source/suggest.h"
#include "runtime/data/rng.h"
#include "runtime/datasets/fields.h"
#include "runtime/datasets/passage_set.h"
#include "runtime/datasets/records.h"
#include "runtime/files/atomic_file.h"

namespace jade::datasets {
namespace {

using nlohmann::json;
using Convert = std::function<MaybeItem(const json&)>;

bool HasPassages(Dataset dataset) {
  return dataset == Dataset::kHotpotQa || dataset == Dataset::k2Wiki || dataset == Dataset::kMusique;
}

const std::string& NameOf(Dataset dataset) {
  return DatasetNames()[static_cast<size_t>(dataset)];
}

std::string Line(const nlohmann::ordered_json& object) {
  return object.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
}

nlohmann::ordered_json Row(const Item& item) {
  nlohmann::ordered_json row{
      {"id", item.id}, {"question", item.question}, {"answer", item.answers.front()}, {"answers", item.answers}};
  if (!item.type.empty()) row["type"] = item.type;
  if (!item.support.empty()) row["support"] = item.support;
  for (const auto& field : item.more.items()) row[field.key()] = field.value();
  return row;
}

Result<Convert> ConverterOf(const ImportOptions& options) {
  switch (options.dataset) {
    case Dataset::kNq:
      return Convert(NqItem);
    case Dataset::kPopQa:
      return Convert(PopQaItem);
    case Dataset::kAmbigQa:
      return Convert(AmbigQaItem);
    case Dataset::kHotpotQa:
      return Convert(HotpotQaItem);
    case Dataset::kMusique:
      return Convert(MusiqueItem);
    case Dataset::kBamboogle:
      return Convert(BamboogleItem);
    case Dataset::kMapped:
      return Convert([fields = options.fields](const json& record) { return MappedItem(record, fields); });
    case Dataset::k2Wiki:
      break;
  }
  Aliases aliases;
  if (!options.aliases.empty()) {
    JADE_ASSIGN_OR_RETURN(aliases, ReadAliases(options.aliases));
  }
  return Convert([aliases = std::move(aliases)](const json& record) { return WikiItem(record, aliases); });
}

// Goes through the records of all files and hands on the questions among them, those of no id numbered.
class Reading {
 public:
  Reading(const ImportOptions& options, const Convert& convert, progress::Sink& progress,
          const std::atomic<bool>& cancel)
      : options_(options), convert_(convert), progress_(progress), cancel_(cancel) {}

  // `take` is told every question in order, and returns whether to go on.
  Status Run(const std::string& task, const std::function<Result<bool>(Item)>& take) {
    std::error_code ignored;
    progress::Task shown{.name = task, .unit = "B"};
    for (const std::string& file : options_.files) shown.total += std::filesystem::file_size(file, ignored);
    progress_.Begin(shown);
    Status status = ReadFiles(take);
    progress_.End();
    return status;
  }

  uint64_t left_out() const { return left_out_; }

 private:
  Status ReadFiles(const std::function<Result<bool>(Item)>& take) {
    uint64_t before = 0;
    for (const std::string& file : options_.files) {
      JADE_ASSIGN_OR_RETURN(const auto records, Records::Open(file));
      json record;
      while (true) {
        if (cancel_.load(std::memory_order_relaxed)) return Error(ErrorCode::kCancelled, "interrupted");
        JADE_ASSIGN_OR_RETURN(const bool more, records->Next(&record));
        if (!more) break;
        JADE_ASSIGN_OR_RETURN(const bool go_on, TakeRecord(*records, record, take));
        if (!go_on) return {};
        progress_.Update(before + records->bytes_read(), {});
      }
      before += records->bytes_read();
      progress_.Update(before, {});
    }
    return {};
  }

  Result<bool> TakeRecord(const Records& records, const json& record, const std::function<Result<bool>(Item)>& take) {
    ++number_;
    auto item = convert_(record);
    if (!item.ok()) return records.ErrorHere(item.error().message());
    if (!*item) {
      ++left_out_;
      return true;
    }
    Item& question = **item;
    question.answers = Distinct(std::move(question.answers));
    question.support = Distinct(std::move(question.support));
    if (question.answers.empty()) return records.ErrorHere("it has no answer that is more than white space");
    if (question.id.empty()) question.id = fmt::format("{}-{:06}", NameOf(options_.dataset), number_);
    if (!ids_.insert(question.id).second) {
      return records.ErrorHere(fmt::format("the id `{}` stands in the input twice", question.id));
    }
    auto taken = take(std::move(question));
    if (!taken.ok() && taken.error().code() == ErrorCode::kInvalidArgument) {
      return records.ErrorHere(taken.error().message());
    }
    return taken;
  }

  const ImportOptions& options_;
  const Convert& convert_;
  progress::Sink& progress_;
  const std::atomic<bool>& cancel_;
  std::unordered_set<std::string> ids_;
  uint64_t number_ = 0;  // of the record, over all files
  uint64_t left_out_ = 0;
};

// Which questions are written: all, the first ones, or a sample (Knuth, The Art of Computer Programming 2, algorithm
// S).
class Choice {
 public:
  Choice(uint64_t wanted, std::optional<uint64_t> seed, uint64_t total)
      : wanted_(wanted), total_(total), sampled_(seed.has_value()), rng_(seed.value_or(0)) {}
  bool Takes() {
    if (!sampled_) return true;
    const bool takes = rng_.Below(total_ - seen_) < wanted_ - taken_;
    ++seen_;
    if (takes) ++taken_;
    return takes;
  }

 private:
  uint64_t wanted_;
  uint64_t total_;
  uint64_t seen_ = 0;
  uint64_t taken_ = 0;
  bool sampled_;
  data::Rng rng_;
};

// None of the files may be written over one that is read, or over each other.
Status CheckPaths(const ImportOptions& options) {
  std::vector<std::string> read = options.files;
  if (!options.aliases.empty()) read.push_back(options.aliases);
  for (const std::string& output : {options.output, options.corpus}) {
    if (output.empty()) continue;
    for (const std::string& file : read) {
      std::error_code ec;
      if (std::filesystem::equivalent(file, output, ec) && !ec) {
        return Error(ErrorCode::kInvalidArgument, fmt::format("`{}` is read and cannot be written to", output));
      }
    }
    read.push_back(output);
    if (output == options.output && output == options.corpus) {
      return Error(ErrorCode::kInvalidArgument, "questions and corpus must be two files");
    }
  }
  if (!options.corpus.empty() && !HasPassages(options.dataset)) {
    return Error(ErrorCode::kInvalidArgument,
                 fmt::format("{} brings no passages: a corpus comes with hotpotqa, 2wiki and musique alone",
                             NameOf(options.dataset)));
  }
  if (!options.aliases.empty() && options.dataset != Dataset::k2Wiki) {
    return Error(ErrorCode::kInvalidArgument, "aliases in a file of their own are those of 2wiki alone");
  }
  return {};
}

Result<uint64_t> CountQuestions(const ImportOptions& options, const Convert& convert, progress::Sink& progress,
                                const std::atomic<bool>& cancel) {
  uint64_t total = 0;
  Reading reading(options, convert, progress, cancel);
  JADE_TRY(reading.Run("counting", [&](const Item&) -> Result<bool> {
    ++total;
    return true;
  }));
  return total;
}

}  // namespace

const std::vector<std::string>& DatasetNames() {
  static const std::vector<std::string> names{"nq",    "popqa",   "ambigqa",   "hotpotqa",
                                              "2wiki", "musique", "bamboogle", "jsonl"};
  return names;
}

Result<Dataset> ParseDataset(std::string_view name) {
  const auto& names = DatasetNames();
  const auto at = std::find(names.begin(), names.end(), name);
  if (at != names.end()) return static_cast<Dataset>(at - names.begin());
  const std::string hint = source::DidYouMean(name, names);
  return Error(ErrorCode::kInvalidArgument,
               fmt::format("unknown dataset `{}`{}", name,
                           hint.empty() ? fmt::format(": there are {}", fmt::join(names, ", ")) : hint));
}

Result<ImportSummary> Import(const ImportOptions& options, progress::Sink& progress, const std::atomic<bool>& cancel) {
  JADE_TRY(CheckPaths(options));
  JADE_ASSIGN_OR_RETURN(const Convert convert, ConverterOf(options));
  uint64_t total = 0;
  if (options.seed) {
    JADE_ASSIGN_OR_RETURN(total, CountQuestions(options, convert, progress, cancel));
  }
  Choice choice(options.limit == 0 ? total : options.limit, options.seed, total);
  JADE_ASSIGN_OR_RETURN(auto questions, files::AtomicFile::Create(options.output));
  std::optional<PassageSet> passages;
  if (!options.corpus.empty()) {
    JADE_ASSIGN_OR_RETURN(passages, PassageSet::Create(options.corpus, NameOf(options.dataset)));
  }
  ImportSummary summary;
  Reading reading(options, convert, progress, cancel);
  JADE_TRY(reading.Run("importing", [&](const Item& item) -> Result<bool> {
    if (!choice.Takes()) return true;
    JADE_TRY(questions.Write(Line(Row(item))));
    ++summary.questions;
    for (const Passage& passage : item.passages) {
      if (passages) JADE_TRY(passages->Add(passage));
    }
    return options.limit == 0 || summary.questions < options.limit;
  }));
  summary.left_out = reading.left_out();
  if (summary.questions == 0) {
    return Error(ErrorCode::kInvalidArgument, fmt::format("`{}` holds no questions", options.files.back()));
  }
  if (passages) {
    summary.passages = passages->size();
    summary.repeated = passages->repeated();
    JADE_TRY(passages->Commit());
  }
  JADE_TRY(questions.Commit());
  return summary;
}

}  // namespace jade::datasets
