#include "base/os.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <new>
#include <random>

#include <zstd.h>

#if defined(_WIN32)
#include <io.h>
#else
#include <fcntl.h>
#include <unistd.h>
#endif

namespace rejoin {
namespace {

class RealClock : public Clock {
 public:
  std::uint64_t WallMs() override { return Milliseconds(std::chrono::system_clock::now()); }
  std::uint64_t SteadyMs() override {
#if defined(CLOCK_BOOTTIME)
    // Linux's steady clock stands still while the machine sleeps.
    timespec now{};
    if (::clock_gettime(CLOCK_BOOTTIME, &now) == 0) {
      return static_cast<std::uint64_t>(now.tv_sec) * 1000 + static_cast<std::uint64_t>(now.tv_nsec) / 1'000'000;
    }
#endif
    return Milliseconds(std::chrono::steady_clock::now());
  }

 private:
  template <class TimePoint>
  static std::uint64_t Milliseconds(TimePoint now) {
    const auto since = std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch());
    return since.count() < 0 ? 0 : static_cast<std::uint64_t>(since.count());
  }
};

// std::random_device reads the system's generator on every platform we build for.
class RealRandom : public Random {
 public:
  std::uint64_t Draw64() override {
    thread_local std::random_device device;
    return (static_cast<std::uint64_t>(device()) << 32) | device();
  }
};

Error IoError(const char* what, const std::string& path) {
  return Error{Code::kIo, std::string("cannot ") + what + " " + path + ": " + std::strerror(errno)};
}

class StdioFile {
 public:
  explicit StdioFile(std::FILE* file) : file_(file) {}
  StdioFile(const StdioFile&) = delete;
  StdioFile& operator=(const StdioFile&) = delete;
  ~StdioFile() {
    if (file_ != nullptr) std::fclose(file_);
  }
  std::FILE* get() const { return file_; }
  bool Close() {
    std::FILE* file = file_;
    file_ = nullptr;
    return std::fclose(file) == 0;
  }

 private:
  std::FILE* file_;
};

bool SyncToDisk(std::FILE* file) {
  if (std::fflush(file) != 0) return false;
#if defined(_WIN32)
  return true;
#else
  return ::fsync(::fileno(file)) == 0;
#endif
}

bool CutToSize(std::FILE* file, std::size_t bytes) {
#if defined(_WIN32)
  return ::_chsize(::_fileno(file), static_cast<long>(bytes)) == 0;
#else
  return ::ftruncate(::fileno(file), static_cast<off_t>(bytes)) == 0;
#endif
}

class RealSmallFiles : public SmallFiles {
 public:
  Result<std::optional<Bytes>> Read(const std::string& path, std::size_t max_bytes) override;
  Status Cut(const std::string& path, ByteView kept) override;
  Status Remove(const std::string& path) override;

