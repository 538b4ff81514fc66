#include "store/sqlite/meta_schema.h"

#include <vector>

#include "store/sqlite/engine.h"

namespace rejoin {
namespace {

constexpr char kListOurs[] =
    "SELECT type, name FROM {s}.sqlite_schema WHERE name LIKE 'rejoin\\_\\_%' ESCAPE '\\' "
    "AND type IN ('trigger', 'table', 'view') ORDER BY type = 'table'";

constexpr char kMetaExists[] = "SELECT 1 FROM {s}.sqlite_schema WHERE name = 'rejoin__meta'";
constexpr char kReadFormat[] =
    "SELECT value FROM {s}.rejoin__meta WHERE name = 'format' AND typeof(value) = 'integer'";

constexpr char kFirstLogRow[] =
    "INSERT INTO {s}.rejoin__log(pos, tag, clock, own, total, body) VALUES(1, ?1, 0, 0, 0, x'')";

std::string CreateCaptureTable(const CaptureTable& table) {
  return std::string("CREATE VIRTUAL TABLE {s}.") + table.name + " USING " + kCaptureModule + "(" +
         std::to_string(table.width) + ")";
}

Value RandomInteger(Engine& engine) {
  return Value::Integer(static_cast<std::int64_t>(engine.env.random->Draw64()));
}

std::string WithNumber(std::string_view sql, std::uint32_t number) {
  std::string text(sql);
  return text.replace(text.find("%d"), 2, std::to_string(number));
}

}  // namespace

Status CreateMeta(Engine& engine) {
  REJOIN_TRY(engine.db.Exec(kCreateMetaSql));
  for (const CaptureTable& table : kCaptureTables) {
    REJOIN_TRY(engine.db.Exec(CreateCaptureTable(table)));
  }
  Random& random = *engine.env.random;
  const std::uint64_t first = random.Draw64();
  const ReplicaId self = ReplicaId::Random(first, random.Draw64());
  REJOIN_TRY(engine.SetMeta("format", Value::Integer(kMetaFormat)));
  REJOIN_TRY(engine.SetMeta("replica", Value::Blob(Bytes(self.View()))));
  REJOIN_TRY(engine.SetMeta("epoch", RandomInteger(engine)));
  REJOIN_TRY(engine.SetMeta("secret", RandomInteger(engine)));
  REJOIN_TRY(engine.SetMeta("catalog", RandomInteger(engine)));
  REJOIN_TRY(engine.SetMeta("folded", Value::Integer(1)));
  REJOIN_ASSIGN(CachedStatement log, engine.db.Cached(kFirstLogRow));
  log->Bind(1, random.Draw64());
  REJOIN_TRY(log->Run());
  engine.catalog.Invalidate();
  REJOIN_TRY(engine.catalog.Refresh());
  REJOIN_TRY(engine.catalog.Intern(self));
  return {};
}

Status CreateKeyTable(Engine& engine, std::uint32_t table) {
  return engine.db.Exec(WithNumber(kCreateKeyTableSql, table));
}

Status CreateRowTable(Engine& engine, std::uint32_t table) {
  return engine.db.Exec(WithNumber(kCreateRowTableSql, table));
}

Status DropRowTables(Engine& engine, std::uint32_t table) {
  const std::string number = std::to_string(table);
  REJOIN_TRY(engine.db.Exec("DROP TABLE IF EXISTS {s}.rejoin__row_" + number));
  return engine.db.Exec("DROP TABLE IF EXISTS {s}.rejoin__key_" + number);
}

Status DropMeta(Engine& engine) {
  std::vector<std::string> drops;
  {
    REJOIN_ASSIGN(Statement list, engine.db.Prepare(kListOurs));
    for (;;) {
      REJOIN_ASSIGN(const bool row, list.Step());
      if (!row) break;
      drops.push_back("DROP " + std::string(list.Text(0)) + " IF EXISTS {s}." +
                      QuoteName(list.Text(1)));
    }
  }
  // A table that is being read cannot be dropped.
  engine.db.FinalizeAll();
  for (const std::string& drop : drops) REJOIN_TRY(engine.db.Exec(drop));
  engine.catalog.Invalidate();
  return {};
}

Result<bool> CheckMetaFormat(Database& db) {
  {
    REJOIN_ASSIGN(CachedStatement exists, db.Cached(kMetaExists));
    REJOIN_ASSIGN(const bool found, exists->Step());
    if (!found) return false;
  }
  REJOIN_ASSIGN(CachedStatement read, db.Cached(kReadFormat));
  REJOIN_ASSIGN(const bool found, read->Step());
  if (!found) {
    return Fail(Code::kCorrupt,
                "rejoin__meta holds no format number; restore the file from a backup, or call "
                "rejoin_uninstall() and track the tables again");
  }
  const std::int64_t format = read->Integer(0);
  if (format > kMetaFormat) {
    return Fail(Code::kNewerFormat, "the file's Rejoin data has format " + std::to_string(format) +
                                        ", this version knows " + std::to_string(kMetaFormat) +
                                        "; update Rejoin (the tables stay readable without it)");
  }
  return true;
}

}  // namespace rejoin
