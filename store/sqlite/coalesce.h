// The net effect of captured entries: what a transaction comes to, key by key.
#pragma once

#include <functional>
#include <string>
#include <unordered_map>
#include <vector>

#include "store/sqlite/engine.h"
#include "store/sqlite/log_codec.h"
#include "store/sqlite/row_history.h"

namespace rejoin {

// Turns stretches of the capture buffer into changes. A stretch is taken as if it
// were a transaction of its own, but for what only the tables can tell, which is
// asked at the end of the whole: then a row is there or it is not, and its values
// are what they are.
class Coalescer {
 public:
  using Emit = std::function<Status(const ChangeView&)>;

  Coalescer(Engine& engine, Emit emit) : engine_(engine), emit_(std::move(emit)) {}

  // Takes whole entries from the front of `bytes`, all of them if `last`, and
  // emits their net effect in the order of (table, key). Returns how many bytes
  // it took: none where `bytes` does not hold one whole row.
  Result<std::size_t> Take(ByteView bytes, bool last);

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

  static Event EventOf(const CaptureEntry& entry, ByteView key, std::int64_t rowid, Role role);
  static bool Before(const Event& a, const Event& b);
  static bool SameKey(const Event& a, const Event& b);

  // Reads entries into events_; returns the bytes that they are of.
  std::size_t Read(ByteView bytes, bool last);
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
  // Columns that came after the entry's trigger: nobody saw whether they changed.
  void AddUnseenColumns(const CaptureEntry& entry);
  Status LookUp(bool with_values);

  Engine& engine_;
  Emit emit_;
  ByteView bytes_;
  EntryReader reader_{ByteView()};
  std::vector<Event> events_;
  bool ascending_ = true;  // strictly: every key has one event
  bool moves_ = false;
  std::unordered_map<std::uint32_t, Bytes> origins_;  // by the offset of the entry

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

}  // namespace rejoin
