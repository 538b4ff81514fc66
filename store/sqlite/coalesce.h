// The net effect of captured entries: what a transaction comes to, key by key.
#pragma once

#include <algorithm>
#include <functional>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "store/sqlite/engine.h"
#include "store/sqlite/log_codec.h"
#include "store/sqlite/row_history.h"

namespace rejoin {

// Of keys and their tables.
struct KeyHashes {
  bool all = false;
  std::vector<std::uint64_t> list;  // ascending

  bool empty() const { return !all && list.empty(); }
  bool Has(std::uint64_t hash) const {
    return all || std::binary_search(list.begin(), list.end(), hash);
  }
};

// Turns the capture buffer into changes. What only the tables can tell is asked
// when the transaction ends: then a row is there or it is not, and its values are
// what they are. So all that happened to a key has to be told together, and a
// large buffer is sorted first (capture_sort.h).
class Coalescer {
 public:
  using Emit = std::function<Status(const ChangeView&)>;

  Coalescer(Engine& engine, Emit emit) : engine_(engine), emit_(std::move(emit)) {}

  // Takes all entries of a transaction, and emits their net effect in the order of
  // (table, key); where a table got nothing but new rows, in that of their rowids, which
  // spares to sort keys and to log them.
  Status Take(ByteView entries);

  // The same of a transaction in several windows, each with whole entries at its
  // front; how many bytes of them is returned. Glance comes first, for all windows: which
  // tables got nothing but new rows. Ascend: nullopt unless every key is
  // behind the one before, those of the windows before included. Survey tells the hashes of the keys in
  // a window, ascending and each once. TakeBut emits what happened to the keys
  // that are not listed in `recurring`, and tells the rest as *records*, in the order
  // of (table, key) and then as they happened; of the updates of a row those that
  // say nothing new are left out.
  std::size_t Glance(ByteView window);
  // That is all there is, in one table: then TakeNew does it all.
  bool only_new_rows() const { return glanced_.size() == 1 && glanced_.front().only_new; }
  Result<std::size_t> TakeNew(ByteView window);
  std::optional<std::size_t> Ascend(ByteView window);
  std::size_t Survey(ByteView window, std::vector<std::uint64_t>& key_hashes);
  using Record = std::function<Status(ByteView)>;
  Result<std::size_t> TakeBut(const KeyHashes& recurring, ByteView window, const Record& tell);
  // Takes records in order, each with PutBytes; those of one key come together.
  Status TakeSorted(ByteView records);
  // Where a record belongs; valid as long as the record. See sorted_runs.h.
  class Place;

 private:
  // Which side of an entry an event is: a change of key is two.
  enum class Role : std::uint8_t { kWhole, kLeft, kCame };

  // An event, small, since there may be a million of them.
  struct Event {
    std::uint64_t prefix = 0;  // orders as the key does; where the key is the rowid, all of it
    const char* key = nullptr;
    std::uint32_t key_size = 0;
    std::uint32_t offset = 0;
    TableNumber table = 0;
    Role role = Role::kWhole;

    ByteView key_view() const { return {key, key_size}; }
  };

  // What emitting for one table needs.
  struct Table {
    TableNumber number = 0;
    const TrackedTable* tracked = nullptr;  // nullptr: no longer there, its entries are dropped
    std::vector<ColumnId> local;
  };

  // A table, as far as Glance has seen.
  struct Glanced {
    TableNumber table = 0;
    std::int64_t last_rowid = 0;
    // Inserts only, each behind the one before: so their keys differ, and need no order.
    bool only_new = true;
  };

  Glanced& GlancedOf(TableNumber table);
  bool IsOfNewRows(const CaptureEntry& entry);
  static Event EventOf(const CaptureEntry& entry, ByteView key, std::int64_t rowid, Role role);
  static Event EventOf(const CaptureEntry& entry, Role role);
  static bool Before(const Event& a, const Event& b);
  static bool SameKey(const Event& a, const Event& b);

  // Reads whole entries into events_; returns the bytes that they are of.
  std::size_t Read(ByteView bytes);
  void Arrange();  // sorts events_
  void Restart(ByteView bytes);
  bool SaysNothingNew(const Event& event, const CaptureEntry& entry);
  static std::uint64_t HashOf(const Event& event);
  const Event* EndOfKey(const Event* first) const;
  Status TellGroup(const Event* first, const Event* last, const Record& tell);
  Bytes RecordOf(const Event& event, ByteView entry) const;
  Status EmitAll();
  void AddEvents(const CaptureEntry& entry, std::uint32_t offset);
  void Push(const Event& event);
  // Finds where rows that changed their key came from.
  void FollowMoves();
  Bytes KeyOf(const Event& event) const;
  CaptureEntry EntryOf(const Event& event);

  Status EmitGroup(const Event* first, const Event* last);
  // False: it takes more than the entry to tell.
  Result<bool> EmitAlone(const Event& event);
  void Tell(const Event& event);  // history_
  Status EmitHistory();
  // A row that was made and deleted again.
  Status EmitPassing(ChangeView change);
  Status EmitUpdate(ChangeView change);
  Status EmitDelete(ChangeView change, std::int64_t rowid,
                    const std::vector<RowHistory::Known>& values);

  void SelectTable(TableNumber number);
  ChangeView ChangeOf(const CaptureEntry& entry) const;
  Status EmitInsert(const CaptureEntry& entry);
  // Columns that came after the entry's trigger: nobody saw whether they changed.
  void AddUnseenColumns(const CaptureEntry& entry);
  Status LookUp(bool with_values);

  Engine& engine_;
  Emit emit_;
  std::vector<Glanced> glanced_;
  bool glanced_enough_ = false;  // no table got only new rows, whatever comes
  std::size_t last_glanced_ = 0;
  ByteView bytes_;
  EntryReader reader_{ByteView()};
  std::vector<Event> events_;
  bool ascending_ = true;  // strictly: every key has one event
  bool moves_ = false;
  // Ascend: the last key of the windows so far; its bytes are here.
  std::optional<Event> highest_;
  Bytes highest_key_;
  std::unordered_map<std::uint32_t, Bytes> origins_;  // by the offset of the entry
  // Where the row that stands under a key (with its table) stood when the
  // transaction began; empty: it was made in it. Of rows that changed their key.
  std::unordered_map<Bytes, Bytes> moved_;

  // Sort: columns that the latest updates of a row changed, and how often.
  std::vector<std::pair<ColumnId, int>> told_;

  Table table_;
  // Of the group that is being emitted.
  ChangeView change_;
  Key key_;
  RowHistory history_;
  std::vector<ColumnId> columns_;
  Bytes values_;
  // What the user's table holds under key_.
  struct {
    bool present = false;
    std::int64_t rowid = 0;
    std::vector<Bytes> values;  // parallel to table_.local, as PutValue writes them
  } found_;
};

class Coalescer::Place {
 public:
  Place() = default;
  explicit Place(ByteView record);

  bool IsBefore(const Place& other) const { return Before(event_, other.event_); }
  bool IsOf(const Place& other) const { return SameKey(event_, other.event_); }

 private:
  friend class Coalescer;
  Event event_;
};

}  // namespace rejoin
