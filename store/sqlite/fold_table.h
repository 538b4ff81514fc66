// The part of a fold that concerns one table: a batch of its local changes, in
// the order of the log, becomes runs and records in one sorted pass.
//
// Plain inserts, the bulk of what is ever written, are kept in a few bytes each
// and become runs; all other changes are grouped by key. Metadata of kIndexed
// tables is kept by rowid, and rowids may pass from key to key within a batch: so
// every group is read, and old overrides go, before any new override is written.
// They may even pass from one batch to the next, where a transaction is cut in two:
// what a new override finds in its place then is parked (fold_lookup.h).
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "store/sqlite/fold_lookup.h"
#include "store/sqlite/fold_row.h"

namespace rejoin {

class TableFold {
 public:
  static Result<std::unique_ptr<TableFold>> Begin(Engine& engine, const TrackedTable& table);

  // Takes the next change; returns the bytes of memory that it occupies until Flush.
  // `passing`: an insert whose delete is the next one.
  Result<std::size_t> Take(Change&& change, const Stamp& stamp, bool passing);
  // Writes the metadata of what was taken since the last Flush. `goes_on`: the
  // transaction that came last is not complete; of its plain inserts those may be
  // kept for the next time that would tear a run.
  Status Flush(bool goes_on);
  // After the last Flush.
  Status Finish();

  // A key change takes cells along from what its old key was before its
  // transaction: the batch must hold nothing but that transaction.
  bool NeedsOwnBatch(const Change& change) const {
    return change.moved_from && has_unknown_columns_;
  }
  const TrackedTable& table() const { return table_; }
  // Something so far may have freed a UNIQUE value that a hidden row waits for.
  bool may_show_hidden() const { return may_show_hidden_; }
  // Rows that were, or are, made twice: their entry in rejoin__clash depends on
  // values in the table, so it is looked at when everything is folded.
  const std::vector<Key>& rivals() const { return rivals_; }
  // Rows that are listed for what is too large in them, and may not be so any more.
  const std::vector<Key>& large() const { return large_; }

 private:
  struct PlainInsert {
    NewRow row;
    std::uint32_t sequence = 0;
    std::uint32_t stamp = 0;  // index into stamps_
  };
  struct Pending {
    Change change;
    std::uint32_t sequence = 0;
    std::uint32_t stamp = 0;
    bool passing = false;
  };
  // order_[begin..end): the changes of one key, oldest first.
  struct Group {
    std::size_t begin = 0;
    std::size_t end = 0;
  };
  struct NewOverride {
    std::int64_t rowid = 0;
    std::uint32_t sequence = 0;  // of the change that brought the row there
    std::uint64_t key_hash = 0;
    Bytes record;
  };

  TableFold(Engine& engine, const TrackedTable& table)
      : engine_(engine), table_(table), sql_(engine.row_sql.For(table)), lookup_(engine, table) {}
  Status Prepare();
  Status StartBatch();
  RecordContext context() { return {engine_.catalog, table_}; }
  bool by_rowid() const { return table_.shape.kind != KeyKind::kWithoutRowid; }
  bool indexed() const { return table_.shape.kind == KeyKind::kIndexed; }

  std::uint32_t StampIndex(const Stamp& stamp);
  Result<std::size_t> TakeNewRow(const Change& change, const Stamp& stamp);
  bool ComesBeyond(const Change& change, const Stamp& stamp) const;
  Result<bool> IsPlainInsert(const Change& change, const Stamp& stamp);
  void NoteLeaving(const Change& change);

  Status WriteRuns(bool goes_on);
  std::vector<PlainInsert> TakeIncomplete();
  Status AddFreshOverride(const Change& change, const PlainInsert& insert);
  Status FoldPending();
  std::vector<Group> Groups();
  const Pending& Of(const Group& group, std::size_t i) const {
    return pending_[order_[group.begin + i]];
  }
  Result<Located> Locate(const Change& first);
  Result<Located> Find(const Change& first);
  bool IsLost(const Key& key) const;
  Status JoinEarlier(const Key& key, Located& located);
  Result<std::optional<Located>> TakeFresh(const Change& first);
  Result<Located> LocateLeaving(const Key& key, std::int64_t rowid);
  Status FindSources(const std::vector<Group>& groups);
  Status FoldGroup(const Group& group);
  Status PutNewOverrides(bool goes_on);
  Status Write(const Pending& from, Located& located);
  Status WriteByKey(const Key& key, Located& located);
  Status WriteOverride(const Pending& from, Located& located);
  Status PutOverride(std::int64_t rowid, const Bytes& record);
  Status NoteRivals(const Key& key, const RowState& state);
  Status NoteHidden(const Key& key);

  Engine& engine_;
  const TrackedTable& table_;
  const RowSql& sql_;
  MetadataLookup lookup_;
  std::vector<ColumnId> local_;
  ColsetNumber colset_ = 0;
  std::vector<ColumnId> unique_columns_;
  bool has_unknown_columns_ = false;

  // Of the batch.
  bool started_ = false;
  bool has_hidden_ = false;
  bool has_clashes_ = false;
  std::vector<Stamp> stamps_;
  std::uint32_t next_sequence_ = 0;
  std::vector<PlainInsert> inserts_;
  std::vector<Pending> pending_;
  std::vector<std::size_t> order_;
  // Keys whose row went, by their hashes: where in pending_ such a change stands.
  std::unordered_map<std::uint64_t, std::size_t> left_keys_;
  bool left_new_rowid_ = false;  // a row left a rowid that the metadata does not know yet
  // Of a key change: what the old key was before, and where the row stands now.
  struct Source {
    RowState state;
    std::int64_t rowid = 0;
  };
  std::map<Key, Source> sources_;
  std::vector<NewOverride> new_overrides_;
  // Of them, by hash of the key: rows that came to the rowid of a plain insert of this
  // batch. What happened to them since finds them here, for they are not written yet.
  std::unordered_map<std::uint64_t, std::size_t> fresh_;

  // Hashes of keys of new rows that nobody could tell, since their rows have left the table
  // since: what is known of such a key from before stands under it, apart from what is at its
  // rowid, until the change that says where the row went joins both. In kLostKeys of
  // rejoin__meta where that change is not in the log yet.
  std::unordered_set<std::uint64_t> lost_keys_;
  bool any_key_is_lost_ = false;

  std::vector<Key> rivals_;
  std::vector<Key> large_;
  bool may_show_hidden_ = false;
};

}  // namespace rejoin
