#include "runtime/trace/store.h"

#include <condition_variable>
#include <cstring>
#include <filesystem>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <thread>
#include <variant>

#include "runtime/sqlite/sqlite.h"
#include "runtime/trace/schema.h"

namespace jade::trace {
namespace {

constexpr size_t kMaxQueued = 4096;  // back-pressure: Add waits above this

struct CallRow {
  std::string run_id;
  CallRecord call;
  Store::OnDisk on_disk;
};
using Row = std::variant<RunRecord, CallRow>;

constexpr char kInsertRun[] =
    "INSERT INTO run VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,?17,?18,?19,?20) "
    "ON CONFLICT (id) DO UPDATE SET elapsed_us=?9, status=?10, value=?11, trap=?12, reward=?13, gold=?14, turns=?15, "
    "retrievals=?16, calls=?17, tokens=?18, prompt_tokens=?19, depth=?20";
constexpr char kInsertCall[] =
    "INSERT INTO call VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,?17,?18,?19,?20,?21,?22,?23,?24,"
    "?25,?26,?27,?28) ON CONFLICT (run_id, idx) DO UPDATE SET penalty=?17";

std::string MessagesJson(const std::vector<CallMessage>& messages) {
  nlohmann::json list = nlohmann::json::array();
  for (const auto& message : messages) list.push_back({{"role", message.role}, {"text", message.text}});
  return list.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

Status WriteRun(sqlite::Statement& insert, const RunRecord& run) {
  insert.Bind(1, run.id).Bind(2, run.module_name).Bind(3, run.module_hash).Bind(4, run.workflow);
  insert.Bind(5, run.inputs_json).Bind(6, run.backbone).Bind(7, static_cast<int64_t>(run.seed));
  insert.Bind(8, run.started_unix_us).Bind(9, run.elapsed_us).Bind(10, RunStatusName(run.status));
  insert.Bind(11, run.value_json).Bind(12, run.trap_json);
  run.reward ? insert.Bind(13, *run.reward) : insert.BindNull(13);
  insert.Bind(14, run.gold_json).Bind(15, run.turns).Bind(16, run.retrievals).Bind(17, run.calls);
  insert.Bind(18, run.tokens).Bind(19, run.prompt_tokens).Bind(20, run.depth);
  return insert.Run();
}

Status WriteCall(sqlite::Statement& insert, const CallRow& row) {
  const CallRecord& call = row.call;
  insert.Bind(1, row.run_id).Bind(2, static_cast<int64_t>(call.index)).Bind(3, call.path);
  insert.BindBlob(4, call.path_hash.data(), call.path_hash.size()).Bind(5, call.parent_path);
  insert.Bind(6, CallKindName(call.kind)).Bind(7, call.role).Bind(8, CallStatusName(call.status)).Bind(9, call.error);
  insert.Bind(10, MessagesJson(call.messages));
  insert.BindBlob(11, call.observation_ids.data(), call.observation_ids.size() * sizeof(int32_t));
  insert.Bind(12, call.action).BindBlob(13, call.action_ids.data(), call.action_ids.size() * sizeof(int32_t));
  insert.BindBlob(14, call.log_probs.data(), call.log_probs.size() * sizeof(float));
  insert.Bind(15, int64_t{call.truncated}).Bind(16, ValidityName(call.validity)).Bind(17, call.penalty);
  insert.Bind(18, call.value_json).Bind(19, call.plan).Bind(20, call.diagnostics_json);
  call.shared_with ? insert.Bind(21, *call.shared_with) : insert.BindNull(21);
  insert.Bind(22, call.timings.issued_us).Bind(23, call.timings.started_us);
  insert.Bind(24, call.timings.first_us).Bind(25, call.timings.finished_us);
  insert.Bind(26, call.constraint);
  insert.BindBlob(27, call.constraint_states.data(), call.constraint_states.size() * sizeof(uint32_t));
  insert.Bind(28, call.policy);
  return insert.Run();
}

Error WithRemedy(const Error& error, std::string_view doing) {
  std::string remedy;
  if (error.code() == ErrorCode::kIo) remedy = "; make room on its disk, or choose another file with `--trace`";
  return Error(error.code(), error.ToString() + remedy).Wrap(fmt::format("{} the experience store", doing));
}

class SqliteStore final : public Store {
 public:
  SqliteStore(sqlite::Database database, sqlite::Statement insert_run, sqlite::Statement insert_call, bool durable)
      : database_(std::move(database)),
        insert_run_(std::move(insert_run)),
        insert_call_(std::move(insert_call)),
        durable_(durable),
        writer_([this] { Write(); }) {}

  ~SqliteStore() override {
    {
      const std::lock_guard lock(mutex_);
      closing_ = true;
    }
    wake_writer_.notify_one();
    writer_.join();
  }

  Status AddRun(RunRecord run) override { return Add(std::move(run)); }
  Status AddCall(const std::string& run_id, CallRecord call, OnDisk on_disk) override {
    return Add(CallRow{run_id, std::move(call), std::move(on_disk)});
  }
  bool durable() const override { return durable_; }

  Status Flush() override {
    std::unique_lock lock(mutex_);
    wake_callers_.wait(lock, [this, ticket = added_] { return written_ >= ticket || failure_; });
    if (failure_) return *failure_;
    return {};
  }

 private:
  Status Add(Row row) {
    std::unique_lock lock(mutex_);
    wake_callers_.wait(lock, [this] { return queue_.size() < kMaxQueued || failure_; });
    if (failure_) return *failure_;
    queue_.push_back(std::move(row));
    ++added_;
    wake_writer_.notify_one();
    return {};
  }

  // The writer thread: takes whatever is queued and commits it as one transaction.
  void Write() {
    std::unique_lock lock(mutex_);
    while (true) {
      wake_writer_.wait(lock, [this] { return !queue_.empty() || closing_; });
      if (queue_.empty()) return;
      std::vector<Row> batch;
      batch.swap(queue_);
      lock.unlock();
      Status status = Commit(batch);
      if (!status.ok()) status = WithRemedy(status.error(), "writing");
      lock.lock();
      if (status.ok()) {
        written_ += batch.size();
      } else {
        failure_ = status.error();
        std::move(queue_.begin(), queue_.end(), std::back_inserter(batch));
        queue_.clear();
      }
      lock.unlock();
      wake_callers_.notify_all();
      for (const Row& row : batch) {
        const auto* call = std::get_if<CallRow>(&row);
        if (call != nullptr && call->on_disk) call->on_disk(status);
      }
      if (!status.ok()) return;
      lock.lock();
    }
  }

  Status Commit(const std::vector<Row>& batch) {
    JADE_TRY(database_.Execute("BEGIN IMMEDIATE"));
    Status status;
    for (const Row& row : batch) {
      status = std::holds_alternative<RunRecord>(row) ? WriteRun(insert_run_, std::get<RunRecord>(row))
                                                      : WriteCall(insert_call_, std::get<CallRow>(row));
      if (!status.ok()) break;
    }
    if (status.ok()) status = database_.Execute("COMMIT");
    if (!status.ok()) (void)database_.Execute("ROLLBACK");  // SQLite may have rolled back already
    return status;
  }

  sqlite::Database database_;
  sqlite::Statement insert_run_;
  sqlite::Statement insert_call_;
  const bool durable_;

  std::mutex mutex_;
  std::condition_variable wake_writer_;
  std::condition_variable wake_callers_;
  std::vector<Row> queue_;
  uint64_t added_ = 0;
  uint64_t written_ = 0;
  bool closing_ = false;
  std::optional<Error> failure_;
  std::thread writer_;  // last: starts when everything above is there
};

}  // namespace

Result<std::unique_ptr<Store>> Store::Open(const std::string& path, const StoreOptions& options) {
  const auto folder = std::filesystem::path(path).parent_path();
  std::error_code ec;
  if (!folder.empty()) std::filesystem::create_directories(folder, ec);
  if (ec) return Error(ErrorCode::kIo, fmt::format("cannot create folder `{}`: {}", folder.string(), ec.message()));
  JADE_ASSIGN_OR_RETURN(auto database, sqlite::Database::Open(path, sqlite::OpenMode::kCreate));
  Status ready = Migrate(database);
  if (ready.ok()) {
    ready = database.Execute(fmt::format("PRAGMA journal_mode = WAL; PRAGMA foreign_keys = ON; PRAGMA synchronous = {}",
                                         options.durable ? "FULL" : "NORMAL"));
  }
  if (!ready.ok() && ready.error().code() == ErrorCode::kIo) return WithRemedy(ready.error(), "opening");
  if (!ready.ok()) return ready.error();
  if (options.max_pages > 0) {
    JADE_TRY(database.Execute(fmt::format("PRAGMA max_page_count = {}", options.max_pages)));
  }
  JADE_ASSIGN_OR_RETURN(auto insert_run, database.Prepare(kInsertRun));
  JADE_ASSIGN_OR_RETURN(auto insert_call, database.Prepare(kInsertCall));
  return std::unique_ptr<Store>(
      new SqliteStore(std::move(database), std::move(insert_run), std::move(insert_call), options.durable));
}

std::string NewRunId(int64_t unix_us, uint64_t entropy) {
  return fmt::format("{:013x}{:08x}", static_cast<uint64_t>(unix_us) / 250U, entropy & 0xFFFF'FFFFU);
}

std::string_view CallKindName(CallKind kind) {
  switch (kind) {
    case CallKind::kExecutor:
      return "executor";
    case CallKind::kPlanner:
      return "planner";
    case CallKind::kTool:
      return "tool";
  }
  return "executor";
}

std::string_view ValidityName(Validity validity) {
  switch (validity) {
    case Validity::kValid:
      return "valid";
    case Validity::kMalformed:
      return "malformed";
    case Validity::kInvalid:
      return "invalid";
    case Validity::kNotChecked:
      return "not_checked";
  }
  return "not_checked";
}

std::string_view CallStatusName(CallStatus status) {
  switch (status) {
    case CallStatus::kDone:
      return "done";
    case CallStatus::kCancelled:
      return "cancelled";
    case CallStatus::kFailed:
      return "failed";
  }
  return "failed";
}

std::string_view RunStatusName(RunStatus status) {
  switch (status) {
    case RunStatus::kDone:
      return "done";
    case RunStatus::kTrapped:
      return "trapped";
    case RunStatus::kCancelled:
      return "cancelled";
    case RunStatus::kUnfinished:
      return "unfinished";
  }
  return "trapped";
}

}  // namespace jade::trace
