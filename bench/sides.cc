#include "bench/sides.h"

#include "bench/peers.h"
#include "bench/replicas.h"
#include "bindings/sqlite/register.h"

namespace rejoin::bench {
namespace {

// --- Plain SQLite: an application that writes rows down for a peer, and reads them --------

class Plain : public Side {
 public:
  using Side::Side;

  std::string Everything() override { return Serialised("SELECT " + ColumnNames(kind()) + " FROM t"); }
  // There is no telling what has changed: as if the application had marked it.
  std::string Changes() override {
    return Serialised("SELECT " + UpdatedColumn(kind()) + ", id FROM t WHERE " + UpdatedColumn(kind()) + " < 0");
  }
  void ApplyEverything(const std::string& payload) override {
    Apply(payload, ColumnCount(kind()) + 1, "INSERT OR REPLACE INTO t VALUES(" + Parameters(kind()) + ")");
  }
  void ApplyChanges(const std::string& payload) override {
    Apply(payload, 2, "UPDATE t SET " + UpdatedColumn(kind()) + " = ?1 WHERE id = ?2");
  }

 private:
  std::string Serialised(const std::string& sql) {
    std::string payload;
    Prepared rows(db().handle(), sql);
    Serialise(rows, payload);
    return payload;
  }
  void Apply(const std::string& payload, int columns, const std::string& sql) {
    Prepared statement(db().handle(), sql);
    db().Exec("BEGIN");
    RunForEach(payload, columns, statement);
    db().Exec("COMMIT");
  }
};

// --- The session extension (https://sqlite.org/sessionintro.html) --------------------------

class Session : public Side {
 public:
  Session(const FileOptions& options, const TableKind& kind, const std::string& name) : Side(options, kind, name) {}
  ~Session() override { End(); }

  void BeginRecording() override {
    End();
    if (sqlite3session_create(db().handle(), "main", &session_) != SQLITE_OK) Die("no session");
    sqlite3session_attach(session_, nullptr);
  }
  // Of what was recorded: it knows nothing else.
  std::string Everything() override { return Changes(); }
  std::string Changes() override {
    int size = 0;
    void* bytes = nullptr;
    if (sqlite3session_changeset(session_, &size, &bytes) != SQLITE_OK) Die("no changeset");
    std::string payload(static_cast<const char*>(bytes), static_cast<std::size_t>(size));
    sqlite3_free(bytes);
    return payload;
  }
  void ApplyEverything(const std::string& payload) override { ApplyChanges(payload); }
  void ApplyChanges(const std::string& payload) override {
    const auto replace = [](void*, int conflict, sqlite3_changeset_iter*) {
      return conflict == SQLITE_CHANGESET_DATA || conflict == SQLITE_CHANGESET_CONFLICT ? SQLITE_CHANGESET_REPLACE
                                                                                       : SQLITE_CHANGESET_OMIT;
    };
    std::string bytes = payload;
    if (sqlite3changeset_apply(db().handle(), static_cast<int>(bytes.size()), bytes.data(), nullptr, replace,
                               nullptr) != SQLITE_OK) {
      Die(std::string("changeset: ") + sqlite3_errmsg(db().handle()));
    }
  }

 private:
  void End() {
    if (session_ != nullptr) sqlite3session_delete(session_);
    session_ = nullptr;
  }

  sqlite3_session* session_ = nullptr;
};

// --- Rejoin, by its SQL functions ------------------------------------------------------------

class Rejoin : public Side {
 public:
  Rejoin(const FileOptions& options, const TableKind& kind, const std::string& name) : Side(options, kind, name) {
    if (RegisterRejoin(db().handle()) != SQLITE_OK) Die("Rejoin cannot be registered");
    db().Exec("SELECT rejoin_track('t')");
    if (options.replicas > 1) ApplyChanges(DeltaOfReplicas(options.replicas));
  }

  void BeginRecording() override { vector_ = db().Query("SELECT rejoin_vv()"); }
  std::string Everything() override { return db().Query("SELECT rejoin_delta()"); }
  std::string Changes() override { return db().Query("SELECT rejoin_delta(CAST(?1 AS TEXT))", vector_); }
  void ApplyEverything(const std::string& payload) override { ApplyChanges(payload); }
  void ApplyChanges(const std::string& payload) override { db().Query("SELECT rejoin_merge(?1)", payload); }
  void AskAgain(Side& sender, const std::string&) override {
    auto& other = static_cast<Rejoin&>(sender);
    ApplyChanges(other.db().Query("SELECT rejoin_delta(CAST(?1 AS TEXT))", db().Query("SELECT rejoin_vv()")));
  }
  double LogBytes() override { return std::stod(db().Query("SELECT json_extract(rejoin_status(), '$.log.bytes')")); }
  // A view that asks for folded metadata.
  void CatchUp() override { db().Query("SELECT count(*) FROM rejoin_conflicts"); }

 private:
  std::string vector_;
};

template <class Of>
std::unique_ptr<Side> Make(const FileOptions& options, const TableKind& kind, const std::string& name) {
  return std::make_unique<Of>(options, kind, name);
}

}  // namespace

Side::Side(const FileOptions& options, const TableKind& kind, const std::string& name)
    : kind_(kind), db_(options, name) {
  db_.Exec(CreateTable(kind));
}

const std::vector<SideKind>& SideKinds() {
  static const std::vector<SideKind> kKinds = [] {
    std::vector<SideKind> kinds = {{"plain", Make<Plain>}, {"session", Make<Session>}, {"rejoin", Make<Rejoin>}};
    for (const SideKind& peer : PeerKinds()) kinds.push_back(peer);
    return kinds;
  }();
  return kKinds;
}

}  // namespace rejoin::bench
