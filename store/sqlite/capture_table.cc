#include "store/sqlite/capture_table.h"

#include <algorithm>
#include <new>

#include "store/sqlite/capture_entry.h"
#include "store/sqlite/drift.h"
#include "store/sqlite/log.h"
#include "store/sqlite/merge.h"
#include "store/sqlite/meta_schema.h"
#include "store/sqlite/replace_watch.h"
#include "store/sqlite/triggers.h"

namespace rejoin {
namespace {

// Arguments of xUpdate: the rowids before and after, then the columns.
enum Argument : int { kOldRow = 0, kHead = 2, kRow = 3, kValues = 4 };

// sqlite3_vtab comes first, so that a pointer to it is one to this.
struct CaptureTableObject {
  sqlite3_vtab base{};
  std::shared_ptr<Engine> engine;
  std::shared_ptr<ReplaceWatch> watch;
  EntryWriter writer;
};

struct ModuleData {
  EngineFinder finder;
  std::shared_ptr<ReplaceWatch> watch;
};

CaptureTableObject& Object(sqlite3_vtab* table) {
  return *reinterpret_cast<CaptureTableObject*>(table);
}

int ResultCode(Code code) {
  switch (code) {
    case Code::kBusy:
      return SQLITE_BUSY;
    case Code::kNoMemory:
      return SQLITE_NOMEM;
    case Code::kIo:
      return SQLITE_IOERR;
    case Code::kReadOnly:
      return SQLITE_READONLY;
    default:
      return SQLITE_ERROR;
  }
}

int Report(sqlite3_vtab* table, const Error& error) {
  sqlite3_free(table->zErrMsg);
  table->zErrMsg = sqlite3_mprintf("rejoin: %s", error.message.c_str());
  return ResultCode(error.code);
}

// No exception may pass through SQLite.
template <class Work>
int Guarded(sqlite3_vtab* table, Work work) {
  try {
    const Status status = work(Object(table));
    return status ? SQLITE_OK : Report(table, status.error());
  } catch (const std::bad_alloc&) {
    return SQLITE_NOMEM;
  } catch (...) {
    return Report(table, {Code::kInternal, "an unexpected exception in capture; please report it"});
  }
}

// --- Making and connecting -----------------------------------------------------

std::string Declaration(int width) {
  std::string sql = "CREATE TABLE x(head, \"row\"";
  for (int i = 0; i < width; ++i) sql += ", v" + std::to_string(i);
  return sql + ")";
}

// The width that our CREATE VIRTUAL TABLE gives this name; 0: not one of ours.
int WidthOf(std::string_view name, int argc, const char* const* argv) {
  for (const CaptureTable& table : kCaptureTables) {
    if (name == table.name && argc == 4 && argv[3] == std::to_string(table.width)) return table.width;
  }
  return 0;
}

int Open(sqlite3* db, void* aux, int argc, const char* const* argv, sqlite3_vtab** table,
         char** message) {
  try {
    const int width = WidthOf(argv[2], argc, argv);
    if (width == 0) {
      *message = sqlite3_mprintf("rejoin: %s is no table that Rejoin makes; call rejoin_track()", argv[2]);
      return SQLITE_ERROR;
    }
    const int declared = sqlite3_declare_vtab(db, Declaration(width).c_str());
    if (declared != SQLITE_OK) return declared;
    // Triggers of a file that nobody vouches for may write here: the secret is the check.
    sqlite3_vtab_config(db, SQLITE_VTAB_INNOCUOUS);
    auto object = std::make_unique<CaptureTableObject>();
    const ModuleData& module = *static_cast<const ModuleData*>(aux);
    object->engine = module.finder(db, argv[1]);
    object->watch = module.watch;
    ++object->engine->capture_tables;
    // The file may be another one, attached under the same name: its data version counts anew.
    object->engine->known_state.reset();
    *table = &object.release()->base;
    return SQLITE_OK;
  } catch (const std::bad_alloc&) {
    return SQLITE_NOMEM;
  } catch (...) {
    *message = sqlite3_mprintf("rejoin: an unexpected exception in capture; please report it");
    return SQLITE_ERROR;
  }
}

// Two functions, since a module whose xCreate is its xConnect is eponymous: such a
// table belongs to main, whichever file the trigger is in.
int Create(sqlite3* db, void* aux, int argc, const char* const* argv, sqlite3_vtab** table,
           char** message) {
  const int result = Open(db, aux, argc, argv, table, message);
  if (result == SQLITE_OK) Object(*table).engine->secret.clear();
  return result;
}

int Connect(sqlite3* db, void* aux, int argc, const char* const* argv, sqlite3_vtab** table,
            char** message) {
  return Open(db, aux, argc, argv, table, message);
}

int Disconnect(sqlite3_vtab* table) {
  const std::unique_ptr<CaptureTableObject> object(&Object(table));
  Engine& engine = *object->engine;
  // A change of the schema disconnects too, maybe under a statement of ours: the
  // table is connected again by whoever needs it.
  if (--engine.capture_tables == 0) engine.db.FinalizeWhenIdle();
  return SQLITE_OK;
}

// --- Reading: there is nothing to see --------------------------------------------

int BestIndex(sqlite3_vtab*, sqlite3_index_info*) { return SQLITE_OK; }

int OpenCursor(sqlite3_vtab*, sqlite3_vtab_cursor** cursor) {
  *cursor = new (std::nothrow) sqlite3_vtab_cursor{};
  return *cursor == nullptr ? SQLITE_NOMEM : SQLITE_OK;
}

int CloseCursor(sqlite3_vtab_cursor* cursor) {
  delete cursor;
  return SQLITE_OK;
}

int Filter(sqlite3_vtab_cursor*, int, const char*, int, sqlite3_value**) { return SQLITE_OK; }
int Next(sqlite3_vtab_cursor*) { return SQLITE_OK; }
int Eof(sqlite3_vtab_cursor*) { return 1; }
int Column(sqlite3_vtab_cursor*, sqlite3_context*, int) { return SQLITE_OK; }

int Rowid(sqlite3_vtab_cursor*, sqlite3_int64* rowid) {
  *rowid = 0;
  return SQLITE_OK;
}

// --- Writing ---------------------------------------------------------------------

ByteView BlobOf(sqlite3_value* value) {
  if (sqlite3_value_type(value) != SQLITE_BLOB) return {};
  const void* const bytes = sqlite3_value_blob(value);
  return {static_cast<const char*>(bytes), static_cast<std::size_t>(sqlite3_value_bytes(value))};
}

bool SaysSecret(const Engine& engine, ByteView head) {
  return head.size() > kSecretBytes && head.substr(0, kSecretBytes) == engine.secret;
}

Status CheckSecret(Engine& engine, ByteView head) {
  if (SaysSecret(engine, head)) return {};
  REJOIN_ASSIGN(const auto secret, engine.Meta("secret"));
  if (secret && secret->type == ValueType::kInteger) engine.secret = SecretBytes(secret->integer());
  if (SaysSecret(engine, head)) return {};
  return Fail(Code::kDirectWrite, "the tables rejoin__capture_* are for Rejoin's own triggers; "
                                  "write your own tables instead");
}

// A merge writes user tables itself; what anybody else writes meanwhile would
// get a stamp that says more than is true.
Status CheckMerge(Engine& engine, ByteView bytes) {
  CaptureEntry entry;
  if (!EntryReader(bytes).Next(entry)) return Fail(Code::kInternal, "an entry of ours cannot be read");
  if (entry.kind == ChangeKind::kProbe) return {};
  Key key(entry.key);
  if (entry.key_parts == 0) AppendKeyPart(key, Value::Integer(entry.rowid));
  MergeInProgress& merge = *engine.merging;
  if (entry.table == merge.table && !entry.key_changed && merge.key != nullptr && *merge.key == key) {
    if (!entry.continues) ++merge.own_writes;
    return {};
  }
  const TrackedTable* const table = engine.catalog.Find(entry.table);
  merge.foreign_write = table != nullptr && table->local ? *table->local : std::to_string(entry.table);
  return Fail(Code::kTriggerWrote,
              "a trigger that fires on merge wrote to the tracked table " + merge.foreign_write +
                  "; let it write untracked tables only, or track its table without fire_triggers");
}

// An update that changed nothing its trigger knows of may have changed a column
// that was added since.
Result<std::optional<ByteView>> EntryOfUnchanged(CaptureTableObject& object) {
  const std::optional<ByteView> entry = object.writer.Unchanged();
  if (!entry) return entry;
  std::optional<bool>& stale = object.engine->session.stale_triggers;
  if (!stale) {
    REJOIN_ASSIGN(const bool remembered, IsSchemaRemembered(*object.engine));
    stale = !remembered;
  }
  return *stale ? entry : std::nullopt;
}

Status Capture(CaptureTableObject& object, int argc, sqlite3_value** argv) {
  Engine& engine = *object.engine;
  if (argc <= kValues || sqlite3_value_type(argv[kOldRow]) != SQLITE_NULL) return CheckSecret(engine, {});
  const ByteView head = BlobOf(argv[kHead]);
  REJOIN_TRY(CheckSecret(engine, head));
  const CapturedRow row{argv[kRow], argv + kValues, argc - kValues};
  REJOIN_ASSIGN(std::optional<ByteView> entry,
                object.writer.Write(head.substr(kSecretBytes), row, engine.limits.max_cell_bytes));
  if (!entry) {
    if (engine.merging != nullptr && engine.merging->probing) return {};
    REJOIN_ASSIGN(entry, EntryOfUnchanged(object));
    if (!entry) return {};
  }
  if (KindOfHead(head.substr(kSecretBytes)) == ChangeKind::kInsert) {
    REJOIN_TRY(object.watch->NoteInsert(engine));
  }
  if (engine.merging != nullptr) return CheckMerge(engine, *entry);
  engine.session.flushed = false;
  return engine.capture.Append(*entry, engine.limits.capture_memory_bytes);
}

int Update(sqlite3_vtab* table, int argc, sqlite3_value** argv, sqlite3_int64* rowid) {
  *rowid = 0;
  return Guarded(table, [&](CaptureTableObject& object) { return Capture(object, argc, argv); });
}

// --- The transaction ---------------------------------------------------------------

int Begin(sqlite3_vtab* table) {
  Engine& engine = *Object(table).engine;
  Object(table).watch->Forget();
  if (engine.session.open) return SQLITE_OK;
  engine.session.open = true;
  engine.session.explicit_end = sqlite3_get_autocommit(engine.db.handle()) == 0;
  return SQLITE_OK;
}

int Sync(sqlite3_vtab* table) {
  return Guarded(table, [](CaptureTableObject& object) { return FlushCapture(*object.engine); });
}

// True for the first of several tables.
bool End(Engine& engine) {
  const bool was_open = engine.session.open;
  engine.capture.Clear();
  engine.session = {};
  return was_open;
}

int Commit(sqlite3_vtab* table) {
  return Guarded(table, [](CaptureTableObject& object) -> Status {
    Engine& engine = *object.engine;
    object.watch->Forget();
    CaptureSession& session = engine.session;
    if (session.left && session.left_writes == engine.db.writes()) RememberState(engine, std::move(*session.left));
    // A merge whose rows capture heard of has nothing local to tell.
    const bool local = !session.log_rows.empty() || engine.fence.rotated;
    if (End(engine) && local && engine.after_commit) engine.after_commit(engine);
    return {};
  });
}

int Rollback(sqlite3_vtab* table) {
  return Guarded(table, [](CaptureTableObject& object) -> Status {
    Engine& engine = *object.engine;
    engine.compared_cookie.reset();
    engine.db.ForgetWhatIsOwed();
    object.watch->Forget(true);
    if (End(engine) && engine.after_rollback) engine.after_rollback(engine);
    return {};
  });
}

int BeginSavepoint(sqlite3_vtab* table, int level) {
  return Guarded(table, [level](CaptureTableObject& object) -> Status {
    object.watch->Forget();
    object.engine->capture.Mark(level);
    return {};
  });
}

int ReleaseSavepoint(sqlite3_vtab* table, int level) {
  Object(table).watch->Forget();
  Object(table).engine->capture.Release(level);
  return SQLITE_OK;
}

int RollbackToSavepoint(sqlite3_vtab* table, int level) {
  return Guarded(table, [level](CaptureTableObject& object) {
    Engine& engine = *object.engine;
    // After a COMMIT that was refused with BUSY it may take log rows back.
    engine.session.flushed = false;
    engine.compared_cookie.reset();
    object.watch->Forget(true);
    return engine.capture.RollbackTo(level);
  });
}

constexpr int kModuleVersion = 2;  // has savepoints

const sqlite3_module kModule = [] {
  sqlite3_module module{};
  module.iVersion = kModuleVersion;
  module.xCreate = Create;
  module.xConnect = Connect;
  module.xBestIndex = BestIndex;
  module.xDisconnect = Disconnect;
  module.xDestroy = Disconnect;
  module.xOpen = OpenCursor;
  module.xClose = CloseCursor;
  module.xFilter = Filter;
  module.xNext = Next;
  module.xEof = Eof;
  module.xColumn = Column;
  module.xRowid = Rowid;
  module.xUpdate = Update;
  module.xBegin = Begin;
  module.xSync = Sync;
  module.xCommit = Commit;
  module.xRollback = Rollback;
  module.xSavepoint = BeginSavepoint;
  module.xRelease = ReleaseSavepoint;
  module.xRollbackTo = RollbackToSavepoint;
  return module;
}();

}  // namespace

int RegisterCaptureModule(sqlite3* db, EngineFinder finder) {
  try {
    auto owned = std::make_unique<ModuleData>(ModuleData{std::move(finder), std::make_shared<ReplaceWatch>()});
    const int asks = RegisterReplaceWatch(db, owned->watch);
    if (asks != SQLITE_OK) return asks;
    return sqlite3_create_module_v2(db, kCaptureModule, &kModule, owned.release(),
                                    [](void* aux) { delete static_cast<ModuleData*>(aux); });
  } catch (const std::bad_alloc&) {
    return SQLITE_NOMEM;
  }
}

}  // namespace rejoin
