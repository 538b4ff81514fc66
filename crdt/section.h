// The outer form of a delta: a prelude, then sections, each checked before a
// byte of it is believed. Knows nothing of what the sections mean.
//
//   prelude := magic version must-understand may-ignore checksum
//   section := type length body checksum
//
// A section's checksum is XXH3-64 of its body, seeded with the XXH3-64 of its
// type and length, seeded with the checksum before it. So they form a chain: a
// section lost, repeated or moved is noticed at the next one. Thread-compatible.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "crdt/delta_codec.h"

namespace rejoin {

struct Section {
  std::uint8_t type = 0;
  ByteView body;  // valid until the next call
};

// kCorrupt: what is damaged, and the advice to fetch the delta again.
tl::unexpected<Error> Damaged(const std::string& what);

class SectionWriter {
 public:
  explicit SectionWriter(ByteSink& sink) : sink_(sink) {}

  Status Prelude(std::uint64_t must_understand, std::uint64_t may_ignore);
  Status Write(std::uint8_t type, ByteView body);
  // Sections written so far.
  std::uint64_t count() const { return count_; }

 private:
  ByteSink& sink_;
  std::uint64_t chain_ = 0;
  std::uint64_t count_ = 0;
};

class SectionReader {
 public:
  explicit SectionReader(ByteSource& source) : source_(source) {}

  // kNewerFormat, kUnsupported (an unknown must-understand feature) or kCorrupt.
  Status Prelude();
  // The next section, whole and matching its checksum.
  Result<Section> Next();
  // Nothing may follow the last section.
  Status ExpectEnd();
  std::uint64_t count() const { return count_; }

 private:
  // Makes `count` bytes available from position_ on, as they come: a claim
  // allocates nothing.
  Status Need(std::size_t count, const char* where);
  Result<std::uint64_t> Varint(const char* where);
  std::uint64_t Fixed64();
  void DropConsumed();

  ByteSource& source_;
  Bytes buffer_;
  std::size_t position_ = 0;         // of the first byte not yet consumed
  std::uint64_t dropped_bytes_ = 0;  // consumed and no longer in the buffer
  std::uint64_t chain_ = 0;
  std::uint64_t count_ = 0;
};

}  // namespace rejoin
