// CheckTables of drift.h: what doctor looks at. Reads everything, and writes nothing
// but what folding does.

#include <string>
#include <vector>

#include "store/sqlite/columns.h"
#include "store/sqlite/drift.h"
#include "store/sqlite/fold.h"
#include "store/sqlite/row_reader.h"
#include "store/sqlite/row_scan.h"
#include "store/sqlite/triggers.h"

namespace rejoin {
namespace {

constexpr char kFindTrigger[] =
    "SELECT tbl_name FROM {s}.sqlite_schema WHERE type = 'trigger' AND name = ?1";
constexpr char kOverlaps[] =
    "SELECT count(*) FROM (SELECT first, lag(last) OVER (ORDER BY first) AS before "
    "FROM {s}.rejoin__run WHERE tbl = ?1) WHERE before >= first";

constexpr char kRepairs[] =
    "rejoin repairs it by itself: run `rejoin status FILE` or any rejoin_merge on the file";

Result<std::uint64_t> Count(Engine& engine, const std::string& sql, TableNumber table) {
  REJOIN_ASSIGN(Statement count, engine.db.Prepare(sql));
  if (sqlite3_bind_parameter_count(count.raw()) > 0) count.Bind(1, std::int64_t{table});
  REJOIN_TRY(count.Step());
  return count.Unsigned(0);
}

class TableCheck {
 public:
  TableCheck(Engine& engine, const TrackedTable& table, std::vector<Finding>& findings)
      : engine_(engine), table_(table), findings_(findings) {}

  Status Run() {
    const auto shape = ReadTableShape(engine_.db, *table_.local);
    if (!shape && !IsAboutTable(shape.error().code)) return tl::unexpected<Error>(shape.error());
    if (!shape) {
      Report("it is gone, or cannot be tracked any more: " + shape.error().message, kRepairs);
      return {};
    }
    REJOIN_TRY(CheckTriggers());
    REJOIN_TRY(CheckColumns(*shape));
    REJOIN_TRY(CheckRuns());
    // What the log still holds is missing in the metadata, and is no fault of it.
    REJOIN_ASSIGN(const std::uint64_t pending, PendingBytes(engine_));
    if (pending > 0) return {};
    REJOIN_TRY(CheckOrphans());
    return CheckRows();
  }

 private:
  void Report(std::string problem, std::string cure) {
    findings_.push_back({*table_.local, std::move(problem), std::move(cure)});
  }

  Status CheckTriggers() {
    for (const std::string& name : CaptureTriggerNames(table_)) {
      REJOIN_ASSIGN(CachedStatement find, engine_.db.Cached(kFindTrigger));
      find->BindText(1, name);
      REJOIN_ASSIGN(const bool found, find->Step());
      if (found) continue;
      intact_ = false;
      Report("trigger " + name + " is missing: writes since then were not recorded", kRepairs);
    }
    return {};
  }

  Status CheckColumns(const TableShape& shape) {
    REJOIN_ASSIGN(const ColumnDrift drift, CompareColumns(engine_, table_, shape, intact_));
    if (!drift.lost.empty()) {
      Report("it has lost " + std::to_string(drift.lost.size()) + " tracked columns",
             "merge a full rejoin_delta() of another replica; use rejoin_drop_column to drop columns");
    }
    return {};
  }

  Status CheckRuns() {
    REJOIN_ASSIGN(const std::uint64_t overlaps, Count(engine_, kOverlaps, table_.number));
    if (overlaps > 0) {
      Report(std::to_string(overlaps) + " runs of its metadata overlap",
             "its metadata is damaged: restore the file from a backup, or rejoin_untrack the table "
             "and track it again");
    }
    return {};
  }

  Status CheckOrphans() {
    if (table_.shape.kind == KeyKind::kWithoutRowid) return {};
    REJOIN_ASSIGN(const std::uint64_t orphans,
                  Count(engine_,
                        "SELECT count(*) FROM {s}." + table_.row_table() +
                            " AS r WHERE NOT EXISTS(SELECT 1 FROM {s}." + QuoteName(*table_.local) +
                            " AS t WHERE t." + QuoteName(table_.shape.rowid_name) + " = r.rowid)",
                        table_.number));
    if (orphans > 0) {
      Report(std::to_string(orphans) + " records belong to rows that are not in the table",
             "rows were removed behind Rejoin's back: merge a full rejoin_delta() of another replica");
    }
    return {};
  }

  Status CheckRows() {
    std::uint64_t unknown = 0;
    std::uint64_t damaged = 0;
    std::string example;
    RowScan scan(engine_, table_);
    RowReader reader(engine_, table_);
    for (;;) {
      REJOIN_ASSIGN(const std::vector<RowPlace> places, scan.Next());
      if (places.empty()) break;
      for (const RowPlace& place : places) {
        const auto row = table_.shape.kind == KeyKind::kWithoutRowid ? reader.Load(place.key)
                                                                     : reader.LoadAnyAt(place.rowid);
        if (!row && row.error().code != Code::kCorrupt) return tl::unexpected(row.error());
        if (!row && damaged++ == 0) example = row.error().message;
        if (row && row->state.empty()) ++unknown;
      }
    }
    if (unknown > 0) {
      Report(std::to_string(unknown) + " rows are unknown to Rejoin: they were written without it",
             "they are adopted as soon as a trigger of ours is seen to be missing; write tracked "
             "tables only with the extension loaded");
    }
    if (damaged > 0) {
      Report(std::to_string(damaged) + " rows have metadata that is not theirs or is damaged (" +
                 example + ")",
             "restore the file from a backup, or rejoin_untrack the table and track it again");
    }
    return {};
  }

  Engine& engine_;
  const TrackedTable& table_;
  std::vector<Finding>& findings_;
  bool intact_ = true;
};

}  // namespace

Result<std::vector<Finding>> CheckTables(Engine& engine) {
  const Status folded = Fold(engine);
  if (!folded && folded.error().code != Code::kReadOnly) return tl::unexpected(folded.error());
  std::vector<Finding> findings;
  for (const auto& table : engine.catalog.tables()) {
    if (table->local) REJOIN_TRY(TableCheck(engine, *table, findings).Run());
  }
  REJOIN_ASSIGN(const bool incomplete, IsIncomplete(engine));
  if (incomplete) {
    findings.push_back({"", "rows of a tracked table went missing without being deleted",
                        "merge a full rejoin_delta() of another replica, or rejoin_untrack the table"});
  }
  return findings;
}

}  // namespace rejoin
