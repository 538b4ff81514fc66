#include "replica/spool.h"

#include <algorithm>

namespace rejoin {

Status Spool::Append(ByteView bytes) {
  if (memory_.size() + bytes.size() > kMemoryBytes && !memory_.empty()) {
    if (file_ == nullptr) {
      REJOIN_ASSIGN(file_, NewScratchFile());
    }
    REJOIN_TRY(file_->Append(memory_));
    memory_.clear();
  }
  memory_.append(bytes);
  return {};
}

Result<ByteView> Spool::Next(std::size_t max_bytes) {
  const std::uint64_t left = size_bytes() - read_;
  if (read_ >= in_file()) {
    const auto offset = static_cast<std::size_t>(read_ - in_file());
    const ByteView view = ByteView(memory_).substr(offset, max_bytes);
    read_ += view.size();
    return view;
  }
  // In two steps where the file ends within; only the end of all may be short.
  window_.resize(static_cast<std::size_t>(std::min<std::uint64_t>(max_bytes, left)));
  const auto from_file =
      static_cast<std::size_t>(std::min<std::uint64_t>(window_.size(), in_file() - read_));
  REJOIN_TRY(file_->Read(read_, window_.data(), from_file));
  memory_.copy(window_.data() + from_file, window_.size() - from_file);
  read_ += window_.size();
  return ByteView(window_);
}

void Spool::Clear() {
  Bytes().swap(memory_);
  Bytes().swap(window_);
  file_.reset();
  read_ = 0;
}

}  // namespace rejoin
