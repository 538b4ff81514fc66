#include "bindings/sqlite/connection.h"

#include "bindings/sqlite/guard.h"
#include "bindings/sqlite/live_links.h"
#include "store/sqlite/drift.h"

namespace rejoin {
namespace {

constexpr char kConnectAView[] = "SELECT 1 FROM rejoin_log";

std::string FileOf(sqlite3* db, const std::string& schema) {
  const char* const file = sqlite3_db_filename(db, schema.c_str());
  return file == nullptr ? std::string() : std::string(file);
}

}  // namespace

Connection::Connection(sqlite3* db, const Environment& environment)
    : db_(db), environment_(environment), ids_(*environment.clock, *environment.random) {}

std::shared_ptr<Engine> Connection::EngineOf(const std::string& schema) {
  const std::string file = FileOf(db_, schema);
  Known& known = engines_[schema];
  if (known.engine == nullptr || known.file != file) {
    known = {file, NewEngine(db_, schema, environment_)};
    known.engine->after_commit = [file, before = std::move(known.engine->after_commit)](Engine& engine) {
      before(engine);
      static_cast<void>(Guarded([&]() -> Status {
        TellLinks(file);
        return {};
      }));
    };
    if (host_ != nullptr) host_->Uses(file);
  }
  return known.engine;
}

void Connection::JoinHost() { host_ = std::make_unique<HostConnection>(db_); }

std::shared_ptr<Engine> Connection::Main() {
  KeepAViewConnected();
  return EngineOf("main");
}

void Connection::KeepAViewConnected() {
  if (view_connected_) return;
  sqlite3_stmt* statement = nullptr;
  const int result = sqlite3_prepare_v2(db_, kConnectAView, -1, &statement, nullptr);
  sqlite3_finalize(statement);
  view_connected_ = result == SQLITE_OK;
}

Result<bool> Connection::IsSetUp() {
  const std::shared_ptr<Engine> engine = Main();
  REJOIN_ASSIGN(const bool present, engine->catalog.Refresh());
  if (!present) return false;
  if (!engine->capture.empty()) return true;  // the schema is followed after the commit
  const Status followed = FollowSchema(*engine);
  if (!followed && followed.error().code != Code::kReadOnly &&
      followed.error().code != Code::kNewerFormat) {
    return tl::unexpected(followed.error());
  }
  return true;
}

Status Connection::RequireNoWriter(const char* function) {
  for (sqlite3_stmt* at = sqlite3_next_stmt(db_, nullptr); at != nullptr;
       at = sqlite3_next_stmt(db_, at)) {
    if (sqlite3_stmt_busy(at) != 0 && sqlite3_stmt_readonly(at) == 0) {
      return Fail(Code::kOpenTransaction,
                  std::string(function) +
                      " cannot run inside a statement that writes: call it from a SELECT of its "
                      "own, after that statement has finished");
    }
  }
  return {};
}

Status Connection::RequireNoCapture(const char* function) {
  if (Main()->capture.empty()) return {};
  return Fail(Code::kOpenTransaction,
              std::string(function) +
                  " is about what is committed, and this transaction has changed tracked tables; "
                  "COMMIT or ROLLBACK first");
}

void Connection::TellLinksOfMain() { TellLinks(FileOf(db_, "main")); }

void Connection::FinalizeStatements() {
  for (auto& [schema, known] : engines_) known.engine->db.FinalizeWhenIdle();
  view_connected_ = false;
}

}  // namespace rejoin
