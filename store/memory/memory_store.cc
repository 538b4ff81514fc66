#include "store/memory/memory_store.h"

#include <algorithm>

#include "store/memory/memory_transaction.h"

namespace rejoin {

MemoryStore::MemoryStore(const ReplicaId& replica, Clock& clock, Random& random)
    : replica_(replica), clock_(&clock), random_(&random), epoch_(random.Draw64() | 1) {}

Status MemoryStore::DefineTable(const TableDef& def, const Rows& existing) {
  const auto at = tables_.find(def.name);
  const auto key_parts = static_cast<std::uint32_t>(def.key_columns.size());
  if (at != tables_.end()) {
    const MemoryTable& known = at->second;
    if (known.def) {
      return Fail(Code::kInvalidArgument, "The table " + def.name + " is defined already.");
    }
    if (known.rules != def.rules || known.key_parts != key_parts) {
      return Fail(Code::kInvalidArgument, "The table " + def.name +
                                              " has other options or key columns elsewhere: "
                                              "define it with the same ones.");
    }
  }
  MemoryTable& table = tables_[def.name];
  table.name = def.name;
  table.def = def;
  table.rules = def.rules;
  table.key_parts = key_parts;
  for (const ColumnDef& column : def.columns) table.Intern(column.name);
  return existing.empty() ? Status() : Adopt(def.name, existing);
}

Status MemoryStore::AddColumn(const std::string& name, const ColumnDef& column) {
  const auto at = tables_.find(name);
  if (at == tables_.end() || !at->second.def) {
    return Fail(Code::kUnknownTable, "The table " + name + " is not defined here.");
  }
  MemoryTable& table = at->second;
  const auto known = table.Find(column.name);
  if (known && table.IsLocal(*known)) {
    return Fail(Code::kInvalidArgument, "The table " + name + " has that column already.");
  }
  table.Intern(column.name);
  table.def->columns.push_back(column);
  return {};
}

Status MemoryStore::Adopt(const std::string& name, const Rows& found) {
  const auto at = tables_.find(name);
  if (at == tables_.end() || !at->second.def) {
    return Fail(Code::kUnknownTable, "The table " + name + " is not defined here.");
  }
  MemoryTable& table = at->second;
  const HybridTimestamp time = Tick(latest_, clock_->WallMs());
  std::vector<RowName> touched;
  for (const auto& [key, row] : found) {
    std::vector<Cell> cells;
    for (const ColumnDef& column : table.def->columns) {
      const auto value = row.find(column.name);
      cells.push_back({*table.Find(column.name), {},
                       value == row.end() ? column.default_value : value->second});
    }
    rejoin::Join(table.rows[key], InsertDelta({Rank::kAdopted, time, replica_}, std::move(cells)));
    touched.push_back({name, key});
  }
  if (touched.empty()) return {};
  SawTime(time);
  vector_.Raise(replica_, time);
  Log(std::move(touched));
  return {};
}

Status MemoryStore::Check(const Transaction& transaction) const {
  MemoryTransaction working(tables_);
  for (const Op& op : transaction) REJOIN_TRY(working.Apply(op));
  return {};
}

Status MemoryStore::Commit(const Transaction& transaction) {
  MemoryTransaction working(tables_);
  for (const Op& op : transaction) REJOIN_TRY(working.Apply(op));
  const HybridTimestamp time = Tick(latest_, clock_->WallMs());
  const auto changes = working.NetEffect({Rank::kWritten, time, replica_});
  if (changes.empty()) return {};
  std::vector<RowName> touched;
  for (const RowChange& change : changes) {
    rejoin::Join(tables_[change.table].rows[change.key], change.delta);
    touched.push_back({change.table, change.key});
  }
  SawTime(time);
  vector_.Raise(replica_, time);
  Log(std::move(touched));
  return {};
}

Rows MemoryStore::Shown(const std::string& table) const {
  const auto at = tables_.find(table);
  return at == tables_.end() ? Rows{} : ViewOf(at->second).shown;
}

std::vector<KeyClash> MemoryStore::Conflicts() const {
  std::vector<KeyClash> clashes;
  for (const auto& [name, table] : tables_) {
    if (!table.def) continue;
    for (const auto& [key, state] : table.rows) {
      if (!HasKeyClash(state, table.rules)) continue;
      KeyClash clash{name, key, {}};
      for (auto made = state.incarnations.rbegin(); made != state.incarnations.rend(); ++made) {
        if (!IsAlive(*made, state.removes, table.rules)) continue;
        Row& side = clash.sides.emplace_back();
        for (const Cell& cell : made->cells) side[table.columns[cell.column]] = cell.value;
      }
      clashes.push_back(std::move(clash));
    }
  }
  return clashes;
}

std::vector<QuarantinedRow> MemoryStore::Quarantine() const {
  std::vector<QuarantinedRow> rows;
  for (const auto& [name, table] : tables_) {
    for (const auto& [key, reason] : ViewOf(table).hidden) rows.push_back({name, key, reason});
  }
  return rows;
}

Result<Digest> MemoryStore::StateDigest(const std::optional<std::string>& only) {
  if (only && tables_.count(*only) == 0) {
    return Fail(Code::kUnknownTable, "Nothing is known of a table " + *only + ".");
  }
  Digest digest;
  for (const auto& [name, table] : tables_) {
    if (only && name != *only) continue;
    for (const auto& [key, state] : table.rows) {
      if (!IsPresent(state, table.rules)) continue;
      digest.AddRow(name, key, ShownCells(state, table.rules), table.columns);
    }
  }
  return digest;
}

void MemoryStore::TrimLog() {
  first_position_ += log_.size();
  log_.clear();
  Log({});  // an end for new cursors to stand on
}

Cursor MemoryStore::EndOfLog() const {
  if (log_.empty()) return {};
  return {epoch_, first_position_ + log_.size() - 1, log_.back().tag};
}

void MemoryStore::Log(std::vector<RowName> touched) {
  log_.push_back({random_->Draw64(), std::move(touched), vector_});
}

void MemoryStore::SawTime(HybridTimestamp time) { latest_ = std::max(latest_, time); }

}  // namespace rejoin
