#include "cli/delta_files.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <memory>

#include <unistd.h>

namespace rejoin::cli {
namespace {

constexpr std::size_t kChunkBytes = std::size_t{256} << 10;
constexpr std::uint64_t kShowEveryBytes = std::uint64_t{4} << 20;

tl::unexpected<Error> IoFault(const std::string& path, const char* what) {
  return Fail(Code::kIo, path + ": " + what + ": " + std::strerror(errno));
}

}  // namespace

Progress::Progress(std::string doing)
    : doing_(std::move(doing)), visible_(::isatty(STDERR_FILENO) == 1) {}

Progress::~Progress() {
  if (visible_ && shown_bytes_ > 0) std::fputs("\r\033[K", stderr);
}

void Progress::Advance(std::uint64_t bytes) {
  bytes_ += bytes;
  if (!visible_ || bytes_ - shown_bytes_ < kShowEveryBytes) return;
  shown_bytes_ = bytes_;
  std::fprintf(stderr, "\r%s: %.0f MB", doing_.c_str(), static_cast<double>(bytes_) / 1e6);
}

DeltaFileSink::DeltaFileSink(std::string path, std::FILE* file)
    : path_(std::move(path)), file_(file), progress_("writing " + path_) {
  if (file_ != stdout) part_ = path_ + ".part";
}

Result<std::unique_ptr<DeltaFileSink>> DeltaFileSink::Create(const std::string& path) {
  std::FILE* const file = path == "-" ? stdout : std::fopen((path + ".part").c_str(), "wb");
  if (file == nullptr) return IoFault(path + ".part", "cannot be written");
  return std::unique_ptr<DeltaFileSink>(new DeltaFileSink(path, file));
}

DeltaFileSink::~DeltaFileSink() {
  if (part_.empty() || file_ == nullptr) return;
  std::fclose(file_);
  std::remove(part_.c_str());
}

Status DeltaFileSink::Append(ByteView bytes) {
  if (std::fwrite(bytes.data(), 1, bytes.size(), file_) != bytes.size()) {
    return IoFault(path_, "cannot be written");
  }
  size_ += bytes.size();
  progress_.Advance(bytes.size());
  return {};
}

Status DeltaFileSink::Finish() {
  if (std::fflush(file_) != 0) return IoFault(path_, "cannot be written");
  if (part_.empty()) return {};
  const bool synced = ::fsync(::fileno(file_)) == 0;
  const bool closed = std::fclose(std::exchange(file_, nullptr)) == 0;
  if (!synced || !closed || std::rename(part_.c_str(), path_.c_str()) != 0) {
    const auto fault = IoFault(path_, "cannot be written");
    std::remove(part_.c_str());
    return fault;
  }
  return {};
}

DeltaFileSource::DeltaFileSource(std::string path, std::FILE* file)
    : path_(std::move(path)), file_(file), buffer_(kChunkBytes), progress_("reading " + path_) {}

Result<std::unique_ptr<DeltaFileSource>> DeltaFileSource::Open(const std::string& path) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) {
    return Fail(Code::kIo, path + ": this is a folder, not a delta");
  }
  std::FILE* const file = path == "-" ? stdin : std::fopen(path.c_str(), "rb");
  if (file == nullptr) return IoFault(path, "cannot be read");
  return std::unique_ptr<DeltaFileSource>(new DeltaFileSource(path, file));
}

DeltaFileSource::~DeltaFileSource() {
  if (file_ != stdin) std::fclose(file_);
}

Result<ByteView> DeltaFileSource::Next(std::size_t max_bytes) {
  const std::size_t wanted = std::min(max_bytes, buffer_.size());
  const std::size_t got = std::fread(buffer_.data(), 1, wanted, file_);
  if (got < wanted && std::ferror(file_) != 0) return IoFault(path_, "cannot be read");
  progress_.Advance(got);
  return ByteView(buffer_.data(), got);
}

}  // namespace rejoin::cli
