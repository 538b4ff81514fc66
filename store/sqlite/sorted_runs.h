// An external merge sort: runs of records in a scratch file, told in order again.
//
// A record is bytes; `Place` says where it belongs: made from the record, which
// it may point into, with IsBefore(other). Runs are written one after another, each
// ascending; of equal places the record of the earlier run comes first.
//
// Memory: about `memory_bytes`, and what single records take beyond.
#pragma once

#include <algorithm>
#include <memory>
#include <queue>
#include <vector>

#include "base/os.h"

namespace rejoin {

template <class Place>
class SortedRuns {
 public:
  explicit SortedRuns(std::size_t memory_bytes) : memory_bytes_(memory_bytes) {}

  // Appends to the run that is being written.
  Status Add(ByteView record) {
    if (!file_) {
      REJOIN_ASSIGN(file_, NewScratchFile());
    }
    PutBytes(out_, record);
    return out_.size() < kMinReadBytes ? Status() : Write();
  }
  Status EndRun() {
    if (!out_.empty()) REJOIN_TRY(Write());
    const std::uint64_t begin = runs_.empty() ? 0 : runs_.back().end();
    const std::uint64_t end = file_ ? file_->size_bytes() : 0;
    if (end > begin) runs_.emplace_back(*file_, runs_.size(), begin, end);
    return {};
  }
  bool empty() const { return runs_.empty(); }

  // Calls `each` for all records in order, until it returns false. Once.
  template <class Each>
  Status Merge(const Each& each) {
    const std::size_t read_bytes = std::max(kMinReadBytes, memory_bytes_ / (runs_.size() + 1));
    const auto behind = [](const Run* a, const Run* b) { return a->IsBehind(*b); };
    std::priority_queue<Run*, std::vector<Run*>, decltype(behind)> queue(behind);
    for (Run& run : runs_) {
      REJOIN_ASSIGN(const bool any, run.Advance(read_bytes));
      if (any) queue.push(&run);
    }
    while (!queue.empty()) {
      Run* const first = queue.top();
      queue.pop();
      REJOIN_ASSIGN(const bool go_on, each(first->record(), first->place()));
      if (!go_on) return {};
      REJOIN_ASSIGN(const bool more, first->Advance(read_bytes));
      if (more) queue.push(first);
    }
    return {};
  }

 private:
  // Many runs share the memory, but less than this is not worth a call.
  static constexpr std::size_t kMinReadBytes = 4096;

  class Run {
   public:
    Run(ScratchFile& file, std::size_t number, std::uint64_t begin, std::uint64_t end)
        : file_(&file), number_(number), next_(begin), end_(end) {}

    // The next record becomes the current one; false: there is none.
    Result<bool> Advance(std::size_t read_bytes) {
      taken_ += size_;
      size_ = 0;
      for (std::size_t wanted = read_bytes;; wanted *= 2) {
        ByteReader reader(ByteView(bytes_).substr(taken_));
        record_ = reader.LengthPrefixed();
        if (reader.ok()) {
          size_ = bytes_.size() - taken_ - reader.remaining();
          place_ = Place(record_);
          return true;
        }
        if (next_ == end_) return false;
        REJOIN_TRY(Fill(wanted));
      }
    }
    ByteView record() const { return record_; }
    const Place& place() const { return place_; }
    std::uint64_t end() const { return end_; }

    bool IsBehind(const Run& other) const {
      if (other.place_.IsBefore(place_)) return true;
      return !place_.IsBefore(other.place_) && number_ > other.number_;
    }

   private:
    Status Fill(std::size_t wanted) {
      bytes_.erase(0, taken_);
      taken_ = 0;
      const std::size_t before = bytes_.size();
      const auto more = static_cast<std::size_t>(std::min<std::uint64_t>(wanted, end_ - next_));
      bytes_.resize(before + more);
      REJOIN_TRY(file_->Read(next_, bytes_.data() + before, more));
      next_ += more;
      return {};
    }

    ScratchFile* file_;
    std::size_t number_;
    std::uint64_t next_;  // in the file: what is not in bytes_ yet
    std::uint64_t end_;
    Bytes bytes_;
    std::size_t taken_ = 0;  // of bytes_, before the current record
    std::size_t size_ = 0;   // of the current record, with its length
    ByteView record_;
    Place place_;
  };

  Status Write() {
    REJOIN_TRY(file_->Append(out_));
    out_.clear();
    return {};
  }

  std::size_t memory_bytes_;
  std::unique_ptr<ScratchFile> file_;
  std::vector<Run> runs_;
  Bytes out_;
};

}  // namespace rejoin
