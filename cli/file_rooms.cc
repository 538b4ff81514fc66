#include "cli/file_rooms.h"

#include <utility>

#include "bindings/sqlite/database_file.h"

namespace rejoin::cli {
namespace {

// An application's file, with its tables: one room.
class FileRoom final : public RoomStore {
 public:
  FileRoom(std::string path, DatabaseFile file)
      : path_(std::move(path)), file_(std::move(file)), store_(file_.Store()) {}

  SyncStore& store() override { return store_; }
  bool durable() override { return true; }
  std::vector<std::string> SharedFiles() const override {
    return {path_, path_ + "-wal"};
  }
  Result<bool> WasWritten() override {
    REJOIN_ASSIGN(CachedStatement read, file_.sql().Cached("PRAGMA data_version"));
    REJOIN_TRY(read->Step());
    const std::int64_t version = read->Integer(0);
    return std::exchange(data_version_, version) != version;
  }

 private:
  const std::string path_;
  DatabaseFile file_;
  SqliteStore store_;
  std::int64_t data_version_ = 0;
};

}  // namespace

Result<std::unique_ptr<RoomStore>> FileRooms::Open(const std::string& name) {
  if (!room_.empty() && name != room_) {
    return Fail(Code::kRefused, "there is no room " + name + " here, but one that is called " + room_);
  }
  REJOIN_ASSIGN(DatabaseFile file, DatabaseFile::Open(path_, OpenMode::kReadWrite));
  REJOIN_TRY(file.sql().Exec("PRAGMA synchronous = EXTRA"));
  REJOIN_TRY(file.Store().Replica());
  return std::unique_ptr<RoomStore>(std::make_unique<FileRoom>(path_, std::move(file)));
}

}  // namespace rejoin::cli
