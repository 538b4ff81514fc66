#include "tests/faults/faulty_files.h"

namespace rejoin::testing {

Status FaultyFiles::Do(DiskCall call, const std::string& path) {
  if (!disk_.Count(call, path)) return {};
  return Fail(Code::kIo, std::string("cannot ") + NameOf(call) + " " + path + ": the disk failed");
}

Result<std::optional<Bytes>> FaultyFiles::Read(const std::string& path, std::size_t max_bytes) {
  const DiskAtWork at_work;
  REJOIN_TRY(Do(DiskCall::kOpen, path));
  const auto file = disk_.Find(path);
  if (file == nullptr) return std::optional<Bytes>();
  REJOIN_TRY(Do(DiskCall::kRead, path));
  if (file->bytes().size() > max_bytes) return Fail(Code::kCorrupt, path + " is larger than it can be");
  return std::optional<Bytes>(file->bytes());
}

Status FaultyFiles::WriteSynced(const std::string& path, ByteView bytes) {
  const DiskAtWork at_work;
  if (pretends) return {};
  REJOIN_TRY(Do(DiskCall::kOpen, path));
  auto file = disk_.Find(path);
  if (file == nullptr) file = disk_.Create(path);
  if (!file->bytes().empty()) file->Truncate(0, disk_.name_changes());
  disk_.Changed();
  const auto failure = disk_.Count(DiskCall::kWrite, path);
  const std::size_t written = !failure ? bytes.size() : *failure == Failure::kShort ? bytes.size() / 2 : 0;
  if (written > 0) file->Write(0, bytes.substr(0, written));
  disk_.Changed();
  if (failure) return Fail(Code::kIo, "cannot write " + path + ": the disk is full, or failed");
  REJOIN_TRY(Do(DiskCall::kSync, path));
  file->Sync();
  disk_.Changed();
  return {};
}

Status FaultyFiles::Rename(const std::string& from, const std::string& to) {
  const DiskAtWork at_work;
  REJOIN_TRY(Do(DiskCall::kRename, to));
  disk_.Rename(from, to);
  disk_.Changed();
  return {};
}

// The real one has nobody to tell either.
void FaultyFiles::SyncFolderOf(const std::string& path) {
  const DiskAtWork at_work;
  if (disk_.Count(DiskCall::kSyncFolder, path)) return;
  disk_.SyncFolder();
  disk_.Changed();
}

Status FaultyFiles::Cut(const std::string& path, ByteView kept) {
  const DiskAtWork at_work;
  REJOIN_TRY(Do(DiskCall::kOpen, path));
  const auto file = disk_.Find(path);
  if (file == nullptr) return Fail(Code::kIo, "cannot open " + path + ": there is no such file");
  if (ByteView(file->bytes()).substr(0, kept.size()) != kept) return {};
  REJOIN_TRY(Do(DiskCall::kTruncate, path));
  file->Truncate(kept.size(), disk_.name_changes());
  disk_.Changed();
  REJOIN_TRY(Do(DiskCall::kSync, path));
  file->Sync();
  disk_.Changed();
  return {};
}

Status FaultyFiles::Remove(const std::string& path) {
  const DiskAtWork at_work;
  REJOIN_TRY(Do(DiskCall::kDelete, path));
  if (disk_.Find(path) == nullptr) return {};
  disk_.Delete(path);
  disk_.Changed();
  return {};
}

}  // namespace rejoin::testing
