// A disk in memory that fails when it is told to, and forgets what was not synced when the
// power goes.
//
// It holds one folder of files. A file is what programs see, what surely survives, and the
// changes in between: writes and truncations since its last sync. Names are the same: what
// was made, renamed or deleted since the folder was last synced may be undone. SQLite
// reaches it through a VFS (faulty_vfs.h), what else the product keeps beside a database
// through SmallFiles (faulty_files.h).
//
// Every call is counted. A Fault makes some of them fail; ImageAfterPowerCut is what
// remains if the power goes at this moment. Nothing here depends on time, chance or the
// machine: a seed and a call's number replay a run.
//
// Thread-compatible: one thread at a time, all connections included.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/codec.h"

namespace rejoin::testing {

// While one lives the disk is at work: a test that makes allocations fail leaves it alone,
// for it stands for what is not in the process.
class DiskAtWork {
 public:
  DiskAtWork() { ++depth_; }
  DiskAtWork(const DiskAtWork&) = delete;
  DiskAtWork& operator=(const DiskAtWork&) = delete;
  ~DiskAtWork() { --depth_; }
  static bool is() { return depth_ > 0; }

 private:
  inline static int depth_ = 0;
};

enum class DiskCall : int {
  kOpen, kRead, kWrite, kTruncate, kSync, kDelete, kRename, kSyncFolder, kLock, kShmMap, kShmLock, kSize, kExists,
};
inline constexpr std::size_t kDiskCalls = 13;
const char* NameOf(DiskCall call);

// How a call fails.
enum class Failure : int {
  kError,  // nothing happens
  kShort,  // a part happens: of a write the first bytes, of a read too
  kFull,   // a write finds no space
};

struct Fault {
  std::optional<DiskCall> call;  // nullopt: any
  Failure failure = Failure::kError;
  std::uint64_t first = 0;       // the first to fail, counted from 1 among those of `call`
  bool goes_on = false;          // and all after it, until Heal
};

// The files of a folder, as after everything was synced.
using DiskImage = std::map<std::string, Bytes>;

class DiskFile {
 public:
  // The bytes as programs see them.
  const Bytes& bytes() const { return now_; }
  void Write(std::uint64_t offset, ByteView bytes);
  // `names`: FaultyDisk::name_changes() at this moment.
  void Truncate(std::uint64_t size, std::uint64_t names);
  void Sync();

  // What a power cut leaves; see FaultyDisk::ImageAfterPowerCut. Of the changes of names
  // all before `names` were kept.
  Bytes AfterPowerCut(std::uint64_t seed, std::uint64_t names) const;
  static std::shared_ptr<DiskFile> Settled(Bytes bytes);

  // Locks of the connections that have it open (faulty_vfs.cc).
  struct Locks {
    int shared = 0;
    const void* reserved = nullptr;
    const void* pending = nullptr;
    const void* exclusive = nullptr;
  } locks;
  // Shared memory of a database in WAL mode. It is gone with the last who maps it.
  struct Shared {
    std::vector<std::unique_ptr<char[]>> regions;
    int users = 0;
    std::array<int, 8> readers{};
    std::array<const void*, 8> writer{};
  } shared;
  bool folder_synced = true;  // false: its name is to be synced with its first sync

 private:
  struct Change {
    std::uint64_t offset = 0;
    Bytes bytes;
    bool truncates = false;   // to `offset`
    std::uint64_t names = 0;  // that had changed before
  };
  class Tearing;
  static void Apply(const Change& change, Bytes& to);

  Bytes now_;
  Bytes synced_;
  std::vector<Change> changes_;  // since then, in order
};

class FaultyDisk {
 public:
  FaultyDisk() = default;
  explicit FaultyDisk(const DiskImage& image);
  FaultyDisk(const FaultyDisk&) = delete;
  FaultyDisk& operator=(const FaultyDisk&) = delete;

  // --- Faults ----------------------------------------------------------------------

  void Inject(const Fault& fault) { fault_ = fault; }
  // From here on every call fails: the process is as good as dead.
  void Die() { dead_ = true; }
  // The cause is gone. Counting goes on.
  void Heal() { fault_.reset(), dead_ = false; }
  // How many calls have failed; what the first of them was.
  std::uint64_t failed() const { return failed_; }
  const std::string& first_failure() const { return first_failure_; }

  std::uint64_t calls(std::optional<DiskCall> call) const;
  // Called after each call that changed something that a power cut could undo, or
  // that made something durable.
  std::function<void()> after_change;

  // --- What there is ---------------------------------------------------------------

  // What a killed process leaves: everything that was written.
  DiskImage Image() const;
  // What a power cut leaves: what was synced and, of the rest, by the seed: nothing, all,
  // the first changes, or for each sector the state after any of them; a size that
  // the file had meanwhile; where it grew over what was not kept, zeros or rubbish. The
  // same for names, one by one or as far as the journal of the file system got. No file
  // was cut before the changes of names that came first: file systems journal both in
  // order, and SQLite counts on it where it cuts a database after it deleted the journal.
  DiskImage ImageAfterPowerCut(std::uint64_t seed) const;

  // --- Calls: as a VFS makes them ----------------------------------------------------

  // Counts the call. nullopt: it goes well. `name` is for the message.
  std::optional<Failure> Count(DiskCall call, const std::string& name);
  std::shared_ptr<DiskFile> Find(const std::string& name) const;
  std::shared_ptr<DiskFile> Create(const std::string& name);
  void Delete(const std::string& name);
  void Rename(const std::string& from, const std::string& to);
  void SyncFolder();
  // How many there were in all.
  std::uint64_t name_changes() const { return synced_changes_ + changes_.size(); }
  void Changed() { if (after_change) after_change(); }

 private:
  using Names = std::map<std::string, std::shared_ptr<DiskFile>>;
  struct NameChange {
    std::string name;
    std::shared_ptr<DiskFile> file;  // made with it; nullptr: deleted
    std::string renamed_from;
  };
  static void Apply(const NameChange& change, Names& to);

  Names now_;
  Names synced_;
  std::vector<NameChange> changes_;  // since then, in order
  std::uint64_t synced_changes_ = 0;
  std::optional<Fault> fault_;
  bool dead_ = false;
  std::array<std::uint64_t, kDiskCalls> calls_{};
  std::uint64_t failed_ = 0;
  std::string first_failure_;
};

}  // namespace rejoin::testing
