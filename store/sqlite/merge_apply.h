// The rows of a delta, block by block, joined into the file.
#pragma once

#include <optional>
#include <vector>

#include "store/sqlite/log.h"
#include "store/sqlite/merge_scope.h"
#include "store/sqlite/plain_edits.h"
#include "store/sqlite/row_reader.h"
#include "store/sqlite/shown.h"

namespace rejoin {

class DeltaApplier {
 public:
  // Takes no stamp later than `newest`, unless `known` covers it; `known` outlives it.
  DeltaApplier(Engine& engine, HybridTimestamp newest, const VersionVector& known)
      : engine_(engine), scope_(engine), newest_(newest), known_(known) {}

  // `tables`: those announced so far, as the reader has them.
  Status Apply(DeltaBlock block, const std::vector<DeltaTable>& tables);

  const MergeReport& report() const { return report_; }
  // Of all stamps in the rows: what the clock here has seen now.
  HybridTimestamp latest_time() const { return latest_time_; }
  // Per replica the latest of its stamps in the rows.
  const VersionVector& stamped() const { return stamped_; }
  // The keys of the rows that changed or moved; where those were too many to list, of
  // those that moved; and where even these are too many, of none.
  const std::vector<TouchedKey>& touched() const { return overflow_ ? moved_ : touched_; }
  bool overflow() const { return overflow_; }
  bool moves_unlisted() const { return moves_unlisted_; }
  // Tables were made: the schema changed by our own doing.
  bool made_tables() const { return made_tables_; }

 private:
  // A table of the delta, and what it is here.
  struct Target {
    TrackedTable* table = nullptr;
    std::vector<ColumnId> columns;  // of the delta's column i
    bool same_numbers = true;       // columns[i] == i throughout
    bool ascending = true;          // its blocks have come ascending so far
    bool was_empty = false;         // it had no row and no record before
    Key last_key;
  };

  Status ApplyRows(Target& target, std::vector<RowDelta> rows);
  Status AddTarget(const DeltaTable& from);
  Result<TrackedTable*> FindOrCarry(const DeltaTable& from);
  // What is known of all rows from a key on before any is looked up.
  enum class Known : std::uint8_t {
    kNothing,
    kUnrecorded,  // none has metadata; the table may have rows of this delta's
    kNew,         // none is here at all
  };
  Result<Known> WhatIsKnown(const Target& target, const Key& first);
  // A row of the delta, and where the table has the row of its key.
  struct Incoming {
    RowDelta* row = nullptr;
    std::optional<std::int64_t> rowid;
  };
  Status InsertPlain(const Target& target, std::vector<RowDelta>& rows, Known known);
  Result<std::vector<Incoming>> InOrderOfTable(RowReader& reader, std::vector<RowDelta>& rows, Known known);
  Status Join(const Target& target, std::vector<RowDelta>& rows, Known known);
  Result<bool> HasRecordFrom(const TrackedTable& table, const Key& key);
  Result<bool> HasRows(const TrackedTable& table);
  Result<bool> EndsBefore(const TrackedTable& table, const Key& key);
  Status JoinRow(const Target& target, RowReader& reader, const Incoming& incoming, Known known,
                 std::vector<PendingRow>& pending);
  Status Write(const Target& target, RowReader& reader, PlainEdits& plain, std::vector<PlainEdit> edits);
  Status Show(const Target& target, std::vector<PendingRow> pending);
  void Cut(RowState& state);
  void Touch(TableNumber table, const Key& key);
  void NoteMoved(TableNumber table, const MovedRow& moved);

  Engine& engine_;
  MergeScope scope_;
  HybridTimestamp newest_;
  const VersionVector& known_;
  std::vector<Target> targets_;
  std::vector<Key> inserted_;  // of the rows at hand those that another may yet displace, ascending
  MergeReport report_;
  HybridTimestamp latest_time_;
  VersionVector stamped_;
  std::vector<TouchedKey> touched_;
  std::size_t touched_bytes_ = 0;
  bool overflow_ = false;
  std::vector<TouchedKey> moved_;
  std::size_t moved_bytes_ = 0;
  bool moves_unlisted_ = false;
  bool made_tables_ = false;
};

}  // namespace rejoin
