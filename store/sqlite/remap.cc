#include "store/sqlite/remap.h"

#include <limits>
#include <string>
#include <vector>

#include "store/sqlite/row_access.h"

namespace rejoin {
namespace {

constexpr std::int64_t kBatchRows = 10'000;

// Scratch for one call: where the metadata of a key was, and the new places.
// used: 1 where a row has claimed it, or its key is known to be hidden.
constexpr char kScratch[] = R"sql(
DROP TABLE IF EXISTS temp.rejoin__old;
DROP TABLE IF EXISTS temp.rejoin__new;
CREATE TEMP TABLE rejoin__old(hash INTEGER PRIMARY KEY, rowid_was INTEGER NOT NULL,
  record BLOB, used INTEGER NOT NULL DEFAULT 0);
CREATE TEMP TABLE rejoin__new(rowid_now INTEGER PRIMARY KEY, hash INTEGER NOT NULL, record BLOB,
  rank INTEGER, time INTEGER, replica INTEGER, colset INTEGER);
)sql";
constexpr char kDropScratch[] = "DROP TABLE temp.rejoin__old; DROP TABLE temp.rejoin__new;";

constexpr char kChunks[] = "SELECT first, hashes FROM {s}.rejoin__hash WHERE tbl = ?1 ORDER BY first";
constexpr char kRemember[] =
    "INSERT OR REPLACE INTO temp.rejoin__old(hash, rowid_was, record) VALUES(?1, ?2, ?3)";
constexpr char kMarkUsed[] = "UPDATE temp.rejoin__old SET used = 1 WHERE hash = ?1";
constexpr char kFind[] = "SELECT rowid_was, record FROM temp.rejoin__old WHERE hash = ?1 AND used = 0";
constexpr char kRunAt[] =
    "SELECT rank, time, replica, colset FROM {s}.rejoin__run "
    "WHERE tbl = ?1 AND first <= ?2 AND last >= ?2 ORDER BY first DESC LIMIT 1";
constexpr char kPlace[] =
    "INSERT INTO temp.rejoin__new(rowid_now, hash, record, rank, time, replica, colset) "
    "VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)";
constexpr char kReadRuns[] =
    "SELECT rowid_now, hash, rank, time, replica, colset FROM temp.rejoin__new "
    "WHERE record IS NULL AND rowid_now > ?1 ORDER BY rowid_now LIMIT ?2";

std::uint64_t HashAt(ByteView hashes, std::size_t index) {
  ByteReader reader(hashes.substr(8 * index, 8));
  return reader.Fixed64();
}

std::string SelectKey(const TrackedTable& table, std::string_view where) {
  std::string sql = "SELECT " + QuoteName(table.shape.rowid_name);
  for (const std::size_t column : table.shape.key) {
    sql += ", " + QuoteName(table.shape.columns[column].name);
  }
  return sql + " FROM {s}." + QuoteName(*table.local) + " " + std::string(where);
}

// nullopt: a NULL in the key.
std::optional<Key> ReadKey(const Statement& row, const TrackedTable& table) {
  Key key;
  for (int i = 1; i <= static_cast<int>(table.shape.key.size()); ++i) {
    if (row.IsNull(i)) return std::nullopt;
    AppendKeyPart(key, row.ColumnValue(i));
  }
  return key;
}

class Remapping {
 public:
  Remapping(Engine& engine, const TrackedTable& table) : engine_(engine), table_(table) {}

  Result<std::uint64_t> Run() {
    REJOIN_TRY(engine_.db.Exec(kScratch));
    REJOIN_TRY(RememberRuns());
    REJOIN_TRY(RememberOverrides());
    REJOIN_TRY(ForgetHiddenKeys());
    REJOIN_TRY(PlaceRows());
    REJOIN_TRY(ReplaceMetadata());
    REJOIN_ASSIGN(const std::uint64_t missing, CountMissing());
    engine_.db.FinalizeAll();
    REJOIN_TRY(engine_.db.Exec(kDropScratch));
    return missing;
  }

 private:
  Status Remember(std::uint64_t hash, std::int64_t rowid, const ByteView* record) {
    REJOIN_ASSIGN(CachedStatement add, engine_.db.Cached(kRemember));
    add->Bind(1, hash).Bind(2, rowid);
    if (record != nullptr) {
      add->BindBlob(3, *record);
    } else {
      add->BindNull(3);
    }
    return add->Run();
  }