 protected:
  Status WriteSynced(const std::string& path, ByteView bytes) override;
  Status Rename(const std::string& from, const std::string& to) override;
  void SyncFolderOf(const std::string& path) override;
};

Result<std::optional<Bytes>> RealSmallFiles::Read(const std::string& path, std::size_t max_bytes) {
  errno = 0;
  StdioFile file(std::fopen(path.c_str(), "rb"));
  if (file.get() == nullptr) {
    if (errno == ENOENT) return std::optional<Bytes>();
    return tl::unexpected(IoError("open", path));
  }
  Bytes bytes(max_bytes + 1, '\0');
  const std::size_t count = std::fread(bytes.data(), 1, bytes.size(), file.get());
  if (std::ferror(file.get()) != 0) return tl::unexpected(IoError("read", path));
  if (count > max_bytes) {
    return Fail(Code::kCorrupt, path + " is larger than it can be; it is not a file of ours");
  }
  bytes.resize(count);
  return std::optional<Bytes>(std::move(bytes));
}

Status RealSmallFiles::WriteSynced(const std::string& path, ByteView bytes) {
  StdioFile file(std::fopen(path.c_str(), "wb"));
  if (file.get() == nullptr) return tl::unexpected(IoError("create", path));
  const bool written = std::fwrite(bytes.data(), 1, bytes.size(), file.get()) == bytes.size() &&
                       SyncToDisk(file.get());
  if (!file.Close() || !written) return tl::unexpected(IoError("write", path));
  return {};
}

Status RealSmallFiles::Rename(const std::string& from, const std::string& to) {
#if defined(_WIN32)
  std::remove(to.c_str());
#endif
  if (std::rename(from.c_str(), to.c_str()) != 0) return tl::unexpected(IoError("replace", to));
  return {};
}

void RealSmallFiles::SyncFolderOf(const std::string& path) {
#if !defined(_WIN32)
  const std::size_t slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  const int descriptor = ::open(folder.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return;
  ::fsync(descriptor);
  ::close(descriptor);
#else
  (void)path;
#endif
}

// Whoever replaces the file puts another in its place: what is open here is then
// nobody's, and cutting it harms no one.
Status RealSmallFiles::Cut(const std::string& path, ByteView kept) {
  errno = 0;
  StdioFile file(std::fopen(path.c_str(), "r+b"));
  if (file.get() == nullptr) return tl::unexpected(IoError("open", path));
  Bytes start(kept.size(), '\0');
  const std::size_t count = std::fread(start.data(), 1, start.size(), file.get());
  if (count != kept.size() || start != kept) return {};
  if (!CutToSize(file.get(), kept.size()) || !SyncToDisk(file.get())) {
    return tl::unexpected(IoError("cut", path));
  }
  return {};
}

Status RealSmallFiles::Remove(const std::string& path) {
  if (std::remove(path.c_str()) != 0 && errno != ENOENT) {
    return tl::unexpected(IoError("remove", path));
  }
  return {};
}

class RealScratchFile : public ScratchFile {
 public:
  explicit RealScratchFile(std::FILE* file) : file_(file) {}

  Status Append(ByteView bytes) override {
    if (!Seek(size_) || std::fwrite(bytes.data(), 1, bytes.size(), file_.get()) != bytes.size()) {
      return tl::unexpected(IoError("write to", "a temporary file"));
    }
    size_ += bytes.size();
    return {};
  }

  // The file's tail stays allocated: the next Append writes over it.
  Status Truncate(std::uint64_t size_bytes) override {
    size_ = size_bytes;
    return {};
  }

  Status Read(std::uint64_t offset, char* into, std::size_t count) override {
    if (count > size_ || offset > size_ - count || !Seek(offset) ||
        std::fread(into, 1, count, file_.get()) != count) {
      return tl::unexpected(IoError("read", "a temporary file"));
    }
    return {};
  }

  std::uint64_t size_bytes() const override { return size_; }

 private:
  bool Seek(std::uint64_t offset) {
#if defined(_WIN32)
    return _fseeki64(file_.get(), static_cast<long long>(offset), SEEK_SET) == 0;
#else
    return ::fseeko(file_.get(), static_cast<off_t>(offset), SEEK_SET) == 0;
#endif
  }

  StdioFile file_;
  std::uint64_t size_ = 0;
};

}  // namespace

std::uint64_t CorrectedClock::WallMs() {
  const std::int64_t difference_ms = wall_less_steady_ms_;
  if (difference_ms == kNeverSet) return beneath_.WallMs();
  return beneath_.SteadyMs() + static_cast<std::uint64_t>(difference_ms);
}

void CorrectedClock::Set(std::uint64_t wall_ms) {
  wall_less_steady_ms_ = static_cast<std::int64_t>(wall_ms - beneath_.SteadyMs());
}

// Never destroyed: threads in the background go on while the process exits.
CorrectedClock& SystemClock() {
  static auto& clock = *new CorrectedClock(*new RealClock);
  return clock;
}

Random& SystemRandom() {
  static auto& random = *new RealRandom;
  return random;
}

SmallFiles& SystemSmallFiles() {
  static auto& files = *new RealSmallFiles;
  return files;
}

Status SmallFiles::Replace(const std::string& path, ByteView bytes) {
  const std::string scratch = path + ".new";
  REJOIN_TRY(WriteSynced(scratch, bytes));
  REJOIN_TRY(Rename(scratch, path));
  SyncFolderOf(path);
  return {};
}

Result<std::unique_ptr<ScratchFile>> NewScratchFile() {
  std::FILE* file = std::tmpfile();
  if (file == nullptr) return tl::unexpected(IoError("create", "a temporary file"));
  return std::unique_ptr<ScratchFile>(new RealScratchFile(file));
}

Bytes Compress(ByteView raw, int level) { return Compressor(level).Compress(raw); }

Bytes Compressor::Compress(ByteView raw) {
  if (context_ == nullptr) context_.reset(ZSTD_createCCtx());
  if (context_ == nullptr) throw std::bad_alloc();
  // Not a Bytes, which would be filled with zeros first.
  const std::size_t bound = ZSTD_compressBound(raw.size());
  const std::unique_ptr<char[]> packed(new char[bound]);
  const std::size_t size =
      ZSTD_compressCCtx(context_.get(), packed.get(), bound, raw.data(), raw.size(), level_);
  // With an output of compressBound bytes only a failed allocation is left.
  if (ZSTD_isError(size) != 0) throw std::bad_alloc();
  return Bytes(packed.get(), size);
}

void Compressor::Free::operator()(ZSTD_CCtx_s* context) const { ZSTD_freeCCtx(context); }

namespace {

// Up to here a claimed size is believed, and one allocation serves it.
constexpr std::size_t kTrustedRawBytes = std::size_t{1} << 20;
// Beyond it the output grows by this much, or by half of what it has.
constexpr std::size_t kGrowBytes = std::size_t{1} << 20;
// Levels up to 19 use no larger window; a frame that asks for one is not ours.
constexpr int kMaxWindowLog = 23;

tl::unexpected<Error> BadFrame() {
  return Fail(Code::kCorrupt, "a compressed block is damaged; fetch the delta again");
}

Result<Bytes> DecompressGrowing(ByteView packed, std::size_t raw_bytes) {
  const std::unique_ptr<ZSTD_DCtx, std::size_t (*)(ZSTD_DCtx*)> context(ZSTD_createDCtx(),
                                                                        ZSTD_freeDCtx);
  if (context == nullptr) throw std::bad_alloc();
  ZSTD_DCtx_setParameter(context.get(), ZSTD_d_windowLogMax, kMaxWindowLog);
  Bytes raw;
  ZSTD_inBuffer in{packed.data(), packed.size(), 0};
  std::size_t filled = 0;
  std::size_t pending = 1;  // 0: the frame is whole
  while (pending != 0) {
    if (filled == raw.size() && filled < raw_bytes) {
      raw.resize(std::min(raw_bytes, filled + std::max(kGrowBytes, filled / 2)));
    }
    ZSTD_outBuffer out{raw.data(), raw.size(), filled};
    const std::size_t taken = in.pos;
    pending = ZSTD_decompressStream(context.get(), &out, &in);
    if (ZSTD_isError(pending) != 0) return BadFrame();
    if (out.pos == filled && in.pos == taken) return BadFrame();  // cut short, or too long
    filled = out.pos;
  }
  if (filled != raw_bytes || in.pos != packed.size()) return BadFrame();
  return raw;
}

}  // namespace

Result<Bytes> Decompress(ByteView packed, std::size_t raw_bytes) {
  if (raw_bytes > kTrustedRawBytes) return DecompressGrowing(packed, raw_bytes);
  Bytes raw(raw_bytes, '\0');
  const std::size_t size = ZSTD_decompress(raw.data(), raw.size(), packed.data(), packed.size());
  if (ZSTD_isError(size) != 0 || size != raw_bytes) return BadFrame();
  return raw;
}

}  // namespace rejoin
