#include "tests/sim/checker.h"

namespace rejoin::sim {

std::vector<std::unique_ptr<Checker>> AllCheckers(World& world) {
  std::vector<std::unique_ptr<Checker>> checkers;
  checkers.push_back(CheckClocks(world));  // first: it says who is honest
  checkers.push_back(CheckDurability(world));
  checkers.push_back(CheckAcknowledged(world));
  checkers.push_back(CheckAtomicity(world));
  checkers.push_back(CheckCausality(world));
  checkers.push_back(CheckResurrection(world));
  checkers.push_back(CheckBounds(world));
  checkers.push_back(CheckConvergence(world));
  return checkers;
}

bool CoversButGivenUp(const World& world, const VersionVector& has, const VersionVector& wanted) {
  for (const auto& [replica, time] : wanted.entries()) {
    if (has.Get(replica) < time && !world.IsGivenUp(replica)) return false;
  }
  return true;
}

}  // namespace rejoin::sim
