// Bytes on their way between a session and a store: a part of any size, in memory up
// to a bound and in a scratch file beyond. Written first, then read. Thread-compatible.
#pragma once

#include <memory>

#include "base/os.h"
#include "crdt/delta_codec.h"

namespace rejoin {

class Spool final : public ByteSink, public ByteSource {
 public:
  // What a part of a first sync takes (PartRequest::target_bytes), and some room.
  static constexpr std::size_t kMemoryBytes = std::size_t{6} << 20;

  Status Append(ByteView bytes) override;
  // The next bytes; empty at the end.
  Result<ByteView> Next(std::size_t max_bytes) override;
  std::optional<std::uint64_t> LeftBytes() const override { return size_bytes() - read_; }

  std::uint64_t size_bytes() const { return in_file() + memory_.size(); }
  // How many Next has given.
  std::uint64_t read_bytes() const { return read_; }
  bool at_end() const { return read_ == size_bytes(); }
  void Rewind() { read_ = 0; }
  // Empty again, its memory given back.
  void Clear();

 private:
  std::uint64_t in_file() const { return file_ == nullptr ? 0 : file_->size_bytes(); }

  Bytes memory_;  // the tail; everything before it is in file_
  std::unique_ptr<ScratchFile> file_;
  Bytes window_;  // of what was read from the file last
  std::uint64_t read_ = 0;
};

}  // namespace rejoin
