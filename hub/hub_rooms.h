// The rooms of a hub: a folder with one row store for each.
#pragma once

#include "hub/room.h"

namespace rejoin {

class HubRooms final : public RoomSource {
 public:
  // The folder is made if it is missing. kIo where it cannot be.
  static Result<std::unique_ptr<HubRooms>> InFolder(const std::string& folder);

  Result<std::unique_ptr<RoomStore>> Open(const std::string& name) override;

  // The file of a room. Bytes that are no letter, digit, - or _ become %XX, so every
  // name is a file of its own within the folder.
  std::string PathOf(const std::string& name) const;

 private:
  explicit HubRooms(std::string folder) : folder_(std::move(folder)) {}
  std::string folder_;
};

}  // namespace rejoin