  Status RememberRuns() {
    REJOIN_ASSIGN(Statement chunks, engine_.db.Prepare(kChunks));
    chunks.Bind(1, std::int64_t{table_.number});
    for (;;) {
      REJOIN_ASSIGN(const bool row, chunks.Step());
      if (!row) return {};
      const ByteView hashes = chunks.Text(1);
      for (std::size_t i = 0; i < hashes.size() / 8; ++i) {
        REJOIN_TRY(Remember(HashAt(hashes, i), chunks.Integer(0) + static_cast<std::int64_t>(i), nullptr));
      }
    }
  }

  // After the runs: an override takes precedence over the run it lies in.
  Status RememberOverrides() {
    REJOIN_ASSIGN(Statement records,
                  engine_.db.Prepare("SELECT rowid, record FROM {s}." + table_.row_table()));
    for (;;) {
      REJOIN_ASSIGN(const bool row, records.Step());
      if (!row) return {};
      const ByteView record = records.Text(1);
      REJOIN_ASSIGN(const DecodedRecord decoded,
                    DecodeRecord({engine_.catalog, table_}, record,
                                 [](ColumnId) { return Value::Null(); }));
      REJOIN_TRY(Remember(decoded.key_hash, records.Integer(0), &record));
    }
  }

  // A run still covers the rowid of a row that was deleted since: its key has a
  // record of its own now and must not be counted as missing.
  Status ForgetHiddenKeys() {
    REJOIN_ASSIGN(Statement keys, engine_.db.Prepare("SELECT key FROM {s}." + table_.key_table()));
    for (;;) {
      REJOIN_ASSIGN(const bool row, keys.Step());
      if (!row) return {};
      REJOIN_ASSIGN(CachedStatement mark, engine_.db.Cached(kMarkUsed));
      mark->Bind(1, KeyHash(Key(keys.Text(0))));
      REJOIN_TRY(mark->Run());
    }
  }

  Status PlaceRows() {
    REJOIN_ASSIGN(Statement rows, engine_.db.Prepare(SelectKey(table_, "")));
    for (;;) {
      REJOIN_ASSIGN(const bool row, rows.Step());
      if (!row) return {};
      const std::optional<Key> key = ReadKey(rows, table_);
      if (key) REJOIN_TRY(PlaceRow(rows.Integer(0), KeyHash(*key)));
    }
  }

  Status PlaceRow(std::int64_t rowid, std::uint64_t hash) {
    REJOIN_ASSIGN(CachedStatement find, engine_.db.Cached(kFind));
    find->Bind(1, hash);
    REJOIN_ASSIGN(const bool known, find->Step());
    if (!known) return {};
    REJOIN_ASSIGN(CachedStatement place, engine_.db.Cached(kPlace));
    place->Bind(1, rowid).Bind(2, hash);
    const Bytes record(find->Text(1));
    if (!find->IsNull(1)) {
      place->BindBlob(3, record);
      for (int at = 4; at <= 7; ++at) place->BindNull(at);
    } else {
      REJOIN_ASSIGN(CachedStatement run, engine_.db.Cached(kRunAt));
      run->Bind(1, std::int64_t{table_.number}).Bind(2, find->Integer(0));
      REJOIN_ASSIGN(const bool covered, run->Step());
      if (!covered) return {};
      place->BindNull(3);
      for (int at = 4; at <= 7; ++at) place->Bind(at, run->Integer(at - 4));
    }
    REJOIN_TRY(place->Run());
    REJOIN_ASSIGN(CachedStatement mark, engine_.db.Cached(kMarkUsed));
    mark->Bind(1, hash);
    return mark->Run();
  }

  Status ReplaceMetadata() {
    const std::string number = std::to_string(table_.number);
    REJOIN_TRY(engine_.db.Exec("DELETE FROM {s}.rejoin__run WHERE tbl = " + number));
    REJOIN_TRY(engine_.db.Exec("DELETE FROM {s}.rejoin__hash WHERE tbl = " + number));
    REJOIN_TRY(engine_.db.Exec("DELETE FROM {s}." + table_.row_table()));
    REJOIN_TRY(engine_.db.Exec("UPDATE {s}.rejoin__table SET high_rowid = 0 WHERE number = " + number));
    REJOIN_TRY(engine_.db.Exec("INSERT INTO {s}." + table_.row_table() +
                               " SELECT rowid_now, record FROM temp.rejoin__new "
                               "WHERE record IS NOT NULL"));
    std::int64_t after = std::numeric_limits<std::int64_t>::min();
    for (;;) {
      REJOIN_ASSIGN(const bool more, AppendNextRuns(after));
      if (!more) return {};
    }
  }

