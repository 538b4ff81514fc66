// The memory store's deltas: taking them out and joining them in.
#include <algorithm>
#include <set>

#include "store/memory/memory_store.h"

namespace rejoin {
namespace {

bool FitsTable(const RowDelta& row, const DeltaTable& table) {
  const auto parts = DecodeKey(row.key);
  if (!parts || parts->size() != table.key_parts) return false;
  for (const Incarnation& incarnation : row.state.incarnations) {
    for (const Cell& cell : incarnation.cells) {
      if (cell.column >= table.columns.size()) return false;
    }
  }
  return true;
}

std::optional<Row> ShownAt(const TableView& view, const Key& key) {
  const auto at = view.shown.find(key);
  if (at == view.shown.end()) return std::nullopt;
  return at->second;
}

}  // namespace

// --- Out -----------------------------------------------------------------------

MemoryDelta MemoryStore::EmptyDelta(const VersionVector& start) const {
  MemoryDelta delta;
  delta.header = {replica_, room_, 0, start, vector_};
  return delta;
}

MemoryDelta MemoryStore::CollectSince(const VersionVector& since) const {
  // Where the asker is ahead of us, our interval starts at what we have.
  MemoryDelta delta = EmptyDelta(Lower(vector_, since));
  for (const auto& [name, table] : tables_) {
    DeltaBlock block;
    block.table = static_cast<std::uint32_t>(delta.tables.size());
    for (const auto& [key, state] : table.rows) {
      RowState news = Since(state, since);
      if (!news.empty()) block.rows.push_back({key, std::move(news)});
    }
    if (block.rows.empty()) continue;
    delta.tables.push_back({name, table.rules, table.key_parts, table.columns});
    delta.blocks.push_back(std::move(block));
  }
  return delta;
}

Result<MemoryDelta> MemoryStore::CollectFrom(const Cursor& cursor) const {
  if (cursor == Cursor{}) return CollectSince({});
  const bool held = cursor.epoch == epoch_ && cursor.position >= first_position_ &&
                    cursor.position - first_position_ < log_.size();
  const std::size_t at = held ? static_cast<std::size_t>(cursor.position - first_position_) : 0;
  if (!held || log_[at].tag != cursor.tag) {
    return Fail(Code::kNotCovered, "The cursor is unknown here, or trimmed: ask by vector.");
  }
  std::set<RowName> touched;
  for (std::size_t i = at + 1; i < log_.size(); ++i) {
    touched.insert(log_[i].touched.begin(), log_[i].touched.end());
  }
  // Rows that had come ahead of the vector were touched before it rose over them.
  for (const auto& [name, table] : tables_) {
    for (const auto& [key, state] : table.rows) {
      if (!Since(state, log_[at].after).empty()) touched.insert({name, key});
    }
  }
  MemoryDelta delta = EmptyDelta(log_[at].after);
  for (const RowName& row : touched) {
    const MemoryTable& table = tables_.at(row.table);
    if (delta.tables.empty() || delta.tables.back().name != row.table) {
      delta.blocks.push_back({static_cast<std::uint32_t>(delta.tables.size()), {}});
      delta.tables.push_back({row.table, table.rules, table.key_parts, table.columns});
    }
    delta.blocks.back().rows.push_back({row.key, table.rows.at(row.key)});
  }
  return delta;
}

Result<ExtractReport> MemoryStore::ExtractSince(const VersionVector& since, ByteSink& out) {
  Show();
  REJOIN_ASSIGN(const std::uint64_t rows, WriteDelta(CollectSince(since), out));
  return ExtractReport{rows, EndOfLog(), vector_};
}

Result<ExtractReport> MemoryStore::ExtractFrom(const Cursor& cursor, ByteSink& out) {
  REJOIN_ASSIGN(MemoryDelta delta, CollectFrom(cursor));
  Show();
  REJOIN_ASSIGN(const std::uint64_t rows, WriteDelta(std::move(delta), out));
  return ExtractReport{rows, EndOfLog(), vector_};
}

// --- In ------------------------------------------------------------------------

Result<MergeReport> MemoryStore::Merge(ByteSource& in) {
  REJOIN_ASSIGN(const MemoryDelta delta, ReadDelta(in));
  return Join(delta);
}

Status MemoryStore::CheckMergeable(const MemoryDelta& delta, bool is_at_start) const {
  const DeltaHeader& header = delta.header;
  if (header.scope != 0) return Fail(Code::kUnsupported, "The delta has a scope of its own.");
  if (room_.IsSet() && header.room.IsSet() && room_ != header.room) {
    return Fail(Code::kForeignRoom, "The delta belongs to another room.");
  }
  if (!is_at_start && !vector_.Covers(header.start)) {
    return Fail(Code::kNotCovered,
                "The delta starts after what this replica holds: ask for one since its vector.");
  }
  for (const DeltaTable& table : delta.tables) {
    const auto known = tables_.find(table.name);
    if (known == tables_.end()) continue;
    if (known->second.rules != table.rules || known->second.key_parts != table.key_parts) {
      return Fail(Code::kInvalidArgument, "The table " + table.name +
                                              " has other options or key columns at the sender: "
                                              "track it with the same ones.");
    }
  }
  for (const DeltaBlock& block : delta.blocks) {
    const bool known = block.table < delta.tables.size();
    if (!known || !std::all_of(block.rows.begin(), block.rows.end(), [&](const RowDelta& row) {
          return FitsTable(row, delta.tables[block.table]);
        })) {
      return Fail(Code::kCorrupt, "A row of the delta does not fit its table.");
    }
  }
  return {};
}

MemoryTable& MemoryStore::TableFor(const DeltaTable& from) {
  const auto [at, made] = tables_.try_emplace(from.name);
  if (made) {
    at->second.name = from.name;
    at->second.rules = from.rules;
    at->second.key_parts = from.key_parts;
  }
  return at->second;
}

Result<MergeReport> MemoryStore::Join(const MemoryDelta& delta) {
  REJOIN_TRY(CheckMergeable(delta, false));
  return JoinChecked(delta);
}

MergeReport MemoryStore::JoinChecked(const MemoryDelta& delta) {
  MergeReport report;
  report.sender_has = delta.header.end;
  std::vector<RowName> touched;
  for (const DeltaBlock& block : delta.blocks) {
    JoinBlock(delta.tables[block.table], block, touched, report);
  }
  if (!room_.IsSet()) room_ = delta.header.room;
  const bool rose = vector_.Join(delta.header.end);
  for (const auto& [replica, time] : delta.header.end.entries()) SawTime(time);
  if (rose || !touched.empty()) Log(std::move(touched));
  return report;
}

void MemoryStore::JoinBlock(const DeltaTable& from, const DeltaBlock& block,
                            std::vector<RowName>& touched, MergeReport& report) {
  MemoryTable& table = TableFor(from);
  std::vector<ColumnId> numbers;
  for (const std::string& column : from.columns) numbers.push_back(table.Intern(column));

  std::vector<std::pair<Key, RowState>> risen;
  for (const RowDelta& row : block.rows) {
    RowState state = table.rows[row.key];
    RowState news = row.state;
    RenumberColumns(news, numbers);
    const JoinOutcome outcome = rejoin::Join(state, news);
    if (outcome.duplicate_dot) ++report.duplicate_dots;
    SawTime(LatestTime(row.state));
    if (outcome.rose) risen.emplace_back(row.key, std::move(state));
  }
  const TableView before = ViewOf(table);
  for (const auto& [key, state] : risen) table.rows[key] = state;
  const TableView after = risen.empty() ? before : ViewOf(table);

  for (const auto& [key, state] : risen) {
    ++report.rows_changed;
    if (ShownAt(before, key) != ShownAt(after, key)) ++report.rows_shown;
    if (HasKeyClash(state, table.rules)) ++report.conflicts;
    touched.push_back({table.name, key});
  }
  for (const RowDelta& row : block.rows) report.quarantined += after.hidden.count(row.key);
}

}  // namespace rejoin
