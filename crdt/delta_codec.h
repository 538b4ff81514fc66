// Deltas as bytes: columnar, compressed, checksummed, written and read as a
// stream in bounded memory. Grammar, limits and worked bytes: docs/format.md.
//
// A reader trusts nothing: every truncation and every flipped bit is kCorrupt,
// no length is believed before the bytes that justify it are there, and it does
// not recurse. Reader and writer are thread-compatible.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>

#include "crdt/inserted_row.h"

namespace rejoin {

// Where a delta's bytes go.
class ByteSink {
 public:
  virtual ~ByteSink() = default;
  virtual Status Append(ByteView bytes) = 0;
};

// Where they come from. Returns up to max_bytes (fewer only at the end); the
// view is valid until the next call. Empty: the end.
class ByteSource {
 public:
  virtual ~ByteSource() = default;
  virtual Result<ByteView> Next(std::size_t max_bytes) = 0;
  // Of what is left; nullopt: not known.
  virtual std::optional<std::uint64_t> LeftBytes() const { return std::nullopt; }
};

class BytesSink : public ByteSink {
 public:
  // Refuses with kLimit what would pass max_bytes.
  explicit BytesSink(std::size_t max_bytes) : max_bytes_(max_bytes) {}
  Status Append(ByteView bytes) override;
  Bytes Take() { return std::move(bytes_); }

 private:
  std::size_t max_bytes_;
  Bytes bytes_;
};

// Does not own the bytes.
class ViewSource : public ByteSource {
 public:
  explicit ViewSource(ByteView bytes) : rest_(bytes) {}
  Result<ByteView> Next(std::size_t max_bytes) override;
  std::optional<std::uint64_t> LeftBytes() const override { return rest_.size(); }

 private:
  ByteView rest_;
};

// Writes one delta: Begin, then tables and rows in any order (a table before its
// rows), then Finish. Rows are gathered into blocks of about kBlockTargetBytes;
// the caller brings the rows of one table one after another and ascending by
// key, or blocks get small.
class DeltaWriter {
 public:
  explicit DeltaWriter(ByteSink& sink);
  ~DeltaWriter();

  Status Begin(const DeltaHeader& header);
  // Returns the index that Add takes. Each name once.
  Result<std::uint32_t> AddTable(const DeltaTable& table);
  Status Add(std::uint32_t table, const RowDelta& row);
  Status Add(std::uint32_t table, const InsertedRow& row);
  // After this the sink has everything.
  Status Finish();

  std::uint64_t rows_written() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

class DeltaReader {
 public:
  explicit DeltaReader(ByteSource& source);
  ~DeltaReader();

  // Reads the header; call once, first.
  Result<DeltaHeader> Begin();
  // The next block, or nullopt after the last one, when the whole delta has been
  // checked to its end. Tables grow as blocks announce them.
  Result<std::optional<DeltaBlock>> NextBlock();
  const std::vector<DeltaTable>& tables() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace rejoin