  // Neighbours of one birth are one run again; none spans a gap, for a row in it
  // may be unknown and must not be taken for one of the run's.
  Result<bool> AppendNextRuns(std::int64_t& after) {
    struct Placed {
      NewRow row;
      Stamp birth;
      ColsetNumber colset;
    };
    std::vector<Placed> batch;
    {
      REJOIN_ASSIGN(CachedStatement read, engine_.db.Cached(kReadRuns));
      read->Bind(1, after).Bind(2, kBatchRows);
      for (;;) {
        REJOIN_ASSIGN(const bool row, read->Step());
        if (!row) break;
        const ReplicaId* const replica =
            engine_.catalog.Lookup(static_cast<ReplicaNumber>(read->Integer(4)));
        if (replica == nullptr) {
          return Fail(Code::kCorrupt, "rejoin__run names an unknown replica; run rejoin doctor");
        }
        batch.push_back({{read->Integer(0), read->Unsigned(1)},
                         {static_cast<Rank>(read->Integer(2)), {read->Unsigned(3)}, *replica},
                         static_cast<ColsetNumber>(read->Integer(5))});
      }
    }
    if (batch.empty()) return false;
    for (std::size_t from = 0; from < batch.size();) {
      std::vector<NewRow> rows;
      std::size_t to = from;
      while (to < batch.size() && batch[to].birth == batch[from].birth &&
             batch[to].colset == batch[from].colset &&
             batch[to].row.rowid - batch[from].row.rowid == static_cast<std::int64_t>(to - from)) {
        rows.push_back(batch[to++].row);
      }
      REJOIN_TRY(AppendRun(engine_, table_, batch[from].birth, batch[from].colset, rows));
      from = to;
    }
    after = batch.back().row.rowid;
    return true;
  }

  Result<std::uint64_t> CountMissing() {
    REJOIN_ASSIGN(Statement count,
                  engine_.db.Prepare("SELECT count(*) FROM temp.rejoin__old WHERE used = 0"));
    REJOIN_TRY(count.Step());
    return count.Unsigned(0);
  }

  Engine& engine_;
  const TrackedTable& table_;
};

// Does the row at this rowid, where it has no override, have the key of this hash?
Result<bool> Fits(Engine& engine, const TrackedTable& table, std::int64_t rowid, std::uint64_t hash) {
  REJOIN_ASSIGN(CachedStatement find,
                engine.db.Cached(SelectKey(table, "WHERE " + QuoteName(table.shape.rowid_name) +
                                                      " = ?1 AND NOT EXISTS(SELECT 1 FROM {s}." +
                                                      table.row_table() + " WHERE rowid = ?1)")));
  find->Bind(1, rowid);
  REJOIN_ASSIGN(const bool found, find->Step());
  if (!found) return true;
  const std::optional<Key> key = ReadKey(*find, table);
  return key && KeyHash(*key) == hash;
}

}  // namespace

Result<bool> RowsHaveMoved(Engine& engine, const TrackedTable& table) {
  if (table.shape.kind != KeyKind::kIndexed) return false;
  REJOIN_ASSIGN(Statement chunks, engine.db.Prepare(kChunks));
  chunks.Bind(1, std::int64_t{table.number});
  for (;;) {
    REJOIN_ASSIGN(const bool row, chunks.Step());
    if (!row) return false;
    const ByteView hashes = chunks.Text(1);
    if (hashes.size() < 8) continue;
    const std::size_t last = hashes.size() / 8 - 1;
    const std::int64_t first = chunks.Integer(0);
    const std::uint64_t first_hash = HashAt(hashes, 0);
    const std::uint64_t last_hash = HashAt(hashes, last);
    REJOIN_ASSIGN(const bool first_fits, Fits(engine, table, first, first_hash));
    REJOIN_ASSIGN(const bool last_fits,
                  Fits(engine, table, first + static_cast<std::int64_t>(last), last_hash));
    if (!first_fits || !last_fits) return true;
  }
}

Result<std::uint64_t> RemapRows(Engine& engine, const TrackedTable& table) {
  if (table.shape.kind != KeyKind::kIndexed) return std::uint64_t{0};
  return Remapping(engine, table).Run();
}

}  // namespace rejoin
