#include "tests/faults/faulty_disk.h"

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <numeric>

#include "tests/store/fakes.h"

namespace rejoin::testing {
namespace {

constexpr std::array<const char*, kDiskCalls> kNames = {
    "open", "read", "write", "truncate", "sync", "delete", "rename", "folder sync", "lock",
    "shared memory", "shared memory lock", "size", "look-up"};

// What of the unsynced changes a power cut keeps.
enum class Kept : int { kNothing, kAll, kFirst, kAnyChange, kAnyVersion };

Kept DrawKept(Random& random) {
  switch (random.Draw64() % 8) {
    case 0: return Kept::kNothing;
    case 1: return Kept::kAll;
    case 2: return Kept::kFirst;
    case 3: case 4: return Kept::kAnyChange;
    default: return Kept::kAnyVersion;
  }
}

// One of 0 .. most.
std::uint64_t UpTo(Random& random, std::uint64_t most) { return random.Draw64() % (most + 1); }

}  // namespace

const char* NameOf(DiskCall call) { return kNames.at(static_cast<std::size_t>(call)); }

// --- A file ----------------------------------------------------------------------------

void DiskFile::Apply(const Change& change, Bytes& to) {
  const auto at = static_cast<std::size_t>(change.offset);
  if (change.truncates) {
    to.resize(at, '\0');
    return;
  }
  if (to.size() < at + change.bytes.size()) to.resize(at + change.bytes.size(), '\0');
  std::copy(change.bytes.begin(), change.bytes.end(), to.begin() + static_cast<std::ptrdiff_t>(at));
}

void DiskFile::Write(std::uint64_t offset, ByteView bytes) {
  Apply(changes_.emplace_back(Change{offset, Bytes(bytes), false, 0}), now_);
}

void DiskFile::Truncate(std::uint64_t size, std::uint64_t names) {
  Apply(changes_.emplace_back(Change{size, {}, true, names}), now_);
}

void DiskFile::Sync() {
  for (const Change& change : changes_) Apply(change, synced_);
  changes_.clear();
}

std::shared_ptr<DiskFile> DiskFile::Settled(Bytes bytes) {
  auto file = std::make_shared<DiskFile>();
  file->synced_ = bytes;
  file->now_ = std::move(bytes);
  return file;
}

// What each sector is after a number of changes of its own choice.
class DiskFile::Tearing {
 public:
  Tearing(const Bytes& synced, const std::vector<Change>& changes, std::size_t sector)
      : changes_(changes), sector_(sector), synced_size_(synced.size()), result_(synced) {
    sizes_.push_back(synced.size());
    for (const Change& change : changes) {
      const std::uint64_t end = change.offset + change.bytes.size();
      sizes_.push_back(change.truncates ? change.offset : std::max(sizes_.back(), end));
    }
    result_.resize(static_cast<std::size_t>(*std::max_element(sizes_.begin(), sizes_.end())), '\0');
    written_.assign(result_.size() / sector_ + 1, false);
  }

  // `versions`: of how many changes each sector has the effect; `size`: after how many
  // the file had its size.
  Bytes Torn(const std::vector<std::uint64_t>& versions, std::uint64_t size, Random* rubbish) {
    for (std::size_t i = 0; i < changes_.size(); ++i) {
      const Change& change = changes_[i];
      const std::uint64_t end = change.truncates ? result_.size() : change.offset + change.bytes.size();
      for (std::uint64_t at = change.offset; at < end;) {
        const std::uint64_t next = std::min(end, (at / sector_ + 1) * sector_);
        const auto of = static_cast<std::size_t>(at / sector_);
        if (versions[of] > i) Put(change, static_cast<std::size_t>(at), static_cast<std::size_t>(next));
        if (versions[of] > i) written_[of] = !change.truncates;
        at = next;
      }
    }
    result_.resize(static_cast<std::size_t>(sizes_[size]));
    for (std::size_t at = synced_size_; rubbish != nullptr && at < result_.size(); ++at) {
      if (!written_[at / sector_]) result_[at] = static_cast<char>(rubbish->Draw64());
    }
    return std::move(result_);
  }
  std::size_t sectors() const { return written_.size(); }

 private:
  void Put(const Change& change, std::size_t from, std::size_t to) {
    for (std::size_t at = from; at < to; ++at) {
      result_[at] = change.truncates ? '\0' : change.bytes[at - static_cast<std::size_t>(change.offset)];
    }
  }

