// The body of a log row as bytes. Grammar: docs/format.md, "The database".
#pragma once

#include <vector>

#include "store/sqlite/log.h"

namespace rejoin {

// What decoding one body takes is bounded: the sum of the weights of its changes
// is at most this. A run of a million rows may be three bytes.
inline constexpr std::uint64_t kMaxBodyWeight = 65'536;
// Its writers stop earlier: a change takes some 200 bytes once it is decoded.
inline constexpr std::uint64_t kFullBodyWeight = 16'384;
constexpr std::uint64_t ChangeWeight(std::size_t columns) { return 1 + columns / 32; }

// A change whose bytes live elsewhere.
struct ChangeView {
  ChangeKind kind = ChangeKind::kInsert;
  bool has_rowid = false;  // not WITHOUT ROWID
  bool has_key = false;    // the key is not the rowid
  bool has_moved_from = false;
  bool with_last = false;  // to stand in one record with the change before it
  TableNumber table = 0;
  std::uint64_t version = 0;
  std::int64_t rowid = 0;
  std::int64_t old_rowid = 0;
  ByteView key;         // where has_key
  // Only a hash of the key is kept: see Change::key_hash. Inserts with a rowid and a key.
  bool key_hashed = false;
  ByteView moved_from;  // where has_moved_from
  const std::vector<ColumnId>* columns = nullptr;  // kUpdate, kDelete
  ByteView values;      // kDelete: one per column, each as PutValue writes it
};

// Packs changes, those of one kind and table together as long as they follow each
// other; consecutive rowids cost nothing.
class LogBodyWriter {
 public:
  void Add(const ChangeView& change);
  void AddTouched(const TouchedKey& touched);

  // Of the body so far, and a little more.
  std::size_t size_bytes() const {
    return groups_.size() + group_.size() + run_hashes_.size() + kHeadBytes;
  }
  std::uint64_t weight() const { return weight_; }
  bool empty() const { return weight_ == 0; }

  // The whole body; the writer is empty afterwards.
  Bytes Take(Rank rank, const std::vector<Advance>& advances, bool overflow);

 private:
  // What the changes of one group share.
  struct Shared {
    std::uint8_t tag = 0;
    TableNumber table = 0;
    std::uint64_t version = 0;
    std::vector<ColumnId> columns;
  };
  static constexpr std::size_t kHeadBytes = 64;

  bool Fits(std::uint8_t tag, const ChangeView& change) const;
  void BeginGroup(std::uint8_t tag, const ChangeView& change);
  void EndGroup();
  void EndRun();
  void PutKey(ByteView key);

  Bytes groups_;
  std::uint64_t weight_ = 0;

  Shared shared_;
  Bytes group_;             // entries of the open group
  std::uint64_t entries_ = 0;
  std::int64_t last_rowid_ = 0;
  Bytes last_key_;
  std::int64_t run_first_ = 0;  // runs only: the rowids not yet written
  std::uint64_t run_length_ = 0;
  Bytes run_hashes_;            // of their keys, where the key is not the rowid
};

// Fills rank, advances, changes, touched and overflow. kCorrupt for damage.
Status DecodeLogBody(ByteView body, LogRecord& record);

}  // namespace rejoin
