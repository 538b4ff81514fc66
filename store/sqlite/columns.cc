#include "store/sqlite/columns.h"

#include <algorithm>

#include "store/sqlite/row_access.h"
#include "store/sqlite/row_scan.h"
#include "store/sqlite/shown.h"
#include "store/sqlite/triggers.h"

namespace rejoin {
namespace {

constexpr char kTriggerSql[] =
    "SELECT sql FROM {s}.sqlite_schema WHERE type = 'trigger' AND name = ?1";

// Records re-shown at a time: bounds what is held in memory.
constexpr std::size_t kBatchRows = 1'000;

// The columns that the UPDATE trigger hands over, in its order: OLD."name".
std::vector<std::string> ColumnsInTrigger(std::string_view sql) {
  constexpr std::string_view kOld = "OLD.\"";
  std::vector<std::string> names;
  for (std::size_t at = sql.find(kOld); at != std::string_view::npos; at = sql.find(kOld, at)) {
    at += kOld.size();
    std::string name;
    for (; at < sql.size(); ++at) {
      if (sql[at] == '"') {
        if (at + 1 >= sql.size() || sql[at + 1] != '"') break;
        ++at;
      }
      name.push_back(sql[at]);
    }
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  }
  return names;
}

Result<std::vector<std::string>> TriggerColumns(Engine& engine, const TrackedTable& table,
                                                const TableShape& now) {
  std::vector<std::string> columns;
  for (const std::string& trigger : CaptureTriggerNames(table)) {
    REJOIN_ASSIGN(CachedStatement read, engine.db.Cached(kTriggerSql));
    read->BindText(1, trigger);
    REJOIN_ASSIGN(const bool found, read->Step());
    if (!found || read->Text(0).find("AFTER UPDATE") == std::string_view::npos) continue;
    columns = ColumnsInTrigger(read->Text(0));
  }
  const auto is_no_cell = [&now](const std::string& name) {
    return std::none_of(now.columns.begin(), now.columns.end(), [&](const ShapeColumn& column) {
      return column.name == name && column.key_part == 0 && !column.generated;
    });
  };
  columns.erase(std::remove_if(columns.begin(), columns.end(), is_no_cell), columns.end());
  return columns;
}

bool Contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// Where each local column of the catalog is now, by the triggers' order.
void FindRenames(const TrackedTable& table, const std::vector<std::string>& in_trigger,
                 ColumnDrift& drift) {
  const std::vector<ColumnId> local = Catalog::LocalColumns(table);
  if (local.size() == in_trigger.size()) {
    for (std::size_t i = 0; i < local.size(); ++i) {
      if (*table.columns[local[i]].local != in_trigger[i]) drift.renamed.push_back({local[i], in_trigger[i]});
    }
    return;
  }
  // Triggers older than the catalog: what they do not know was not renamed.
  std::vector<std::string> known;
  for (const ColumnId column : local) known.push_back(*table.columns[column].local);
  std::size_t next = 0;
  for (const ColumnId column : local) {
    if (Contains(in_trigger, *table.columns[column].local)) continue;
    while (next < in_trigger.size() && Contains(known, in_trigger[next])) ++next;
    if (next == in_trigger.size()) return;
    drift.renamed.push_back({column, in_trigger[next++]});
  }
}

Affinity AffinityIn(const TableShape& shape, const std::string& name) {
  for (const ShapeColumn& column : shape.columns) {
    if (column.name == name) return column.affinity;
  }
  return Affinity::kBlob;
}

}  // namespace

Result<ColumnDrift> CompareColumns(Engine& engine, const TrackedTable& table,
                                   const TableShape& now, bool has_triggers) {
  ColumnDrift drift;
  if (has_triggers) {
    REJOIN_ASSIGN(const std::vector<std::string> in_trigger, TriggerColumns(engine, table, now));
    FindRenames(table, in_trigger, drift);
  }
  std::vector<std::string> actual;
  for (const ShapeColumn& column : now.columns) {
    if (column.key_part == 0 && !column.generated) actual.push_back(column.name);
  }
  std::vector<std::string> expected;
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    if (!table.columns[i].local) continue;
    const auto id = static_cast<ColumnId>(i);
    const auto renamed = std::find_if(drift.renamed.begin(), drift.renamed.end(),
                                      [id](const auto& entry) { return entry.first == id; });
    const std::string& name = renamed == drift.renamed.end() ? *table.columns[i].local : renamed->second;
    if (Contains(actual, name)) {
      expected.push_back(name);
    } else {
      drift.lost.push_back(id);
    }
  }
  for (const std::string& name : actual) {
    if (Contains(expected, name)) continue;
    const auto carried = std::find_if(table.columns.begin(), table.columns.end(),
                                      [&](const TrackedColumn& c) { return !c.local && c.name == name; });
    if (carried == table.columns.end()) {
      drift.added.push_back(name);
    } else {
      drift.shown_now.push_back({static_cast<ColumnId>(carried - table.columns.begin()), name});
    }
  }
  return drift;
}

