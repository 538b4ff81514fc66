// An application's file as what a server offers: `rejoin serve`.
#pragma once

#include <string>

#include "hub/room.h"

namespace rejoin::cli {

class FileRooms final : public RoomSource {
 public:
  // `room`: the only one that is answered to; empty: any.
  FileRooms(std::string path, std::string room) : path_(std::move(path)), room_(std::move(room)) {}

  // A connection of its own, on which what is merged is synced to the disk.
  Result<std::unique_ptr<RoomStore>> Open(const std::string& name) override;

 private:
  std::string path_;
  std::string room_;
};

}  // namespace rejoin::cli
