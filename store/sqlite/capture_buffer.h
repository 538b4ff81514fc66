// The captured writes of the open transaction, as bytes, with savepoints.
//
// Grows in memory up to a bound, then in a scratch file. Positions are offsets
// into the whole sequence. Follows the transaction methods of a virtual table
// (https://sqlite.org/vtab.html, 2.15-2.19), so partial rollback cuts it.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/os.h"

namespace rejoin {

class CaptureBuffer {
 public:
  Status Append(ByteView entry, std::size_t max_memory_bytes);
  // Reads `count` bytes from `offset` on; they are there.
  Status Read(std::uint64_t offset, char* into, std::size_t count);
  std::uint64_t size_bytes() const;
  bool empty() const { return size_bytes() == 0; }
  // Bytes in memory where nothing was spilled; the view lives until the next call.
  bool spilled() const { return file_ != nullptr && file_->size_bytes() > 0; }
  ByteView InMemory() const { return memory_; }

  void Clear();
  // Savepoint n is opened; levels below that are unknown here began while the
  // buffer was empty.
  void Mark(int level);
  void Release(int level);
  Status RollbackTo(int level);

 private:
  Bytes memory_;                         // the tail; everything before it is in file_
  std::unique_ptr<ScratchFile> file_;
  std::vector<std::uint64_t> marks_;     // size at the opening of savepoint i
};

}  // namespace rejoin