Status ApplyColumnDrift(Engine& engine, TrackedTable& table, const ColumnDrift& drift) {
  for (const ColumnId column : drift.lost) table.columns[column].local.reset();
  for (const auto* const named : {&drift.renamed, &drift.shown_now}) {
    for (const auto& [column, name] : *named) {
      table.columns[column].local = name;
      table.columns[column].affinity = AffinityIn(table.shape, name);
    }
  }
  for (const std::string& name : drift.added) {
    // A renamed column keeps its logical name; a new one may not take it.
    std::string logical = name;
    const auto taken = [&](const TrackedColumn& column) { return column.name == logical; };
    while (std::any_of(table.columns.begin(), table.columns.end(), taken)) logical += "'";
    REJOIN_TRY(engine.catalog.AddColumn(table, logical, name));
  }
  ++table.version;
  return engine.catalog.SaveTable(table);
}

Status ReshowRecords(Engine& engine, const TrackedTable& table) {
  const std::string has_record =
      table.shape.kind == KeyKind::kWithoutRowid
          ? std::string()
          : "EXISTS(SELECT 1 FROM {s}." + table.row_table() + " AS r WHERE r.rowid = t." +
                QuoteName(table.shape.rowid_name) + ")";
  RowScan scan(engine, table, has_record);
  for (;;) {
    REJOIN_ASSIGN(const std::vector<RowPlace> places, scan.Next());
    if (places.empty()) return {};
    std::vector<PendingRow> pending;
    for (const RowPlace& place : places) {
      REJOIN_ASSIGN(LocatedRow before, LoadRow(engine, table, place.key));
      RowState state = before.state;
      pending.push_back({place.key, std::move(before), std::move(state)});
      if (pending.size() == kBatchRows || &place == &places.back()) {
        REJOIN_TRY(ShowRows(engine, table, std::move(pending)));
        pending.clear();
      }
    }
  }
}

Status KeepValuesOf(Engine& engine, TrackedTable& table, const std::string& column) {
  const auto at = std::find_if(table.columns.begin(), table.columns.end(),
                               [&](const TrackedColumn& c) { return c.local == column; });
  if (at == table.columns.end()) {
    return Fail(Code::kInvalidArgument, "table " + *table.local + " has no column " + column +
                                            " that could be dropped; columns of the primary key "
                                            "cannot be");
  }
  const TrackedTable with = table;
  at->local.reset();
  ++table.version;
  REJOIN_TRY(engine.catalog.SaveTable(table));
  RowScan scan(engine, with);
  for (;;) {
    REJOIN_ASSIGN(const std::vector<RowPlace> places, scan.Next());
    if (places.empty()) return {};
    for (const RowPlace& place : places) {
      REJOIN_ASSIGN(const LocatedRow row, LoadRow(engine, with, place.key));
      if (row.state.empty()) continue;
      REJOIN_TRY(RowSaver(engine, table).Save(place.key, row, row.state, true, row.rowid));
    }
  }
}

}  // namespace rejoin
