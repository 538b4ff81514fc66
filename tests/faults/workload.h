// What a device does while its disk fails: steps, each a transaction or less, that an
// application waits for.
//
// A second device with a sound disk is its peer. It also is the witness of what the device
// has told: what it got, it has, whatever becomes of the device's disk.
#pragma once

#include <functional>
#include <ostream>
#include <string>
#include <vector>

#include "tests/faults/device.h"

namespace rejoin::testing {

// How much of what was told as committed a power cut may take back, by SQLite's word
// (https://www.sqlite.org/pragma.html#pragma_synchronous).
enum class Loss : int {
  kNothing,
  kLastCommit,  // the deletion of the journal is not synced
  kTail,        // nothing is synced between checkpoints
};

struct Mode {
  const char* name;
  const char* pragmas;
  Loss loss;
};
inline constexpr Mode kModes[] = {
    {"wal_full", "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL", Loss::kNothing},
    {"wal_normal", "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL", Loss::kTail},
    {"delete_full", "PRAGMA journal_mode = DELETE; PRAGMA synchronous = FULL", Loss::kLastCommit},
    {"delete_extra", "PRAGMA journal_mode = DELETE; PRAGMA synchronous = EXTRA", Loss::kNothing},
};

struct World;

struct Step {
  std::string name;
  // By the device, whole or not at all; again where it failed.
  std::function<Status(World&)> act;
  // By the peer, once, before.
  std::function<Status(World&)> before;
};

struct Workload {
  std::string name;
  // Before all faults, on a device that has just been opened. None: nothing is there yet.
  std::function<Status(World&)> prepare;
  std::vector<Step> steps;
  std::function<void(Limits&)> limit;
  // Once everything of `prepare` is closed.
  std::function<void(DiskImage&)> alter;
  // Of each connection, the peer's too.
  std::string pragmas = {};
};

const std::vector<Workload>& DeviceWorkloads();

// Each workload in each mode.
struct DeviceCase {
  std::size_t workload = 0;
  std::size_t mode = 0;
};
std::vector<DeviceCase> DeviceCases();
std::string NameOf(const DeviceCase& of);
inline void PrintTo(const DeviceCase& of, std::ostream* out) { *out << NameOf(of); }

// Device and peer. Their clocks tell the number of the step.
struct World {
  World(const Workload& the_workload, const Mode& the_mode, const DiskImage& device_image,
        const DiskImage& peer_image)
      : workload(the_workload), mode(the_mode), drive(device_image), peer_drive(peer_image) {}

  // A later one than before, with chance of its own.
  Status OpenDevice(std::uint64_t generation);
  Status OpenPeer(std::uint64_t generation);
  // Sets the clocks for step `index`; the peer does its part of it.
  Status Before(std::size_t index);
  void SetClocks(std::size_t index);
  Status Do(std::size_t index) { return workload.steps[index].act(*this); }

  const Workload& workload;
  const Mode& mode;
  Drive drive;
  Drive peer_drive;
  std::unique_ptr<Device> device;
  std::unique_ptr<Device> peer;
};

// The disks of device and peer before the first step.
struct Start {
  DiskImage device;
  DiskImage peer;
};
Result<Start> Prepare(const Workload& workload, const Mode& mode);

}  // namespace rejoin::testing
