// The seams to the outside: time, randomness, small files, scratch space, compression.
//
// Everything above takes these as arguments, so that tests and simulations put
// their own in. The real ones are here and nowhere else.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>

#include "base/codec.h"
#include "base/status.h"

struct ZSTD_CCtx_s;  // zstd.h

namespace rejoin {

// Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;
  // Milliseconds since the Unix epoch. May jump either way.
  virtual std::uint64_t WallMs() = 0;
  // Milliseconds that only grow, for intervals.
  virtual std::uint64_t SteadyMs() = 0;
};

// Thread-safe. Cryptographic quality in the real one.
class Random {
 public:
  virtual ~Random() = default;
  virtual std::uint64_t Draw64() = 0;
};

// A clock that can be told what time it is, for a device whose own is wrong. Until then it
// is the clock beneath; from then on the time is what was told plus the steady time
// that has passed. So a wall clock that is set right meanwhile does no harm. Nothing is
// kept beyond the process.
class CorrectedClock final : public Clock {
 public:
  // `beneath` outlives it.
  explicit CorrectedClock(Clock& beneath) : beneath_(beneath) {}

  std::uint64_t WallMs() override;
  std::uint64_t SteadyMs() override { return beneath_.SteadyMs(); }
  // At this moment it is so late.
  void Set(std::uint64_t wall_ms);

 private:
  Clock& beneath_;
  std::atomic<std::int64_t> wall_less_steady_ms_{kNeverSet};
  static constexpr std::int64_t kNeverSet = std::numeric_limits<std::int64_t>::min();
};

// The process has one. Its steady time counts the time that the machine slept, where the
// system can tell.
CorrectedClock& SystemClock();
Random& SystemRandom();

// Small files beside a database, each read and replaced as a whole. Thread-compatible per
// path; what is said about a power cut is true of the real ones, and of those of a test's
// disk that loses what was not synced.
class SmallFiles {
 public:
  virtual ~SmallFiles() = default;

  // Missing: nullopt. kCorrupt where it is larger.
  virtual Result<std::optional<Bytes>> Read(const std::string& path, std::size_t max_bytes) = 0;
  // Replaces the file by rename and syncs it (and its folder): afterwards it
  // holds the old or the new bytes, also after a power cut. One caller at a time.
  Status Replace(const std::string& path, ByteView bytes);
  // Cuts the file to `kept` where it begins with it. Else somebody has replaced it,
  // or does so this moment: then it is left as it is, which is no error.
  virtual Status Cut(const std::string& path, ByteView kept) = 0;
  // No error if it is not there.
  virtual Status Remove(const std::string& path) = 0;

 protected:
  // The steps of Replace. A file with these bytes, which are on the disk when it returns;
  // its name may not be.
  virtual Status WriteSynced(const std::string& path, ByteView bytes) = 0;
  virtual Status Rename(const std::string& from, const std::string& to) = 0;
  // So that names survive a power cut. Where the system forbids it nothing is lost but
  // that: a rename is atomic all the same.
  virtual void SyncFolderOf(const std::string& path) = 0;
};

SmallFiles& SystemSmallFiles();

// Scratch bytes that need not outlive the process: an unnamed temporary file.
class ScratchFile {
 public:
  virtual ~ScratchFile() = default;
  virtual Status Append(ByteView bytes) = 0;
  virtual Status Truncate(std::uint64_t size_bytes) = 0;
  // Reads exactly `count` bytes; fewer is an error.
  virtual Status Read(std::uint64_t offset, char* into, std::size_t count) = 0;
  virtual std::uint64_t size_bytes() const = 0;
};
Result<std::unique_ptr<ScratchFile>> NewScratchFile();

// zstd, level 1..19. Deterministic for one library version: neither what was compressed before
// nor that a Compressor was used changes the bytes.
Bytes Compress(ByteView raw, int level);

// For one block after another. It keeps its tables, up to some MiB, which to set up takes longer
// than to compress a small block. Thread-compatible.
class Compressor {
 public:
  explicit Compressor(int level) : level_(level) {}
  Bytes Compress(ByteView raw);

 private:
  struct Free {
    void operator()(ZSTD_CCtx_s* context) const;
  };
  int level_;
  std::unique_ptr<ZSTD_CCtx_s, Free> context_;  // from the first call on
};

// Fails with kCorrupt unless the frame is whole and expands to exactly
// `raw_bytes`. The caller has bounded that number; even so, memory past the
// first MiB is taken only as the bytes for it come out.
Result<Bytes> Decompress(ByteView packed, std::size_t raw_bytes);

}  // namespace rejoin
