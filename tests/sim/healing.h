// The end of a schedule: all faults end, everybody is linked, until nothing moves.
#pragma once

#include "tests/sim/world.h"

namespace rejoin::sim {

class Healing {
 public:
  explicit Healing(World& world) : world_(world) {}
  void Run();

 private:
  void EndFaults();
  void SetClocksRight();
  void MarkCopies();
  void LinkAll();
  void RunUntilQuiet();

  World& world_;
};

}  // namespace rejoin::sim