  const std::vector<Change>& changes_;
  const std::size_t sector_;
  const std::size_t synced_size_;
  Bytes result_;
  std::vector<std::uint64_t> sizes_;
  std::vector<bool> written_;
};

Bytes DiskFile::AfterPowerCut(std::uint64_t seed, std::uint64_t names) const {
  FakeRandom random(seed);
  const Kept kept = DrawKept(random);
  std::vector<Change> changes;
  for (const Change& change : changes_) {
    if (change.names <= names) changes.push_back(change);
  }
  if (changes.empty() || kept == Kept::kNothing) return synced_;
  const bool rubbish = random.Draw64() % 2 == 0;
  Tearing tearing(synced_, changes, random.Draw64() % 2 == 0 ? 512 : 4096);
  const std::uint64_t first = kept == Kept::kAll ? changes.size() : UpTo(random, changes.size());
  if (kept == Kept::kFirst || kept == Kept::kAll) {
    return tearing.Torn(std::vector<std::uint64_t>(tearing.sectors(), first), first, nullptr);
  }
  std::vector<std::uint64_t> versions;
  while (versions.size() < tearing.sectors()) {
    // Most sectors as after the same change, or each by itself.
    const bool same = kept == Kept::kAnyChange && UpTo(random, 3) != 0;
    versions.push_back(same ? first : UpTo(random, changes.size()));
  }
  return tearing.Torn(versions, UpTo(random, changes.size()), rubbish ? &random : nullptr);
}

// --- The disk --------------------------------------------------------------------------

FaultyDisk::FaultyDisk(const DiskImage& image) {
  for (const auto& [name, bytes] : image) now_[name] = synced_[name] = DiskFile::Settled(bytes);
}

std::uint64_t FaultyDisk::calls(std::optional<DiskCall> call) const {
  if (call) return calls_.at(static_cast<std::size_t>(*call));
  return std::accumulate(calls_.begin(), calls_.end(), std::uint64_t{0});
}

std::optional<Failure> FaultyDisk::Count(DiskCall call, const std::string& name) {
  ++calls_.at(static_cast<std::size_t>(call));
  std::optional<Failure> failure;
  if (dead_) failure = Failure::kError;
  if (fault_ && (!fault_->call || *fault_->call == call)) {
    const std::uint64_t number = calls(fault_->call);
    if (number == fault_->first || (fault_->goes_on && number > fault_->first)) failure = fault_->failure;
  }
  if (!failure) return failure;
  if (std::getenv("REJOIN_SWEEP_STOP") != nullptr) std::raise(SIGTRAP);  // for a debugger: who asked?
  if (failed_++ == 0) first_failure_ = std::string(NameOf(call)) + " of " + (name.empty() ? "a temporary file" : name);
  return failure;
}

DiskImage FaultyDisk::Image() const {
  DiskImage image;
  for (const auto& [name, file] : now_) image[name] = file->bytes();
  return image;
}

void FaultyDisk::Apply(const NameChange& change, Names& to) {
  if (change.file != nullptr) {
    to[change.name] = change.file;
  } else if (change.renamed_from.empty()) {
    to.erase(change.name);
  } else if (const auto from = to.find(change.renamed_from); from != to.end()) {
    to[change.name] = from->second;
    to.erase(change.renamed_from);
  }
}

DiskImage FaultyDisk::ImageAfterPowerCut(std::uint64_t seed) const {
  FakeRandom random(seed);
  const Kept kept = DrawKept(random);
  const std::uint64_t first = UpTo(random, changes_.size());
  Names names = synced_;
  std::uint64_t all_before = synced_changes_;
  for (std::size_t i = 0; i < changes_.size(); ++i) {
    const bool one_by_one = kept == Kept::kAnyChange;
    const bool stays = one_by_one ? random.Draw64() % 2 == 0 : kept == Kept::kAll || (kept != Kept::kNothing && i < first);
    if (stays) Apply(changes_[i], names);
    if (stays && all_before == synced_changes_ + i) ++all_before;
  }
  DiskImage image;
  for (const auto& [name, file] : names) image[name] = file->AfterPowerCut(random.Draw64(), all_before);
  return image;
}

std::shared_ptr<DiskFile> FaultyDisk::Find(const std::string& name) const {
  const auto found = now_.find(name);
  return found == now_.end() ? nullptr : found->second;
}

std::shared_ptr<DiskFile> FaultyDisk::Create(const std::string& name) {
  auto file = std::make_shared<DiskFile>();
  Apply(changes_.emplace_back(NameChange{name, file, {}}), now_);
  return file;
}

void FaultyDisk::Delete(const std::string& name) { Apply(changes_.emplace_back(NameChange{name, nullptr, {}}), now_); }

void FaultyDisk::Rename(const std::string& from, const std::string& to) {
  Apply(changes_.emplace_back(NameChange{to, nullptr, from}), now_);
}

void FaultyDisk::SyncFolder() {
  for (const NameChange& change : changes_) Apply(change, synced_);
  synced_changes_ += changes_.size();
  changes_.clear();
}

}  // namespace rejoin::testing
