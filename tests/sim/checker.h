// What has to hold, each in a file of its own. A checker is told what happens, looks at
// the world, and says World::Fault where a promise of the documents is broken.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/sim/world.h"

namespace rejoin::sim {

// A transaction of a device's own that was committed.
struct Written {
  const Transaction& transaction;
  const VersionVector& before;  // of the device
  bool changed = false;         // it drew a stamp
};

class Checker {
 public:
  explicit Checker(World& world) : world_(world) {}
  virtual ~Checker() = default;

  // The node's id, vector and head are those of after; `was` is the vector of before.
  virtual void OnChange(Node& /*node*/, Cause /*cause*/, const VersionVector& /*was*/) {}
  virtual void OnWrite(Node& /*node*/, const Written& /*written*/) {}
  // The end of a wire heard an Ack.
  virtual void OnAck(const Wire& /*wire*/, std::size_t /*end*/) {}
  virtual void OnSent(const Wire& /*wire*/, std::size_t /*from*/, const Bytes& /*frame*/) {}
  virtual void OnCrash(Node& /*node*/) {}      // before
  virtual void OnPutBack(Node& /*node*/) {}    // before: what came after the copy is gone
  virtual void OnHealing() {}                  // all faults have ended, nothing has been sent since
  virtual void OnHealed() {}                   // nothing moves any more

 protected:
  static std::string Name(const Node& node) {
    return std::string(node.machine->is_hub() ? "hub " : "device ") + std::to_string(node.number);
  }

  World& world_;
};

std::unique_ptr<Checker> CheckAcknowledged(World& world);
std::unique_ptr<Checker> CheckAtomicity(World& world);
std::unique_ptr<Checker> CheckBounds(World& world);
std::unique_ptr<Checker> CheckCausality(World& world);
std::unique_ptr<Checker> CheckClocks(World& world);
std::unique_ptr<Checker> CheckConvergence(World& world);
std::unique_ptr<Checker> CheckDurability(World& world);
std::unique_ptr<Checker> CheckResurrection(World& world);

std::vector<std::unique_ptr<Checker>> AllCheckers(World& world);

// Entry by entry, but for ids that a file has given up: what was under one of them may
// have gone with the file's past, or be under another id now.
bool CoversButGivenUp(const World& world, const VersionVector& has, const VersionVector& wanted);

}  // namespace rejoin::sim
