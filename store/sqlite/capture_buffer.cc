#include "store/sqlite/capture_buffer.h"

#include <algorithm>
#include <cstring>

namespace rejoin {
namespace {

// More than this is given back after a transaction.
constexpr std::size_t kKeptBytes = 64u << 10;

}  // namespace

Status CaptureBuffer::Append(ByteView entry, std::size_t max_memory_bytes) {
  if (memory_.size() + entry.size() > max_memory_bytes && !memory_.empty()) {
    if (file_ == nullptr) {
      REJOIN_ASSIGN(file_, NewScratchFile());
    }
    REJOIN_TRY(file_->Append(memory_));
    memory_.clear();
  }
  memory_.append(entry);
  return {};
}

Status CaptureBuffer::Read(std::uint64_t offset, char* into, std::size_t count) {
  if (offset < in_file()) {
    const auto here = static_cast<std::size_t>(std::min<std::uint64_t>(count, in_file() - offset));
    REJOIN_TRY(file_->Read(offset, into, here));
    offset += here;
    into += here;
    count -= here;
  }
  if (count > 0) std::memcpy(into, memory_.data() + (offset - in_file()), count);
  return {};
}

void CaptureBuffer::Clear() {
  if (memory_.capacity() > kKeptBytes) {
    Bytes().swap(memory_);
  } else {
    memory_.clear();
  }
  file_.reset();
  marks_.clear();
}

void CaptureBuffer::Mark(int level) {
  const auto index = static_cast<std::size_t>(std::max(level, 0));
  if (index < marks_.size()) return;
  marks_.resize(index, 0);
  marks_.push_back(size_bytes());
}

void CaptureBuffer::Release(int level) {
  const auto index = static_cast<std::size_t>(std::max(level, 0));
  if (index < marks_.size()) marks_.resize(index);
}

Status CaptureBuffer::RollbackTo(int level) {
  const auto index = static_cast<std::size_t>(std::max(level, 0));
  const std::uint64_t size = level >= 0 && index < marks_.size() ? marks_[index] : 0;
  REJOIN_TRY(Truncate(size));
  marks_.resize(level < 0 ? 0 : std::min(marks_.size(), index + 1));
  return {};
}

Status CaptureBuffer::Truncate(std::uint64_t size) {
  if (size >= in_file()) {
    memory_.resize(static_cast<std::size_t>(size - in_file()));
    return {};
  }
  memory_.clear();
  return file_->Truncate(size);
}

}  // namespace rejoin
