#include "tests/faults/faulty_vfs.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>

namespace rejoin::testing {
namespace {

constexpr int kSectorBytes = 4096;

// sqlite3_file comes first, so that a pointer to it is one to this.
struct OpenFile {
  sqlite3_file base{};
  FaultyDisk* disk = nullptr;
  std::string name;  // empty: temporary
  std::shared_ptr<DiskFile> file;
  int lock = SQLITE_LOCK_NONE;
  int flags = 0;
  bool maps = false;
  unsigned shm_shared = 0;  // a bit per lock held
  unsigned shm_exclusive = 0;
};

OpenFile& Of(sqlite3_file* file) { return *reinterpret_cast<OpenFile*>(file); }

// --- Bytes ------------------------------------------------------------------------------

int Read(sqlite3_file* base, void* into, int count, sqlite3_int64 offset) {
  const DiskAtWork at_work;
  OpenFile& open = Of(base);
  const auto wanted = static_cast<std::size_t>(count);
  const auto at = static_cast<std::size_t>(offset);
  const std::optional<Failure> failure = open.disk->Count(DiskCall::kRead, open.name);
  if (failure && *failure != Failure::kShort) return SQLITE_IOERR_READ;
  const Bytes& bytes = open.file->bytes();
  std::size_t there = at < bytes.size() ? std::min(wanted, bytes.size() - at) : 0;
  if (failure) there /= 2;
  std::memset(into, 0, wanted);
  if (there > 0) std::memcpy(into, bytes.data() + at, there);
  return there == wanted ? SQLITE_OK : SQLITE_IOERR_SHORT_READ;
}

int Write(sqlite3_file* base, const void* from, int count, sqlite3_int64 offset) {
  const DiskAtWork at_work;
  OpenFile& open = Of(base);
  ByteView bytes(static_cast<const char*>(from), static_cast<std::size_t>(count));
  const std::optional<Failure> failure = open.disk->Count(DiskCall::kWrite, open.name);
  if (failure == Failure::kFull) return SQLITE_FULL;
  if (failure == Failure::kError) return SQLITE_IOERR_WRITE;
  if (failure) bytes = bytes.substr(0, bytes.size() / 2);
  open.file->Write(static_cast<std::uint64_t>(offset), bytes);
  open.disk->Changed();
  return failure ? SQLITE_IOERR_WRITE : SQLITE_OK;
}

int Truncate(sqlite3_file* base, sqlite3_int64 size) {
  const DiskAtWork at_work;
  OpenFile& open = Of(base);
  if (open.disk->Count(DiskCall::kTruncate, open.name)) return SQLITE_IOERR_TRUNCATE;
  open.file->Truncate(static_cast<std::uint64_t>(size), open.disk->name_changes());
  open.disk->Changed();
  return SQLITE_OK;
}

// As SQLite's own VFS: the first sync of a new journal syncs its name too.
int Sync(sqlite3_file* base, int) {
  const DiskAtWork at_work;
  OpenFile& open = Of(base);
  if (open.disk->Count(DiskCall::kSync, open.name)) return SQLITE_IOERR_FSYNC;
  open.file->Sync();
  open.disk->Changed();
  if (open.file->folder_synced) return SQLITE_OK;
  if (open.disk->Count(DiskCall::kSyncFolder, open.name)) return SQLITE_IOERR_DIR_FSYNC;
  open.file->folder_synced = true;
  open.disk->SyncFolder();
  open.disk->Changed();
  return SQLITE_OK;
}

int FileSize(sqlite3_file* base, sqlite3_int64* size) {
  OpenFile& open = Of(base);
  if (open.disk->Count(DiskCall::kSize, open.name)) return SQLITE_IOERR_FSTAT;
  *size = static_cast<sqlite3_int64>(open.file->bytes().size());
  return SQLITE_OK;
}

// --- Locks of files ------------------------------------------------------------------------

bool MayLock(const DiskFile::Locks& locks, const OpenFile& open, int level) {
  const void* const self = &open;
  const auto others = [self](const void* holder) { return holder != nullptr && holder != self; };
  if (others(locks.exclusive)) return false;
  if (level == SQLITE_LOCK_SHARED) return !others(locks.pending);
  if (others(locks.reserved) || others(locks.pending)) return false;
  return true;
}

int Lock(sqlite3_file* base, int level) {
  OpenFile& open = Of(base);
  if (open.disk->Count(DiskCall::kLock, open.name)) return SQLITE_IOERR_LOCK;
  if (level <= open.lock) return SQLITE_OK;
  DiskFile::Locks& locks = open.file->locks;
  if (!MayLock(locks, open, level)) return SQLITE_BUSY;
  if (open.lock == SQLITE_LOCK_NONE) ++locks.shared;
  if (level >= SQLITE_LOCK_RESERVED) locks.reserved = &open;
  if (level >= SQLITE_LOCK_PENDING) locks.pending = &open;
  open.lock = level;
  if (level < SQLITE_LOCK_EXCLUSIVE) return SQLITE_OK;
  if (locks.shared > 1) {
    open.lock = SQLITE_LOCK_PENDING;
    return SQLITE_BUSY;
  }
  locks.exclusive = &open;
  return SQLITE_OK;
}

int Unlock(sqlite3_file* base, int level) {
  OpenFile& open = Of(base);
  if (level >= open.lock) return SQLITE_OK;
  DiskFile::Locks& locks = open.file->locks;
  for (const void** const holder : {&locks.reserved, &locks.pending, &locks.exclusive}) {
    if (*holder == &open) *holder = nullptr;
  }
  if (level == SQLITE_LOCK_NONE) --locks.shared;
  open.lock = level;
  return SQLITE_OK;
}

int CheckReservedLock(sqlite3_file* base, int* reserved) {
  OpenFile& open = Of(base);
  if (open.disk->Count(DiskCall::kLock, open.name)) return SQLITE_IOERR_CHECKRESERVEDLOCK;
  *reserved = open.file->locks.reserved != nullptr ? 1 : 0;
  return SQLITE_OK;
}

int FileControl(sqlite3_file*, int, void*) { return SQLITE_NOTFOUND; }
int SectorSize(sqlite3_file*) { return kSectorBytes; }
// As SQLite takes it of any disk: what is not written of a sector stays as it is.
int Characteristics(sqlite3_file*) { return SQLITE_IOCAP_POWERSAFE_OVERWRITE; }

// --- Shared memory -------------------------------------------------------------------------

int ShmMap(sqlite3_file* base, int region, int bytes, int extend, void volatile** mapped) {
  const DiskAtWork at_work;
  OpenFile& open = Of(base);
  *mapped = nullptr;
  if (open.disk->Count(DiskCall::kShmMap, open.name)) return SQLITE_IOERR_SHMMAP;
  DiskFile::Shared& shared = open.file->shared;
  if (!open.maps) ++shared.users;
  open.maps = true;
  const auto index = static_cast<std::size_t>(region);
  while (shared.regions.size() <= index) {
    if (extend == 0) return SQLITE_OK;
    shared.regions.push_back(std::make_unique<char[]>(static_cast<std::size_t>(bytes)));
  }
  *mapped = shared.regions[index].get();
  return SQLITE_OK;
}

bool IsShmFree(const DiskFile::Shared& shared, const OpenFile& open, std::size_t lock, bool for_writing) {
  const void* const writer = shared.writer[lock];
  if (writer != nullptr && writer != &open) return false;
  const int own = (open.shm_shared >> lock & 1u) != 0 ? 1 : 0;
  return !for_writing || shared.readers[lock] == own;
}

void ShmUnlock(OpenFile& open, unsigned mask) {
  DiskFile::Shared& shared = open.file->shared;
  for (std::size_t lock = 0; lock < shared.readers.size(); ++lock) {
    if ((open.shm_shared & mask) >> lock & 1u) --shared.readers[lock];
    if ((open.shm_exclusive & mask) >> lock & 1u) shared.writer[lock] = nullptr;
  }
  open.shm_shared &= ~mask;
  open.shm_exclusive &= ~mask;
}

int ShmLock(sqlite3_file* base, int first, int count, int flags) {
  OpenFile& open = Of(base);
  const unsigned mask = ((1u << count) - 1u) << first;
  if ((flags & SQLITE_SHM_UNLOCK) != 0) {
    ShmUnlock(open, mask);
    return SQLITE_OK;
  }
  if (open.disk->Count(DiskCall::kShmLock, open.name)) return SQLITE_IOERR_SHMLOCK;
  DiskFile::Shared& shared = open.file->shared;
  const bool for_writing = (flags & SQLITE_SHM_EXCLUSIVE) != 0;
  const auto begin = static_cast<std::size_t>(first);
  const auto end = begin + static_cast<std::size_t>(count);
  for (std::size_t lock = begin; lock < end; ++lock) {
    if (!IsShmFree(shared, open, lock, for_writing)) return SQLITE_BUSY;
  }
  for (std::size_t lock = begin; lock < end; ++lock) {
    if (for_writing) {
      shared.writer[lock] = &open;
    } else if ((open.shm_shared >> lock & 1u) == 0) {
      ++shared.readers[lock];
    }
  }
  (for_writing ? open.shm_exclusive : open.shm_shared) |= mask;
  return SQLITE_OK;
}

void ShmBarrier(sqlite3_file*) {}

int ShmUnmap(sqlite3_file* base, int) {
  OpenFile& open = Of(base);
  if (!open.maps) return SQLITE_OK;
  ShmUnlock(open, ~0u);
  open.maps = false;
  if (--open.file->shared.users == 0) open.file->shared.regions.clear();
  return SQLITE_OK;
}

int Close(sqlite3_file* base) {
  const DiskAtWork at_work;
  OpenFile& open = Of(base);
  Unlock(base, SQLITE_LOCK_NONE);
  ShmUnmap(base, 0);
  if ((open.flags & SQLITE_OPEN_DELETEONCLOSE) != 0 && !open.name.empty()) open.disk->Delete(open.name);
  open.~OpenFile();
  return SQLITE_OK;
}

constexpr sqlite3_io_methods kMethods = {
    2, Close, Read, Write, Truncate, Sync, FileSize, Lock, Unlock, CheckReservedLock, FileControl,
    SectorSize, Characteristics, ShmMap, ShmLock, ShmBarrier, ShmUnmap, nullptr, nullptr};

// --- The file system -------------------------------------------------------------------------

FaultyDisk& DiskOf(sqlite3_vfs* vfs) { return *static_cast<FaultyDisk*>(vfs->pAppData); }

int Open(sqlite3_vfs* vfs, const char* name, sqlite3_file* base, int flags, int* out_flags) {
  const DiskAtWork at_work;
  base->pMethods = nullptr;
  FaultyDisk& disk = DiskOf(vfs);
  const std::string path = name == nullptr ? "" : name;
  if (disk.Count(DiskCall::kOpen, path)) return SQLITE_CANTOPEN;
  std::shared_ptr<DiskFile> file = path.empty() ? std::make_shared<DiskFile>() : disk.Find(path);
  if (file == nullptr) {
    if ((flags & SQLITE_OPEN_CREATE) == 0) return SQLITE_CANTOPEN;
    file = disk.Create(path);
    constexpr int kJournals = SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_WAL | SQLITE_OPEN_SUPER_JOURNAL;
    file->folder_synced = (flags & kJournals) == 0;
    disk.Changed();
  }
  auto* const open = new (base) OpenFile;
  open->base.pMethods = &kMethods;
  open->disk = &disk;
  open->name = path;
  open->file = std::move(file);
  open->flags = flags;
  if (out_flags != nullptr) *out_flags = flags;
  return SQLITE_OK;
}

int Delete(sqlite3_vfs* vfs, const char* name, int sync_folder) {
  const DiskAtWork at_work;
  FaultyDisk& disk = DiskOf(vfs);
  if (disk.Count(DiskCall::kDelete, name)) return SQLITE_IOERR_DELETE;
  if (disk.Find(name) == nullptr) return SQLITE_IOERR_DELETE_NOENT;
  disk.Delete(name);
  disk.Changed();
  if (sync_folder == 0) return SQLITE_OK;
  if (disk.Count(DiskCall::kSyncFolder, name)) return SQLITE_IOERR_DIR_FSYNC;
  disk.SyncFolder();
  disk.Changed();
  return SQLITE_OK;
}

int Access(sqlite3_vfs* vfs, const char* name, int, int* result) {
  const DiskAtWork at_work;
  FaultyDisk& disk = DiskOf(vfs);
  if (disk.Count(DiskCall::kExists, name)) return SQLITE_IOERR_ACCESS;
  // As SQLite's own VFS: an empty file is none.
  const auto file = disk.Find(name);
  *result = file != nullptr && !file->bytes().empty() ? 1 : 0;
  return SQLITE_OK;
}

int FullPathname(sqlite3_vfs*, const char* name, int size, char* full) {
  sqlite3_snprintf(size, full, "%s", name);
  return SQLITE_OK;
}

int Randomness(sqlite3_vfs*, int size, char* bytes) {
  for (int i = 0; i < size; ++i) bytes[i] = static_cast<char>(i * 37 + 11);
  return size;
}

int Sleep(sqlite3_vfs*, int microseconds) { return microseconds; }

int CurrentTime(sqlite3_vfs*, double* days) {
  *days = 2460000.5;
  return SQLITE_OK;
}

int LastError(sqlite3_vfs*, int, char*) { return 0; }

std::string NewName() {
  static int number = 0;
  return "faulty-" + std::to_string(++number);
}

}  // namespace

FaultyVfs::FaultyVfs(FaultyDisk& disk, bool is_default) : name_(NewName()) {
  vfs_.iVersion = 1;
  vfs_.szOsFile = static_cast<int>(sizeof(OpenFile));
  vfs_.mxPathname = 512;
  vfs_.zName = name_.c_str();
  vfs_.pAppData = &disk;
  vfs_.xOpen = Open;
  vfs_.xDelete = Delete;
  vfs_.xAccess = Access;
  vfs_.xFullPathname = FullPathname;
  vfs_.xRandomness = Randomness;
  vfs_.xSleep = Sleep;
  vfs_.xCurrentTime = CurrentTime;
  vfs_.xGetLastError = LastError;
  if (sqlite3_vfs_register(&vfs_, is_default ? 1 : 0) != SQLITE_OK) std::abort();
}

FaultyVfs::~FaultyVfs() { sqlite3_vfs_unregister(&vfs_); }

}  // namespace rejoin::testing
