#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "runtime/sqlite/sqlite.h"
#include "runtime/trace/schema.h"
#include "runtime/trace/store.h"

namespace jade::trace {
namespace {

template <typename T>
std::vector<T> Numbers(std::string_view blob) {
  std::vector<T> numbers(blob.size() / sizeof(T));
  if (!numbers.empty()) std::memcpy(numbers.data(), blob.data(), numbers.size() * sizeof(T));
  return numbers;
}

template <typename E>
E FromName(std::string_view name, std::string_view (*name_of)(E), E last) {
  for (int i = 0; i <= static_cast<int>(last); ++i) {
    if (name_of(static_cast<E>(i)) == name) return static_cast<E>(i);
  }
  return last;
}

std::vector<CallMessage> Messages(std::string_view json) {
  std::vector<CallMessage> messages;
  const auto list = nlohmann::json::parse(json, nullptr, false);
  if (!list.is_array()) return messages;
  for (const auto& item : list) {
    if (item.is_object()) messages.push_back({item.value("role", ""), item.value("text", "")});
  }
  return messages;
}

RunRecord ReadRun(const sqlite::Statement& row) {
  RunRecord run;
  run.id = row.Text(0);
  run.module_name = row.Text(1);
  run.module_hash = row.Text(2);
  run.workflow = row.Text(3);
  run.inputs_json = row.Text(4);
  run.backbone = row.Text(5);
  run.seed = static_cast<uint64_t>(row.Int(6));
  run.started_unix_us = row.Int(7);
  run.elapsed_us = row.Int(8);
  run.status = FromName(row.Text(9), RunStatusName, RunStatus::kUnfinished);
  run.value_json = row.Text(10);
  run.trap_json = row.Text(11);
  if (!row.IsNull(12)) run.reward = row.Float(12);
  run.gold_json = row.Text(13);
  run.turns = row.Int(14);
  run.retrievals = row.Int(15);
  run.calls = row.Int(16);
  run.tokens = row.Int(17);
  run.prompt_tokens = row.Int(18);
  run.depth = row.Int(19);
  return run;
}

CallRecord ReadCall(const sqlite::Statement& row) {
  CallRecord call;
  call.index = static_cast<uint64_t>(row.Int(1));
  call.path = row.Text(2);
  const std::string_view hash = row.Blob(3);
  std::memcpy(call.path_hash.data(), hash.data(), std::min(hash.size(), call.path_hash.size()));
  call.parent_path = row.Text(4);
  call.kind = FromName(row.Text(5), CallKindName, CallKind::kTool);
  call.role = row.Text(6);
  call.status = FromName(row.Text(7), CallStatusName, CallStatus::kFailed);
  call.error = row.Text(8);
  call.messages = Messages(row.Text(9));
  call.observation_ids = Numbers<int32_t>(row.Blob(10));
  call.action = row.Text(11);
  call.action_ids = Numbers<int32_t>(row.Blob(12));
  call.log_probs = Numbers<float>(row.Blob(13));
  call.truncated = row.Int(14) != 0;
  call.validity = FromName(row.Text(15), ValidityName, Validity::kNotChecked);
  call.penalty = row.Float(16);
  call.value_json = row.Text(17);
  call.plan = row.Text(18);
  call.diagnostics_json = row.Text(19);
  if (!row.IsNull(20)) call.shared_with = std::string(row.Text(20));
  call.timings = {row.Int(21), row.Int(22), row.Int(23), row.Int(24)};
  call.constraint = row.Text(25);
  call.constraint_states = Numbers<uint32_t>(row.Blob(26));
  call.policy = row.Text(27);
  return call;
}

class SqliteReader final : public StoreReader {
 public:
  SqliteReader(sqlite::Database database, int64_t version) : database_(std::move(database)), version_(version) {}

