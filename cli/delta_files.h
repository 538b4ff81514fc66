// Deltas as files, of any size, in bounded memory.
#pragma once

#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

#include "crdt/delta_codec.h"

namespace rejoin::cli {

// Says on stderr how far a long transfer is, where stderr is a terminal.
class Progress {
 public:
  explicit Progress(std::string doing);
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  ~Progress();
  void Advance(std::uint64_t bytes);

 private:
  std::string doing_;
  bool visible_;
  std::uint64_t bytes_ = 0;
  std::uint64_t shown_bytes_ = 0;
};

// Writes `path` whole or not at all: to <path>.part first, renamed by Finish. "-"
// is the standard output.
class DeltaFileSink : public ByteSink {
 public:
  static Result<std::unique_ptr<DeltaFileSink>> Create(const std::string& path);
  ~DeltaFileSink() override;
  DeltaFileSink(const DeltaFileSink&) = delete;
  DeltaFileSink& operator=(const DeltaFileSink&) = delete;

  Status Append(ByteView bytes) override;
  Status Finish();
  std::uint64_t size_bytes() const { return size_; }

 private:
  DeltaFileSink(std::string path, std::FILE* file);

  std::string path_;
  std::string part_;  // empty: the standard output
  std::FILE* file_;
  std::uint64_t size_ = 0;
  Progress progress_;
};

// Reads a file, or the standard input for "-".
class DeltaFileSource : public ByteSource {
 public:
  static Result<std::unique_ptr<DeltaFileSource>> Open(const std::string& path);
  ~DeltaFileSource() override;
  DeltaFileSource(const DeltaFileSource&) = delete;
  DeltaFileSource& operator=(const DeltaFileSource&) = delete;

  Result<ByteView> Next(std::size_t max_bytes) override;

 private:
  DeltaFileSource(std::string path, std::FILE* file);

  std::string path_;
  std::FILE* file_;
  std::vector<char> buffer_;
  Progress progress_;
};

}  // namespace rejoin::cli
