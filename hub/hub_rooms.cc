#include "hub/hub_rooms.h"

#include <algorithm>
#include <filesystem>

#include "store/rows/row_store.h"

namespace rejoin {
namespace {

// Of a file name, with its ending: what file systems take.
constexpr std::size_t kMaxFileNameBytes = 240;

class HubRoom final : public RoomStore {
 public:
  explicit HubRoom(std::unique_ptr<RowStore> store) : store_(std::move(store)) {}

  SyncStore& store() override { return *store_; }
  bool durable() override { return true; }
  Status Begin() override { return store_->BeginBatch(); }
  Status Commit() override { return store_->CommitBatch(); }
  Status Greet(const ReplicaId& peer, const std::string& name, std::uint64_t wall_ms) override {
    return store_->SawPeer(peer, name, wall_ms);
  }
  Status NoteLeaving(const ReplicaId& peer, const PeerAcknowledgement& has) override {
    return store_->Acknowledged(peer, has.point, has.vector, has.durable);
  }

 private:
  std::unique_ptr<RowStore> store_;
};

bool IsPlain(char byte) {
  return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9') ||
         byte == '-' || byte == '_';
}

// Not the room's own bytes where a file system would take two names for one.
std::string FileName(const std::string& room) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string name;
  for (const char byte : room) {
    if (IsPlain(byte) && !(byte >= 'A' && byte <= 'Z')) {
      name += byte;
    } else {
      const auto value = static_cast<unsigned char>(byte);
      name += {'%', kDigits[value >> 4], kDigits[value & 15]};
    }
  }
  return name;
}

}  // namespace

Result<std::unique_ptr<HubRooms>> HubRooms::InFolder(const std::string& folder) {
  std::error_code failed;
  std::filesystem::create_directories(folder, failed);
  if (failed || !std::filesystem::is_directory(folder, failed)) {
    return Fail(Code::kIo, folder + ": cannot be used as the folder of the rooms: " + failed.message());
  }
  return std::unique_ptr<HubRooms>(new HubRooms(folder));
}

std::string HubRooms::PathOf(const std::string& name) const {
  return folder_ + "/" + FileName(name) + ".room";
}

Result<std::unique_ptr<RoomStore>> HubRooms::Open(const std::string& name) {
  if (FileName(name).size() > kMaxFileNameBytes) {
    return Fail(Code::kRefused, "the name of the room is too long for a file here; choose a shorter one");
  }
  REJOIN_ASSIGN(auto store, RowStore::Open(PathOf(name)));
  return std::unique_ptr<RoomStore>(std::make_unique<HubRoom>(std::move(store)));
}

}  // namespace rejoin
