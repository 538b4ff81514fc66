#include "bindings/sqlite/view.h"

#include "bindings/sqlite/guard.h"

namespace rejoin {
namespace {

// What a module is registered with.
struct Registration {
  std::shared_ptr<Connection> connection;
  const ViewSpec* spec;
};

struct View : sqlite3_vtab {
  explicit View(Registration& the_registration)
      : sqlite3_vtab{}, registration(the_registration) {}
  Registration& registration;
};

struct Cursor : sqlite3_vtab_cursor {
  Cursor() : sqlite3_vtab_cursor{} {}
  std::unique_ptr<ViewRows> rows;
  std::vector<Value> row;
  sqlite3_int64 number = 0;
  bool at_end = true;
};

View& ViewOf(sqlite3_vtab* table) { return *static_cast<View*>(table); }
Cursor& CursorOf(sqlite3_vtab_cursor* cursor) { return *static_cast<Cursor*>(cursor); }

// Runs the body of a method; its error becomes the table's message.
template <class Body>
int Method(sqlite3_vtab* table, Body&& body) noexcept {
  const Status status = Guarded(std::forward<Body>(body));
  if (status) return SQLITE_OK;
  sqlite3_free(table->zErrMsg);
  table->zErrMsg = sqlite3_mprintf("rejoin: %s", status.error().message.c_str());
  return ResultCodeOf(status.error().code);
}

int Connect(sqlite3* db, void* user, int, const char* const*, sqlite3_vtab** out, char** message) {
  auto& registration = *static_cast<Registration*>(user);
  int result = sqlite3_declare_vtab(db, registration.spec->declaration);
  if (result == SQLITE_OK) result = sqlite3_vtab_config(db, SQLITE_VTAB_DIRECTONLY);
  if (result != SQLITE_OK) {
    *message = sqlite3_mprintf("rejoin: %s: %s", registration.spec->name, sqlite3_errmsg(db));
    return result;
  }
  *out = new (std::nothrow) View(registration);
  return *out == nullptr ? SQLITE_NOMEM : SQLITE_OK;
}

// The first call when a connection closes, before SQLite looks for statements
// that were not finalized.
int Disconnect(sqlite3_vtab* table) {
  View* const view = &ViewOf(table);
  view->registration.connection->FinalizeStatements();
  delete view;
  return SQLITE_OK;
}

int BestIndex(sqlite3_vtab* table, sqlite3_index_info* info) {
  const int bounded = ViewOf(table).registration.spec->bounded_column;
  info->estimatedCost = 1e6;
  for (int at = 0; bounded >= 0 && at < info->nConstraint; ++at) {
    const auto& constraint = info->aConstraint[at];
    const bool is_bound = constraint.op == SQLITE_INDEX_CONSTRAINT_GT ||
                          constraint.op == SQLITE_INDEX_CONSTRAINT_GE ||
                          constraint.op == SQLITE_INDEX_CONSTRAINT_EQ;
    if (constraint.usable == 0 || constraint.iColumn != bounded || !is_bound) continue;
    info->aConstraintUsage[at].argvIndex = 1;
    info->idxNum = 1;
    info->estimatedCost = 1e3;
    break;
  }
  return SQLITE_OK;
}

int Open(sqlite3_vtab*, sqlite3_vtab_cursor** out) {
  *out = new (std::nothrow) Cursor;
  return *out == nullptr ? SQLITE_NOMEM : SQLITE_OK;
}

int Close(sqlite3_vtab_cursor* cursor) {
  delete &CursorOf(cursor);
  return SQLITE_OK;
}

int Next(sqlite3_vtab_cursor* base) {
  Cursor& cursor = CursorOf(base);
  return Method(base->pVtab, [&cursor]() -> Status {
    cursor.at_end = true;  // whatever happens next
    REJOIN_ASSIGN(const bool more, cursor.rows->Next(cursor.row));
    cursor.at_end = !more;
    ++cursor.number;
    return {};
  });
}

// EQ and GE include the bound, so one less is handed on; only integers serve.
std::optional<std::int64_t> BoundOf(int index, int count, sqlite3_value** values) {
  if (index != 1 || count != 1 || sqlite3_value_type(values[0]) != SQLITE_INTEGER) {
    return std::nullopt;
  }
  const std::int64_t bound = sqlite3_value_int64(values[0]);
  if (bound <= 0) return std::nullopt;
  return bound - 1;
}

int Filter(sqlite3_vtab_cursor* base, int index, const char*, int count, sqlite3_value** values) {
  Cursor& cursor = CursorOf(base);
  const Registration& registration = ViewOf(base->pVtab).registration;
  bool opened = false;
  const int result = Method(base->pVtab, [&]() -> Status {
    cursor.rows.reset();
    cursor.at_end = true;
    cursor.number = 0;
    REJOIN_ASSIGN(const bool set_up, registration.connection->Main()->catalog.Refresh());
    if (!set_up) return {};
    REJOIN_ASSIGN(cursor.rows,
                  registration.spec->open(*registration.connection, BoundOf(index, count, values)));
    opened = true;
    return {};
  });
  return result == SQLITE_OK && opened ? Next(base) : result;
}

int AtEnd(sqlite3_vtab_cursor* cursor) { return CursorOf(cursor).at_end ? 1 : 0; }

int Column(sqlite3_vtab_cursor* base, sqlite3_context* context, int column) {
  const std::vector<Value>& row = CursorOf(base).row;
  const auto at = static_cast<std::size_t>(column);
  if (at >= row.size()) return SQLITE_OK;  // NULL
  const Value& value = row[at];
  switch (value.type) {
    case ValueType::kNull:
      break;
    case ValueType::kInteger:
      sqlite3_result_int64(context, value.integer());
      break;
    case ValueType::kReal:
      sqlite3_result_double(context, value.real());
      break;
    case ValueType::kText:
      sqlite3_result_text64(context, value.bytes.data(), value.bytes.size(), SQLITE_TRANSIENT,
                            SQLITE_UTF8);
      break;
    case ValueType::kBlob:
      sqlite3_result_blob64(context, value.bytes.data(), value.bytes.size(), SQLITE_TRANSIENT);
      break;
  }
  return SQLITE_OK;
}

int Rowid(sqlite3_vtab_cursor* cursor, sqlite3_int64* out) {
  *out = CursorOf(cursor).number;
  return SQLITE_OK;
}

const sqlite3_module& Module() {
  static const sqlite3_module module = [] {
    sqlite3_module made{};  // without xCreate it is eponymous only; without xUpdate, read-only
    made.xConnect = Connect;
    made.xBestIndex = BestIndex;
    made.xDisconnect = Disconnect;
    made.xOpen = Open;
    made.xClose = Close;
    made.xFilter = Filter;
    made.xNext = Next;
    made.xEof = AtEnd;
    made.xColumn = Column;
    made.xRowid = Rowid;
    return made;
  }();
  return module;
}

}  // namespace

int RegisterViews(sqlite3* db, const std::shared_ptr<Connection>& connection) {
  for (const auto& views : {CatalogViews(), LogViews(), RowViews()}) {
    for (const ViewSpec& spec : views) {
      const int result = sqlite3_create_module_v2(
          db, spec.name, &Module(), new Registration{connection, &spec},
          [](void* registration) { delete static_cast<Registration*>(registration); });
      if (result != SQLITE_OK) return result;
    }
  }
  return SQLITE_OK;
}

}  // namespace rejoin
