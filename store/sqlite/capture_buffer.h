// The captured writes of the open transaction, as bytes, with savepoints.
//
// Grows in memory up to a bound, then in a scratch file. Positions are offsets
// into the whole sequence. Follows the transaction methods of a virtual table
// (https://sqlite.org/vtab.html, 2.15-2.19), so partial rollback cuts it. Several
// virtual tables share one buffer: each may tell of the same event.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "base/os.h"
#include "store/sqlite/commit_state.h"

namespace rejoin {

class CaptureBuffer {
 public:
  Status Append(ByteView entry, std::size_t max_memory_bytes);
  // Reads `count` bytes from `offset` on; they are there.
  Status Read(std::uint64_t offset, char* into, std::size_t count);
  std::uint64_t size_bytes() const { return in_file() + memory_.size(); }
  bool empty() const { return size_bytes() == 0; }
  // Bytes in memory where nothing was spilled; the view lives until the next call.
  bool spilled() const { return in_file() > 0; }
  ByteView InMemory() const { return memory_; }

  void Clear();
  // Savepoint `level` (from 0) is opened. Levels below that are unknown here
  // began while the buffer was empty; one that is known was told of already.
  void Mark(int level);
  void Release(int level);
  // Savepoint `level` stays open. Below 0: the whole transaction.
  Status RollbackTo(int level);

 private:
  std::uint64_t in_file() const { return file_ == nullptr ? 0 : file_->size_bytes(); }
  Status Truncate(std::uint64_t size);

  Bytes memory_;                         // the tail; everything before it is in file_
  std::unique_ptr<ScratchFile> file_;
  std::vector<std::uint64_t> marks_;     // size at the opening of savepoint i
};

// What capture keeps between the beginning and the end of a transaction.
struct CaptureSession {
  bool open = false;          // a capture table takes part in the transaction
  bool explicit_end = false;  // it ends by COMMIT or RELEASE, not with its statement
  // Triggers may be older than the columns of their tables; known once asked for.
  std::optional<bool> stale_triggers;
  bool flushed = false;       // the log has everything that is in the buffer
  // Positions and tags of the log rows that FlushCapture wrote.
  std::vector<std::pair<std::uint64_t, std::uint64_t>> log_rows;
  // The file as FlushCapture left it, while Database::writes() is the same.
  std::optional<CommitState> left;
  std::uint64_t left_writes = 0;
};

}  // namespace rejoin