  Result<std::vector<RunRecord>> Runs(const RunFilter& filter) override {
    JADE_ASSIGN_OR_RETURN(auto select, database_.Prepare("SELECT * FROM run WHERE (?1 = '' OR workflow = ?1) AND "
                                                         "(?2 = 0 OR status <> 'done') "
                                                         "ORDER BY started_unix_us DESC, id DESC LIMIT ?3"));
    select.Bind(1, filter.workflow).Bind(2, int64_t{filter.only_failed}).Bind(3, filter.limit);
    return AllRuns(select);
  }

  Result<RunRecord> Run(std::string_view id) override {
    if (id == "last") {
      JADE_ASSIGN_OR_RETURN(auto newest, Runs({.limit = 1}));
      if (newest.empty()) return Error(ErrorCode::kNotFound, fmt::format("`{}` holds no runs yet", database_.path()));
      return newest.front();
    }
    JADE_ASSIGN_OR_RETURN(auto select,
                          database_.Prepare("SELECT * FROM run WHERE substr(id, 1, length(?1)) = ?1 LIMIT 2"));
    select.Bind(1, id);
    JADE_ASSIGN_OR_RETURN(auto found, AllRuns(select));
    if (found.empty()) {
      return Error(ErrorCode::kNotFound,
                   fmt::format("no run `{}` in `{}`; `jade trace ls` lists them", id, database_.path()));
    }
    if (found.size() > 1) {
      return Error(ErrorCode::kInvalidArgument,
                   fmt::format("more than one run begins with `{}`; give more digits", id));
    }
    return found.front();
  }

  Result<std::vector<CallRecord>> Calls(const std::string& run_id) override {
    // A store that nobody has written to since is read as it is.
    const std::string_view columns = version_ < 2 ? "*, '', x'', ''" : "*";
    JADE_ASSIGN_OR_RETURN(auto select,
                          database_.Prepare(fmt::format("SELECT {} FROM call WHERE run_id = ? ORDER BY idx", columns)));
    select.Bind(1, run_id);
    std::vector<CallRecord> calls;
    while (true) {
      JADE_ASSIGN_OR_RETURN(const bool row, select.Step());
      if (!row) return calls;
      calls.push_back(ReadCall(select));
    }
  }

 private:
  Result<std::vector<RunRecord>> AllRuns(sqlite::Statement& select) {
    std::vector<RunRecord> runs;
    while (true) {
      JADE_ASSIGN_OR_RETURN(const bool row, select.Step());
      if (!row) return runs;
      runs.push_back(ReadRun(select));
      if (runs.back().status == RunStatus::kUnfinished) JADE_TRY(CountCalls(&runs.back()));
    }
  }

  Status CountCalls(RunRecord* run) {
    JADE_ASSIGN_OR_RETURN(
        auto select,
        database_.Prepare("SELECT count(*), sum(kind = 'tool'), sum(length(action_ids)) / 4, "
                          "sum(length(observation_ids)) / 4, max(finished_us) FROM call WHERE run_id = ?"));
    select.Bind(1, run->id);
    JADE_ASSIGN_OR_RETURN(const bool row, select.Step());
    if (!row) return {};
    run->calls = select.Int(0);
    run->retrievals = select.Int(1);
    run->tokens = select.Int(2);
    run->prompt_tokens = select.Int(3);
    run->elapsed_us = select.Int(4);
    return {};
  }

  sqlite::Database database_;
  int64_t version_;
};

}  // namespace

Result<std::unique_ptr<StoreReader>> StoreReader::Open(const std::string& path) {
  std::error_code ec;
  if (!std::filesystem::exists(path, ec)) {
    return Error(ErrorCode::kNotFound, fmt::format("no experience store at `{}`; `jade run` writes one", path));
  }
  // A WAL database without its side files can only be opened by someone who may write them; fall back to read-write.
  JADE_ASSIGN_OR_RETURN(auto database, sqlite::Database::Open(path, sqlite::OpenMode::kReadWrite));
  JADE_TRY(CheckVersion(database));
  JADE_ASSIGN_OR_RETURN(const int64_t version, database.Pragma("user_version"));
  JADE_TRY(database.Execute("PRAGMA query_only = ON"));
  return std::unique_ptr<StoreReader>(new SqliteReader(std::move(database), version));
}

}  // namespace jade::trace
