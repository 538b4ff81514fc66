#include "store/sqlite/runs.h"

#include <algorithm>
#include <limits>

namespace rejoin {
namespace {

constexpr char kFindRun[] =
    "SELECT first, last, rank, time, replica, colset FROM {s}.rejoin__run "
    "WHERE tbl = ?1 AND first <= ?2 ORDER BY first DESC LIMIT 1";
constexpr char kFindRunFrom[] =
    "SELECT first, last, rank, time, replica, colset FROM {s}.rejoin__run "
    "WHERE tbl = ?1 AND first > ?2 ORDER BY first LIMIT 1";
constexpr char kPutRun[] =
    "INSERT OR REPLACE INTO {s}.rejoin__run(tbl, first, last, rank, time, replica, colset) "
    "VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)";
constexpr char kReadHigh[] = "SELECT high_rowid FROM {s}.rejoin__table WHERE number = ?1";
constexpr char kWriteHigh[] = "UPDATE {s}.rejoin__table SET high_rowid = ?2 WHERE number = ?1";
constexpr char kFindChunk[] =
    "SELECT first, hashes FROM {s}.rejoin__hash WHERE tbl = ?1 AND first <= ?2 "
    "ORDER BY first DESC LIMIT 1";
constexpr char kNextChunk[] =
    "SELECT min(first) FROM {s}.rejoin__hash WHERE tbl = ?1 AND first > ?2";
constexpr char kPutChunk[] =
    "INSERT OR REPLACE INTO {s}.rejoin__hash(tbl, first, hashes) VALUES(?1, ?2, ?3)";

constexpr std::int64_t kLargestRowid = std::numeric_limits<std::int64_t>::max();
constexpr std::size_t kHashBytes = 8;
// About a page of the file: a chunk is rewritten when rows are added to it.
constexpr std::size_t kMaxChunkRows = 480;

std::int64_t RowsIn(ByteView hashes) { return static_cast<std::int64_t>(hashes.size() / kHashBytes); }

Result<std::optional<Run>> FirstRun(Engine& engine, const TrackedTable& table, const char* sql,
                                    std::int64_t rowid) {
  REJOIN_ASSIGN(CachedStatement find, engine.db.Cached(sql));
  find->Bind(1, std::int64_t{table.number}).Bind(2, rowid);
  REJOIN_ASSIGN(const bool found, find->Step());
  if (!found) return std::optional<Run>();
  REJOIN_ASSIGN(Run run, RunAt(engine, table, *find));
  return std::optional<Run>(run);
}

}  // namespace

Result<Run> RunAt(Engine& engine, const TrackedTable& table, const Statement& row) {
  Run run;
  run.first = row.Integer(0);
  run.last = row.Integer(1);
  run.birth.rank = static_cast<Rank>(row.Integer(2));
  run.birth.time = HybridTimestamp{row.Unsigned(3)};
  const ReplicaId* const replica = engine.catalog.Lookup(static_cast<ReplicaNumber>(row.Integer(4)));
  run.colset = static_cast<ColsetNumber>(row.Integer(5));
  run.columns = engine.catalog.LookupColset(run.colset);
  if (replica == nullptr || run.columns == nullptr) {
    return Fail(Code::kCorrupt, "rejoin__run names a replica or column set that is not there, for "
                                "table " + table.name + "; run rejoin doctor");
  }
  run.birth.replica = *replica;
  return run;
}

Result<std::optional<Run>> FindRun(Engine& engine, const TrackedTable& table, std::int64_t rowid) {
  REJOIN_ASSIGN(std::optional<Run> run, FirstRun(engine, table, kFindRun, rowid));
  if (run && run->last < rowid) run.reset();
  return run;
}

Result<std::optional<Run>> FindRunFrom(Engine& engine, const TrackedTable& table,
                                       std::int64_t rowid) {
  REJOIN_ASSIGN(std::optional<Run> run, FindRun(engine, table, rowid));
  if (run) return run;
  return FirstRun(engine, table, kFindRunFrom, rowid);
}

PackedRow RowOfRun(const TrackedTable& table, const Run& run) {
  PackedRow row;
  row.shown = true;
  row.table_birth = run.birth;
  Incarnation incarnation{run.birth, {}};
  incarnation.cells.reserve(run.columns->size());
  for (const ColumnId column : *run.columns) {
    if (column >= table.columns.size() || !table.columns[column].local) continue;
    incarnation.cells.push_back({column, run.birth, {}});
    row.in_table.push_back(column);
  }
  row.state.incarnations.push_back(std::move(incarnation));
  return row;
}

Result<std::int64_t> HighRowid(Engine& engine, const TrackedTable& table) {
  REJOIN_ASSIGN(CachedStatement read, engine.db.Cached(kReadHigh));
  read->Bind(1, std::int64_t{table.number});
  REJOIN_ASSIGN(const bool found, read->Step());
  return found ? read->Integer(0) : 0;
}

Status AppendRun(Engine& engine, const TrackedTable& table, const Stamp& birth,
                 ColsetNumber colset, const std::vector<NewRow>& rows) {
  REJOIN_ASSIGN(RunAppender appender, RunAppender::Begin(engine, table));
  for (const NewRow& row : rows) REJOIN_TRY(appender.Add(birth, colset, row));
  return appender.Finish();
}

// --- Appending -------------------------------------------------------------------

Result<RunAppender> RunAppender::Begin(Engine& engine, const TrackedTable& table) {
  RunAppender appender(engine, table);
  REJOIN_ASSIGN(appender.high_, HighRowid(engine, table));
  return appender;
}

Result<RunAppender> RunAppender::BeginBeyondRecords(Engine& engine, const TrackedTable& table) {
  REJOIN_ASSIGN(RunAppender appender, Begin(engine, table));
  REJOIN_ASSIGN(CachedStatement last, engine.db.Cached("SELECT max(rowid) FROM {s}." + table.row_table()));
  REJOIN_TRY(last->Step());
  if (!last->IsNull(0)) appender.high_ = std::max(appender.high_, last->Integer(0));
  return appender;
}

Status RunAppender::Add(const Stamp& birth, ColsetNumber colset, const NewRow& row) {
  if (row.rowid <= high_) {
    return Fail(Code::kInternal, "row " + std::to_string(row.rowid) + " of table " + table_->name +
                                     " lies among the runs that exist");
  }
  if (!rose_) {
    REJOIN_TRY(LoadLastRun());
    if (table_->shape.kind == KeyKind::kIndexed) REJOIN_TRY(LoadLastChunk());
  }
  if (!Extends(birth, colset, row.rowid)) {
    REJOIN_TRY(WriteRun());
    run_ = Run{row.rowid, row.rowid, birth, colset, nullptr};
  }
  run_->last = row.rowid;
  run_changed_ = true;
  if (table_->shape.kind == KeyKind::kIndexed) REJOIN_TRY(AddHash(row));
  high_ = row.rowid;
  rose_ = true;
  return {};
}

bool RunAppender::Extends(const Stamp& birth, ColsetNumber colset, std::int64_t rowid) const {
  return run_ && run_->last + 1 == rowid && run_->colset == colset && run_->birth == birth;
}

Status RunAppender::LoadLastRun() {
  REJOIN_ASSIGN(run_, FirstRun(*engine_, *table_, kFindRun, kLargestRowid));
  return {};
}

Status RunAppender::LoadLastChunk() {
  REJOIN_ASSIGN(CachedStatement find, engine_->db.Cached(kFindChunk));
  find->Bind(1, std::int64_t{table_->number}).Bind(2, kLargestRowid);
  REJOIN_ASSIGN(const bool found, find->Step());
  if (!found) return {};
  chunk_first_ = find->Integer(0);
  chunk_ = Bytes(find->Text(1));
  return {};
}

Status RunAppender::AddHash(const NewRow& row) {
  const std::int64_t rows = RowsIn(chunk_);
  const bool fits = rows > 0 && static_cast<std::size_t>(rows) < kMaxChunkRows &&
                    row.rowid - rows == chunk_first_;
  if (!fits) {
    REJOIN_TRY(WriteChunk());
    chunk_.clear();
    chunk_first_ = row.rowid;
  }
  PutFixed64(chunk_, row.key_hash);
  chunk_changed_ = true;
  return {};
}

Status RunAppender::WriteRun() {
  if (!run_changed_) return {};
  REJOIN_ASSIGN(const ReplicaNumber replica, engine_->catalog.Intern(run_->birth.replica));
  REJOIN_ASSIGN(CachedStatement put, engine_->db.Cached(kPutRun));
  put->Bind(1, std::int64_t{table_->number})
      .Bind(2, run_->first)
      .Bind(3, run_->last)
      .Bind(4, static_cast<std::int64_t>(run_->birth.rank))
      .Bind(5, run_->birth.time.value)
      .Bind(6, std::int64_t{replica})
      .Bind(7, std::int64_t{run_->colset});
  run_changed_ = false;
  return put->Run();
}

Status RunAppender::WriteChunk() {
  if (!chunk_changed_) return {};
  REJOIN_ASSIGN(CachedStatement put, engine_->db.Cached(kPutChunk));
  put->Bind(1, std::int64_t{table_->number}).Bind(2, chunk_first_).BindBlob(3, chunk_);
  chunk_changed_ = false;
  return put->Run();
}

Status RunAppender::Finish() {
  if (!rose_) return {};
  REJOIN_TRY(WriteRun());
  REJOIN_TRY(WriteChunk());
  REJOIN_ASSIGN(CachedStatement write, engine_->db.Cached(kWriteHigh));
  write->Bind(1, std::int64_t{table_->number}).Bind(2, high_);
  rose_ = false;
  return write->Run();
}

// --- Checking --------------------------------------------------------------------

Status HashChunks::Check(std::int64_t rowid, const Key& key) {
  if (rowid < first_ || rowid >= end_) {
    hashes_.clear();
    first_ = rowid;
    const std::int64_t table = table_.number;
    {
      REJOIN_ASSIGN(CachedStatement find, engine_.db.Cached(kFindChunk));
      find->Bind(1, table).Bind(2, rowid);
      REJOIN_ASSIGN(const bool found, find->Step());
      if (found && rowid - find->Integer(0) < RowsIn(find->Text(1))) {
        first_ = find->Integer(0);
        hashes_ = Bytes(find->Text(1));
      }
    }
    end_ = first_ + RowsIn(hashes_);
    if (hashes_.empty()) {
      REJOIN_ASSIGN(CachedStatement next, engine_.db.Cached(kNextChunk));
      next->Bind(1, table).Bind(2, rowid);
      REJOIN_TRY(next->Step());
      end_ = next->IsNull(0) ? kLargestRowid : next->Integer(0);
    }
  }
  if (hashes_.empty()) return {};
  ByteReader at(ByteView(hashes_).substr(static_cast<std::size_t>(rowid - first_) * kHashBytes));
  if (at.Fixed64() != KeyHash(key)) return WrongRow(table_, rowid);
  return {};
}

tl::unexpected<Error> WrongRow(const TrackedTable& table, std::int64_t rowid) {
  return Fail(Code::kCorrupt, "the metadata at rowid " + std::to_string(rowid) + " of table " +
                                  table.name + " belongs to a row with another key; run rejoin doctor");
}

}  // namespace rejoin
