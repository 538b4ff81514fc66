// What happened to one key within one transaction, and what that comes to.
//
// Rules: docs/merge_rules.md, "What a transaction adds". Thread-compatible.
#pragma once

#include <optional>
#include <vector>

#include "store/sqlite/capture_entry.h"

namespace rejoin {

class RowHistory {
 public:
  // `indexed`: rows that a REPLACE displaces are probed by key (KeyKind::kIndexed),
  // so a key that begins with an insert was not there before.
  void Start(bool indexed);

  // Events in their order. Entries must outlive this; `moved_from` too.
  void Insert(const CaptureEntry& entry, std::optional<ByteView> moved_from);
  void Update(const CaptureEntry& entry);
  void Delete(const CaptureEntry& entry);
  void Probe(const CaptureEntry& entry);

  enum class Net {
    kNothing,
    kInsert,            // with old_rowid() where the row was there before
    kInsertThenDelete,  // see Change
    kUpdate,
    kDelete,
  };

  // Only a look at the table tells whether the row is there.
  bool NeedsPresence() const { return now_ == Now::kUncertain; }
  // Answers it; `rowid` of the row that is there.
  void SetPresent(bool present, std::int64_t rowid);

  // After that. Whether the net effect depends on the values in the table.
  bool NeedsValues() const;
  Net net() const;

  // Of a column whose value was there before.
  struct Known {
    ColumnId column = 0;
    ByteView before;       // as in an entry: it may be kTooLargeMark
    std::uint32_t changes = 0;  // how often an UPDATE changed it; 2: more than once
  };
  const std::vector<Known>& known() const { return known_; }
  // Deleted and made again: every value has to be compared.
  bool remade() const { return remade_; }
  // The values that the row had when it went, where they are not those of before.
  const std::vector<Known>& last_values() const { return last_values_; }

  std::int64_t rowid() const { return rowid_; }
  // That the row was there before is certain.
  bool was_there() const { return before_ == Before::kPresent; }
  std::int64_t old_rowid() const { return before_ == Before::kPresent ? old_rowid_ : 0; }
  const std::optional<ByteView>& moved_from() const { return moved_from_; }

 private:
  enum class Before { kUnseen, kAbsent, kUnknown, kPresent };
  enum class Now { kAbsent, kPresent, kUncertain };

  void See(std::int64_t rowid);  // the row stands there: before, if nothing happened yet
  void Note(ColumnId column, ByteView before, bool changed);
  void NoteAll(const CaptureEntry& entry);

  bool indexed_ = false;
  Before before_ = Before::kUnseen;
  Now now_ = Now::kAbsent;
  bool displaced_ = false;  // by a REPLACE, and made again
  bool remade_ = false;
  std::int64_t rowid_ = 0;
  std::int64_t old_rowid_ = 0;
  std::optional<ByteView> moved_from_;
  std::vector<Known> known_;  // ascending by column
  std::vector<Known> last_values_;
};

}  // namespace rejoin
