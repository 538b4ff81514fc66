// The exhaustive small model on SQLite stores: replicas that write what a script says, and
// then hear of each other's changes in every order, with one that comes again at each step.
//
// Files cannot be copied as cheaply as memory stores, so orders are walked as a tree: each
// delivery in a savepoint, which is rolled back when everything behind it has been seen.
// At the end the changes come in one of the orders for good.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "store/memory/memory_store.h"
#include "tests/model/script.h"
#include "tests/model/specification.h"
#include "tests/store/fakes.h"
#include "tests/store/sqlite_replica.h"
#include "tests/store/test_sync_store.h"

namespace rejoin {

// Who hears of whom before writing: in this order replicas do all their deeds, and before
// that the ones at `hears_of` have told them theirs. Others are not heard of before the end.
struct Course {
  std::array<std::size_t, kReplicas> order{0, 1, 2};
  std::array<std::set<std::size_t>, kReplicas> hears_of{};
};
// All that differ: 19, the first of which is that nobody hears of anybody.
std::vector<Course> AllCourses();

// Files in which a table is tracked and the initial rows are known, for replica after
// replica: made once each, and copied.
class DeliveryWorlds {
 public:
  DeliveryWorlds(const TableDef& def, const Transaction& initial);
  ~DeliveryWorlds();

  // Empty while everything agrees, else what does not, and where. `kinds`: any number, by
  // which kinds of SQLite tables are chosen.
  std::string Play(const Script& script, const Course& course, std::size_t kinds);

  std::size_t merges() const { return merges_; }

 private:
  class World;
  struct Template;

  const Template& TemplateOf(std::size_t replica, std::size_t kind, const Rows& adopted);

  TableDef def_;
  Specification specification_;
  FakeClock clock_;  // it stands still: ties are the hardest case
  std::unique_ptr<TestReplica> author_;  // of the initial rows
  Bytes initial_;
  Facts initial_facts_;
  std::map<std::tuple<std::size_t, std::size_t, Rows>, std::unique_ptr<Template>> templates_;
  std::uint64_t opened_ = 0;
  std::size_t merges_ = 0;
};

}  // namespace rejoin
