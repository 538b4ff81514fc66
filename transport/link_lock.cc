#include "transport/link_lock.h"

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <mutex>
#include <set>
#include <system_error>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"
#include "transport/process.h"

namespace rejoin {
namespace {

constexpr std::string_view kBetween = "-rejoin-link-";
constexpr std::size_t kMaxStatusBytes = 8192;

std::string Name(const std::string& file, std::string_view url) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string name = file + std::string(kBetween);
  const std::uint64_t hash = Hash64(url);
  for (int shift = 60; shift >= 0; shift -= 4) name += kDigits[(hash >> shift) & 15];
  return name;
}

// The files that this process has open to lock them. Closing any other descriptor of such a
// file would end the lock (POSIX), so whoever reads keeps off them. Never destroyed: threads
// in the background outlive main().
struct Held {
  std::mutex mutex;
  std::set<std::string> paths;
  static Held& Get() {
    static Held* const held = [] {
      // A forked child has none of the locks, and nobody who would unlock the mutex.
      AroundForks([] { Get().mutex.lock(); }, [] { Get().mutex.unlock(); },
                  [] {
                    Get().paths.clear();
                    Get().mutex.unlock();
                  });
      return new Held;
    }();
    return *held;
  }
};

struct flock WholeFile(short type) {
  struct flock lock = {};
  lock.l_type = type;
  lock.l_whence = SEEK_SET;
  return lock;
}

// Whoever had it before may have removed the file between our opening and locking it.
bool IsStillAt(const std::string& path, int descriptor) {
  struct stat here = {};
  struct stat there = {};
  return ::fstat(descriptor, &here) == 0 && ::stat(path.c_str(), &there) == 0 && here.st_ino == there.st_ino &&
         here.st_dev == there.st_dev;
}

bool IsLockedByAnother(int descriptor) {
  struct flock lock = WholeFile(F_WRLCK);
  return ::fcntl(descriptor, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

}  // namespace

LinkLock::LinkLock(const std::string& file, std::string_view url) : path_(Name(file, url)) {}

LinkLock::~LinkLock() { Release(); }

bool LinkLock::TryHold() {
  Held& held = Held::Get();
  const std::lock_guard lock(held.mutex);
  if (descriptor_ != kNone) return true;
  if (!held.paths.insert(path_).second) return true;  // another link of this process, which ends
  for (;;) {
    const int opened = ::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (opened < 0) break;  // nobody else can lock it either
    struct flock whole = WholeFile(F_WRLCK);
    const bool locked = ::fcntl(opened, F_SETLK, &whole) == 0;
    if (locked && IsStillAt(path_, opened)) {
      descriptor_ = opened;
      return true;
    }
    const bool another = !locked && (errno == EAGAIN || errno == EACCES);
    ::close(opened);
    if (locked) continue;
    held.paths.erase(path_);
    return !another;  // or the file system has no locks
  }
  held.paths.erase(path_);
  return true;
}

void LinkLock::Tell(std::string_view status) const {
  if (descriptor_ == kNone || status.size() > kMaxStatusBytes) return;
  const auto written = ::pwrite(descriptor_, status.data(), status.size(), 0);
  if (written >= 0) static_cast<void>(!::ftruncate(descriptor_, written));
}

// Removed first: whoever opens it from here on opens a new one.
void LinkLock::Release() {
  Held& held = Held::Get();
  const std::lock_guard lock(held.mutex);
  if (descriptor_ == kNone) return;
  ::unlink(path_.c_str());
  ::close(descriptor_);
  descriptor_ = kNone;
  held.paths.erase(path_);
}

std::vector<std::string> StatusesOfOthers(const std::string& file) {
  std::vector<std::string> statuses;
  const std::filesystem::path path(file);
  const std::string begins = path.filename().string() + std::string(kBetween);
  Held& held = Held::Get();
  const std::lock_guard lock(held.mutex);
  std::error_code failed;
  for (std::filesystem::directory_iterator at(path.parent_path(), failed), end; !failed && at != end;
       at.increment(failed)) {
    if (at->path().filename().string().compare(0, begins.size(), begins) != 0) continue;
    if (held.paths.count(at->path().string()) != 0) continue;
    const int opened = ::open(at->path().c_str(), O_RDONLY | O_CLOEXEC);
    if (opened < 0) continue;
    std::string status(kMaxStatusBytes, '\0');
    const auto size = IsLockedByAnother(opened) ? ::pread(opened, status.data(), status.size(), 0) : 0;
    ::close(opened);
    status.resize(static_cast<std::size_t>(std::max<decltype(size)>(size, 0)));
    if (!status.empty()) statuses.push_back(std::move(status));
  }
  std::sort(statuses.begin(), statuses.end());
  return statuses;
}

}  // namespace rejoin
