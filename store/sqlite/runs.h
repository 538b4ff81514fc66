// Runs: one row of metadata for the consecutive inserts of one transaction.
//
// A run covers every rowid first..last, each of which was a row when it was made.
// Whoever changes or deletes one of them gives it an override, or a record by
// key, which comes first; so a row in a run that has neither is as it was
// inserted. Rows that come to a rowid at or below high_rowid later get overrides.
// Tables whose key is not the rowid have a chunk of key hashes for each stretch
// of consecutive rowids. Runs of one table never overlap.
#pragma once

#include <cstdint>
#include <optional>

#include "store/sqlite/row_access.h"

namespace rejoin {

struct Run {
  std::int64_t first = 0;
  std::int64_t last = -1;
  Stamp birth;
  ColsetNumber colset = 0;
  // Where it was read from the file; nullptr never.
  const std::vector<ColumnId>* columns = nullptr;
};

// The run that covers the rowid.
Result<std::optional<Run>> FindRun(Engine& engine, const TrackedTable& table, std::int64_t rowid);
// The first run that ends at `rowid` or behind it.
Result<std::optional<Run>> FindRunFrom(Engine& engine, const TrackedTable& table, std::int64_t rowid);

// From a statement that selects first, last, rank, time, replica, colset.
Result<Run> RunAt(Engine& engine, const TrackedTable& table, const Statement& row);

// What a run says of a row: every cell of its columns that are local is in the
// table.
PackedRow RowOfRun(const TrackedTable& table, const Run& run);

// Adds rows, ascending by rowid and all above high_rowid, to the runs of one
// table. Nothing is complete before Finish.
class RunAppender {
 public:
  static Result<RunAppender> Begin(Engine& engine, const TrackedTable& table);
  // With high_rowid() not below any record: one that outlived its row, which somebody
  // removed behind our back, would count for the row that comes to its rowid.
  static Result<RunAppender> BeginBeyondRecords(Engine& engine, const TrackedTable& table);

  // The highest rowid that a run ever covered, those added here included.
  std::int64_t high_rowid() const { return high_; }
  Status Add(const Stamp& birth, ColsetNumber colset, const NewRow& row);
  Status Finish();

 private:
  RunAppender(Engine& engine, const TrackedTable& table) : engine_(&engine), table_(&table) {}
  bool Extends(const Stamp& birth, ColsetNumber colset, std::int64_t rowid) const;
  Status LoadLastRun();
  Status LoadLastChunk();
  Status AddHash(const NewRow& row);
  Status WriteRun();
  Status WriteChunk();

  Engine* engine_;
  const TrackedTable* table_;
  std::int64_t high_ = 0;
  bool rose_ = false;
  std::optional<Run> run_;
  bool run_changed_ = false;
  std::int64_t chunk_first_ = 0;
  Bytes chunk_;
  bool chunk_changed_ = false;
};

// The key hashes of a kIndexed table, for those who come by ascending rowid.
class HashChunks {
 public:
  HashChunks(Engine& engine, const TrackedTable& table) : engine_(engine), table_(table) {}
  // kCorrupt where the rowid has a hash and it is not that of `key`.
  Status Check(std::int64_t rowid, const Key& key);
  // Call when runs were added.
  void Forget() { end_ = first_; }

 private:
  Engine& engine_;
  const TrackedTable& table_;
  std::int64_t first_ = 0;
  std::int64_t end_ = 0;  // exclusive; of what is known to be in `hashes_`, or to have none
  Bytes hashes_;
};

// The error of everybody who finds metadata that belongs to another row.
tl::unexpected<Error> WrongRow(const TrackedTable& table, std::int64_t rowid);

}  // namespace rejoin
