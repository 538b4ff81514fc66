// A hub's room on a FaultyDisk, and two devices with sound disks that sync with it.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "store/rows/row_store.h"
#include "tests/faults/device.h"

namespace rejoin::testing {

inline constexpr char kRoomPath[] = "/disk/room.db";

struct HubStart {
  DiskImage hub;
  DiskImage a;
  DiskImage b;
};

struct HubWorld {
  // The hub's disk is that of the process while this lives.
  explicit HubWorld(const HubStart& start);

  Status OpenHub(std::uint64_t generation);
  Status OpenDevices(std::uint64_t generation);
  void SetClocks(std::size_t step);
  // What the room holds and where it is with each device; an error's text.
  std::string Picture();
  // Pages and rows of the room; empty: sound.
  std::string Faults();
  // Everything gets everywhere; what differs then.
  std::string Converge();

  Drive a_drive;
  Drive b_drive;
  Drive hub_drive;
  FakeRandom random;
  bool durable = true;
  std::unique_ptr<Device> a;
  std::unique_ptr<Device> b;
  std::unique_ptr<RowStore> hub;
};

struct HubStep {
  std::string name;
  // By the hub, whole or not at all; again where it failed.
  std::function<Status(HubWorld&)> act;
  // By the devices, once, before.
  std::function<Status(HubWorld&)> before;
};

const std::vector<HubStep>& HubSteps();
// Devices with rows; a room that nobody has opened yet.
Result<HubStart> PrepareHub();

}  // namespace rejoin::testing
