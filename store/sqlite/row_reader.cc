#include "store/sqlite/row_reader.h"

#include <algorithm>

namespace rejoin {
namespace {

// To pass over a row takes a fifth of what it takes to search for one. That many rows are
// passed over where no more can lie between, and where the last ones were that near;
constexpr int kNear = 4;
// else the table is searched, but now and then, to see whether they are near again.
constexpr unsigned kTryAgain = 16;

std::uint64_t StoredHash(const TrackedTable& table, const Key& key) {
  return table.shape.kind == KeyKind::kIndexed ? KeyHash(key) : 0;
}

// Of a kRowid table; nullopt: the key cannot be one of it.
std::optional<std::int64_t> RowidOf(const Key& key) {
  ByteReader parts(key);
  const auto part = ReadKeyPart(parts);
  if (!part || part->type != ValueType::kInteger || parts.remaining() > 0) return std::nullopt;
  return static_cast<std::int64_t>(part->bits);
}

}  // namespace

// --- RowidCursor -------------------------------------------------------------------

Result<bool> RowidCursor::Find(std::int64_t rowid) {
  if (open_ && rowid >= from_) {
    if (there_ && at_ < rowid) near_ = near_ || IsNear(rowid) || ++far_ % kTryAgain == 0;
    for (int i = 0; near_ && there_ && at_ < rowid && i < kNear; ++i) {
      from_ = at_ + 1;
      REJOIN_TRY(Next());
    }
    if (!there_ || at_ >= rowid) return there_ && at_ == rowid;
    near_ = false;
  }
  if (!rows_) {
    REJOIN_ASSIGN(rows_, db_.Prepare(sql_));
  }
  rows_.Reset();
  rows_.Bind(1, rowid);
  from_ = rowid;
  REJOIN_TRY(Next());
  return there_ && at_ == rowid;
}

bool RowidCursor::IsNear(std::int64_t rowid) const {
  return static_cast<std::uint64_t>(rowid) - static_cast<std::uint64_t>(at_) <= static_cast<std::uint64_t>(kNear);
}

Status RowidCursor::Next() {
  open_ = false;  // where this fails
  REJOIN_ASSIGN(there_, rows_.Step());
  if (there_) at_ = rows_.Integer(0);
  open_ = true;
  return {};
}

void RowidCursor::Forget() {
  if (rows_) rows_.Reset();
  open_ = false;
}

// --- RowReader ---------------------------------------------------------------------

RowReader::RowReader(Engine& engine, const TrackedTable& table)
    : engine_(engine),
      table_(table),
      sql_(engine.row_sql.For(table)),
      rows_(engine.db, sql_.scan),
      overrides_(engine.db, sql_.scan_overrides) {}

void RowReader::Forget() {
  rows_.Forget();
  overrides_.Forget();
  run_.reset();
  in_run_.reset();
  know_keys_ = false;
  read_key_.reset();
}

Result<std::optional<std::int64_t>> RowReader::FindRowid(const Key& key) {
  if (!table_.local || table_.shape.kind == KeyKind::kWithoutRowid) return std::optional<std::int64_t>();
  if (table_.shape.kind == KeyKind::kRowid) return RowidOf(key);
  if (!find_rowid_) {
    REJOIN_ASSIGN(find_rowid_, engine_.db.Prepare(sql_.find_rowid));
  }
  std::optional<std::int64_t> rowid;
  if (!BindKey(find_rowid_, table_, key)) return rowid;
  REJOIN_ASSIGN(const bool found, find_rowid_.Step());
  // SQL calls keys equal that are not the same bytes (NOCASE, 1 and 1.0).
  Key found_key;
  if (found && ReadRowKey(find_rowid_, sql_, table_.shape.kind, found_key) && found_key == key) {
    rowid = find_rowid_.Integer(0);
  }
  find_rowid_.Reset();
  return rowid;
}

Result<LocatedRow> RowReader::Load(const Key& key) {
  LocatedRow row;
  if (table_.local && table_.shape.kind == KeyKind::kRowid) {
    if (const auto rowid = RowidOf(key)) REJOIN_TRY(ReadTableAt(*rowid, row));
  } else if (table_.local) {
    REJOIN_TRY(ReadTableByKey(key, row));
  }
  REJOIN_TRY(TakeState(key, row));
  return row;
}

Result<LocatedRow> RowReader::LoadAt(const Key& key, std::optional<std::int64_t> rowid) {
  if (table_.local && table_.shape.kind == KeyKind::kWithoutRowid) return Load(key);
  LocatedRow row;
  if (rowid) REJOIN_TRY(ReadTableAt(*rowid, row));
  REJOIN_TRY(TakeState(key, row));
  return row;
}

Result<LocatedRow> RowReader::LoadAnyAt(std::int64_t rowid) {
  LocatedRow row;
  REJOIN_TRY(ReadTableAt(rowid, row));
  Key key;
  if (!row.in_table || !ReadRowKey(rows_.row(), sql_, table_.shape.kind, key)) return row;
  REJOIN_TRY(TakeState(key, row));
  return row;
}

Result<PackedRow*> RowReader::PackedAt(const Key& key, std::optional<std::int64_t> rowid) {
  if (table_.shape.kind == KeyKind::kWithoutRowid) {
    REJOIN_ASSIGN(const std::optional<Bytes> record, FindKeyed(key));
    if (!record) return nullptr;
    REJOIN_ASSIGN(packed_, UnpackRecord({engine_.catalog, table_}, *record));
    return &packed_;
  }
  if (!rowid) return nullptr;
  const std::uint64_t key_hash = StoredHash(table_, key);
  REJOIN_ASSIGN(const bool overridden, overrides_.Find(*rowid));
  if (overridden) {
    REJOIN_ASSIGN(packed_, UnpackRecord({engine_.catalog, table_}, overrides_.row().Text(1)));
    if (packed_.key_hash != key_hash) return WrongRow(table_, *rowid);
    return &packed_;
  }
  REJOIN_ASSIGN(const bool in_run, IsInRun(*rowid));
  if (!in_run) return nullptr;
  if (!in_run_) in_run_ = RowOfRun(table_, *run_);
  packed_ = *in_run_;
  packed_.key_hash = key_hash;
  return &packed_;
}

Result<bool> RowReader::IsThere(const Key& key, std::optional<std::int64_t> rowid) {
  if (rowid) return rows_.Find(*rowid);
  if (table_.shape.kind != KeyKind::kWithoutRowid) return false;
  if (read_key_ != key) {
    read_ = {};
    REJOIN_TRY(ReadTableByKey(key, read_));
    read_key_ = key;
  }
  return read_.in_table;
}

Result<bool> RowReader::HasValue(const Key& key, std::optional<std::int64_t> rowid, ColumnId column,
                                 const Value& value) {
  REJOIN_ASSIGN(const bool there, IsThere(key, rowid));
  if (!there) return false;
  if (!rowid) return read_.table_values[column] == value;
  const auto at = std::lower_bound(sql_.local.begin(), sql_.local.end(), column);
  const ValueView has = ColumnView(rows_.row(), sql_.values_at + static_cast<int>(at - sql_.local.begin()));
  return has.type == value.type && has.bits == value.bits && has.bytes == value.bytes;
}

Status RowReader::ReadTableAt(std::int64_t rowid, LocatedRow& row) {
  REJOIN_ASSIGN(const bool found, rows_.Find(rowid));
  if (found) TakeTableRow(rows_.row(), row);
  return {};
}

Status RowReader::ReadTableByKey(const Key& key, LocatedRow& row) {
  if (!read_by_key_) {
    REJOIN_ASSIGN(read_by_key_, engine_.db.Prepare(sql_.read_by_key));
  }
  if (!BindKey(read_by_key_, table_, key)) return {};
  REJOIN_ASSIGN(const bool found, read_by_key_.Step());
  Key found_key;
  if (found && ReadRowKey(read_by_key_, sql_, table_.shape.kind, found_key) && found_key == key) {
    TakeTableRow(read_by_key_, row);
  }
  read_by_key_.Reset();
  return {};
}

void RowReader::TakeTableRow(const Statement& found, LocatedRow& row) const {
  row.in_table = true;
  if (table_.shape.kind != KeyKind::kWithoutRowid) row.rowid = found.Integer(0);
  row.table_values.resize(table_.columns.size());
  for (std::size_t i = 0; i < sql_.local.size(); ++i) {
    row.table_values[sql_.local[i]] = found.ColumnValue(sql_.values_at + static_cast<int>(i));
  }
}

Status RowReader::TakeState(const Key& key, LocatedRow& row) {
  if (row.in_table && table_.shape.kind != KeyKind::kWithoutRowid) {
    REJOIN_ASSIGN(const bool overridden, TakeOverride(key, row));
    if (overridden) return {};
    REJOIN_ASSIGN(const bool in_run, TakeRun(row));
    if (in_run) return {};
  }
  // Of a row that came into the table unseen, what was known before it did.
  return TakeKeyed(key, row);
}

Status RowReader::TakeRecord(ByteView bytes, std::uint64_t key_hash, LocatedRow& row) {
  REJOIN_ASSIGN(DecodedRecord record,
                DecodeRecord({engine_.catalog, table_}, bytes, [&row](ColumnId column) {
                  return row.table_values.empty() ? Value() : row.table_values[column];
                }));
  if (record.key_hash != key_hash) return WrongRow(table_, row.rowid);
  row.state = std::move(record.state);
  row.has_record = true;
  return {};
}

Result<bool> RowReader::TakeOverride(const Key& key, LocatedRow& row) {
  REJOIN_ASSIGN(const bool found, overrides_.Find(row.rowid));
  if (found) REJOIN_TRY(TakeRecord(overrides_.row().Text(1), StoredHash(table_, key), row));
  return found;
}

Result<bool> RowReader::IsInRun(std::int64_t rowid) {
  if (!run_ || rowid < run_->first || rowid > run_->last) {
    REJOIN_ASSIGN(run_, FindRun(engine_, table_, rowid));
    in_run_.reset();
  }
  return run_.has_value();
}

Result<bool> RowReader::TakeRun(LocatedRow& row) {
  REJOIN_ASSIGN(const bool in_run, IsInRun(row.rowid));
  if (!in_run) return false;
  Incarnation incarnation{run_->birth, {}};
  incarnation.cells.reserve(run_->columns->size());
  for (const ColumnId column : *run_->columns) {
    if (column >= table_.columns.size() || !table_.columns[column].local) continue;
    incarnation.cells.push_back({column, run_->birth, row.table_values[column]});
  }
  row.state.incarnations.push_back(std::move(incarnation));
  return true;
}

Status RowReader::TakeKeyed(const Key& key, LocatedRow& row) {
  REJOIN_ASSIGN(const std::optional<Bytes> record, FindKeyed(key));
  if (!record) return {};
  row.keyed = true;
  return TakeRecord(*record, 0, row);
}

Result<std::optional<Bytes>> RowReader::FindKeyed(const Key& key) {
  const bool none = know_keys_ && key >= no_keys_from_ && (!no_keys_to_ || key < *no_keys_to_);
  if (none) return std::optional<Bytes>();
  REJOIN_ASSIGN(CachedStatement scan, engine_.db.Cached(sql_.scan_keyed));
  scan->BindBlob(1, key);
  REJOIN_ASSIGN(const bool found, scan->Step());
  if (found && scan->Text(0) == key) return std::optional<Bytes>(scan->Text(1));
  know_keys_ = true;
  no_keys_from_ = key;
  no_keys_to_.reset();
  if (found) no_keys_to_ = Key(scan->Text(0));
  return std::optional<Bytes>();
}

}  // namespace rejoin
