#include "bench/peers.h"

#include <cstdlib>

namespace rejoin::bench {
namespace {

constexpr char kCrSqliteFile[] = "REJOIN_PEER_CRSQLITE";
constexpr char kSqliteSyncFile[] = "REJOIN_PEER_SQLITE_SYNC";

void Load(Database& db, const char* variable) {
  const char* const file = std::getenv(variable);
  sqlite3_enable_load_extension(db.handle(), 1);
  char* message = nullptr;
  if (sqlite3_load_extension(db.handle(), file, nullptr, &message) == SQLITE_OK) return;
  Die(std::string(variable) + ": " + (message == nullptr ? "cannot be loaded" : message));
}

// One row for each cell that changed, written down as the application does with its own rows.
class CrSqlite : public Side {
 public:
  CrSqlite(const FileOptions& options, const TableKind& kind, const std::string& name) : Side(options, kind, name) {
    Load(db(), kCrSqliteFile);
    db().Exec("SELECT crsql_as_crr('t')");
  }
  ~CrSqlite() override { db().Exec("SELECT crsql_finalize()"); }

  void BeginRecording() override { version_ = db().Query("SELECT crsql_db_version()"); }
  std::string Everything() override { return Since("0"); }
  std::string Changes() override { return Since(version_); }
  void ApplyEverything(const std::string& payload) override { ApplyChanges(payload); }
  void ApplyChanges(const std::string& payload) override {
    Prepared insert(db().handle(), "INSERT INTO crsql_changes VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)");
    db().Exec("BEGIN");
    RunForEach(payload, 9, insert);
    db().Exec("COMMIT");
  }

 private:
  std::string Since(const std::string& version) {
    Prepared rows(db().handle(),
                  "SELECT \"table\", pk, cid, val, col_version, db_version, site_id, cl, seq FROM crsql_changes "
                  "WHERE db_version > " + version);
    std::string payload;
    Serialise(rows, payload);
    return payload;
  }

  std::string version_ = "0";
};

class SqliteSync : public Side {
 public:
  SqliteSync(const FileOptions& options, const TableKind& kind, const std::string& name) : Side(options, kind, name) {
    Load(db(), kSqliteSyncFile);
    // The last argument lets it take integer keys.
    db().Exec("SELECT cloudsync_init('t', 'cls', 1)");
  }
  ~SqliteSync() override { db().Exec("SELECT cloudsync_terminate()"); }

  void BeginRecording() override { version_ = db().Query("SELECT cloudsync_db_version()"); }
  std::string Everything() override { return Since("0"); }
  std::string Changes() override { return Since(version_); }
  void ApplyEverything(const std::string& payload) override { ApplyChanges(payload); }
  void ApplyChanges(const std::string& payload) override { db().Query("SELECT cloudsync_payload_apply(?1)", payload); }

 private:
  std::string Since(const std::string& version) {
    return db().Query(
        "SELECT cloudsync_payload_encode(tbl, pk, col_name, col_value, col_version, db_version, site_id, cl, seq) "
        "FROM cloudsync_changes WHERE db_version > " + version);
  }

  std::string version_ = "0";
};

template <class Of>
std::unique_ptr<Side> Make(const FileOptions& options, const TableKind& kind, const std::string& name) {
  return std::make_unique<Of>(options, kind, name);
}

}  // namespace

std::vector<SideKind> PeerKinds() {
  std::vector<SideKind> kinds;
  if (std::getenv(kCrSqliteFile) != nullptr) kinds.push_back({"cr-sqlite", Make<CrSqlite>});
  if (std::getenv(kSqliteSyncFile) != nullptr) kinds.push_back({"SQLite Sync", Make<SqliteSync>});
  return kinds;
}

}  // namespace rejoin::bench
