// What one capture trigger says about one row, as bytes in the capture buffer.
//
// A trigger passes a *head*, a blob constant that was made with it, and values.
// The head stands at the beginning of the entry as it is, so that nothing has to
// be looked up or rearranged while rows are being written.
//
//   head    := kind byte | table | version | key parts | ranges | from | count
//   ranges  := count, then per range (first ColumnId, number of columns)
//   entry   := head | flags byte | [rowid | old rowid - rowid] | [key] | [old key] | values
//
// Numbers are varints, signed ones zigzag. The ranges are all columns that the
// trigger knows (none for kInsert, which needs no values); this entry is about
// `count` of them from the one at index `from` on. Tables with many columns take
// several entries for one row. They follow each other directly; all but the first
// say so.
//
// The key stands there where it is not the rowid, the old key where it changed.
// Values: of kUpdate without a change of key the columns that changed, each as
// (ColumnId + 1, value before), then 0; of kDelete, kProbe and a change of key
// all columns of the entry with their values before. A value is as PutValue
// writes it, or the byte kTooLargeMark.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "store/sqlite/change.h"
#include "store/sqlite/sqlite_api.h"

namespace rejoin {

// What a capture trigger says before the head: the file's secret.
inline constexpr std::size_t kSecretBytes = 8;
// In place of a value: it is larger than Limits::max_cell_bytes.
inline constexpr char kTooLargeMark = 5;
// SQLite has no tables with more columns than this.
inline constexpr std::uint32_t kMaxCaptureColumns = 32'767;

struct CaptureHead {
  ChangeKind kind = ChangeKind::kInsert;
  bool has_rowid = false;     // not WITHOUT ROWID
  bool continues = false;     // goes on with the row of the entry before it
  TableNumber table = 0;
  std::uint64_t version = 0;   // TrackedTable::version that the trigger was made for
  std::uint32_t key_parts = 0;  // 0: the key is the rowid
  std::vector<ColumnId> known;  // all columns that the trigger knows, ascending
  std::uint32_t from = 0;       // of them, this entry is about `count` from here on
  std::uint32_t count = 0;
};

void PutHead(Bytes& out, const CaptureHead& head);
// Of a head that is not empty.
ChangeKind KindOfHead(ByteView head);

// What a trigger hands over: the rowid, and v0.. of the capture table. For
// kInsert the key's parts (none where the key is the rowid); for kDelete and
// kProbe the key's parts and the columns, as they were; for kUpdate the rowid
// before (not WITHOUT ROWID), then the same as pairs of old and new.
struct CapturedRow {
  sqlite3_value* rowid = nullptr;
  sqlite3_value** values = nullptr;
  int count = 0;
};

// Writes entries, into bytes of its own that the next call overwrites: after the
// first rows nothing is allocated.
class EntryWriter {
 public:
  // nullopt: nothing happened (no value changed, or a NULL in the key: such a row
  // is local). kDirectWrite: not what a trigger of ours would say.
  Result<std::optional<ByteView>> Write(ByteView head, const CapturedRow& row,
                                        std::uint64_t max_cell_bytes);

  // After Write said that nothing happened: the entry of an update that changed no
  // column which its trigger knows of.
  std::optional<ByteView> Unchanged() const {
    return unchanged_ ? std::optional<ByteView>(entry_) : std::nullopt;
  }

 private:
  struct Head {
    ByteView bytes;
    ChangeKind kind = ChangeKind::kInsert;
    bool has_rowid = false;
    int key_parts = 0;
    std::vector<ColumnId> columns;  // that the entry is about

    int column_count() const { return static_cast<int>(columns.size()); }
  };
  // Values that stand every `step` places.
  struct Places {
    sqlite3_value** first = nullptr;
    int step = 1;
  };

  static bool Parse(ByteView bytes, Head& head);
  bool TakeHead(ByteView bytes);
  void Begin(const Head& head, ChangeKind kind, std::int64_t rowid, std::int64_t old_rowid);
  bool PutKey(Places parts, int count);  // false: a part is NULL
  void PutColumn(sqlite3_value* value);
  void PutColumns(Places values, int count);
  bool PutChanged(const std::vector<ColumnId>& columns, sqlite3_value** pairs);  // false: none
  bool PutInsert(const Head& head, Places key, std::int64_t rowid);
  bool PutGone(const Head& head, ChangeKind kind, Places values, std::int64_t rowid);
  bool PutUpdate(const Head& head, const CapturedRow& row);

  Bytes head_bytes_;  // of the row before: mostly this one's too
  Head head_;
  Bytes entry_;
  std::size_t flags_at_ = 0;
  bool unchanged_ = false;
  std::uint64_t max_cell_bytes_ = 0;
};

// One entry, read where it stands. Views into the buffer.
struct CaptureEntry {
  ChangeKind kind = ChangeKind::kInsert;
  bool has_rowid = false;
  bool continues = false;
  bool key_changed = false;  // kUpdate: from old_key (old_rowid) to key (rowid)
  bool has_too_large = false;
  TableNumber table = 0;
  std::uint64_t version = 0;
  std::uint32_t key_parts = 0;
  std::int64_t rowid = 0;
  std::int64_t old_rowid = 0;
  ByteView key;      // empty where the key is the rowid
  ByteView old_key;  // where key_changed, likewise
  ByteView ranges;   // as in the head
  std::uint32_t from = 0;
  std::uint32_t count = 0;
  ByteView values;
};

// Reads entries one after another. Rows of one statement have one head, which is
// taken apart once.
class EntryReader {
 public:
  explicit EntryReader(ByteView bytes) : reader_(bytes), rest_(bytes.size()) {}

  // Goes on elsewhere in the same bytes.
  void Seek(ByteView bytes) { reader_ = ByteReader(bytes); }
  // False at the end, or where the bytes left do not hold a whole entry.
  bool Next(CaptureEntry& entry);
  // Bytes behind the last whole entry.
  std::size_t rest() const { return rest_; }

 private:
  bool ReadHead(CaptureEntry& entry);

  ByteReader reader_;
  std::size_t rest_;
  ByteView head_;
  CaptureEntry shared_;  // what head_ says
};

// Passes over one value, kTooLargeMark included, and returns its bytes.
ByteView SkipValue(ByteReader& reader);
// All columns of the ranges, ascending.
std::vector<ColumnId> ReadRanges(ByteView ranges);

}  // namespace rejoin
