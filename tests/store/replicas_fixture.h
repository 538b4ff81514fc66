// Some replicas of one kind, a clock that all of them share, and short words for
// what they do. Time moves on with every write, so later in a test is later.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/store/fakes.h"
#include "tests/store/ops.h"
#include "tests/store/test_replica.h"

namespace rejoin {

class ReplicasFixture : public testing::TestWithParam<TestReplicaMaker> {
 protected:
  TestReplica& Make() {
    replicas_.push_back(GetParam().make(replicas_.size(), clock_));
    return *replicas_.back();
  }
  TestReplica& Make(const TableDef& def, const Rows& existing = {}) {
    TestReplica& made = Make();
    Define(made, def, existing);
    return made;
  }

  void Define(TestReplica& replica, const TableDef& def, const Rows& existing = {}) {
    clock_.wall_ms += kStepMs;
    const Status defined = replica.Define(def, existing);
    ASSERT_TRUE(defined) << defined.error().message;
  }
  void Do(TestReplica& replica, const Transaction& transaction) {
    clock_.wall_ms += kStepMs;
    const Status done = replica.Execute(transaction);
    ASSERT_TRUE(done) << done.error().message;
  }
  void Fails(TestReplica& replica, const Transaction& transaction) {
    clock_.wall_ms += kStepMs;
    EXPECT_FALSE(replica.Execute(transaction));
  }

  // `to` hears of `from`.
  MergeReport Hear(TestReplica& to, TestReplica& from) {
    const auto report = Pull(to, from);
    if (!report) {
      ADD_FAILURE() << report.error().message;
      return {};
    }
    return *report;
  }
  // Everybody hears of everybody until there is nothing new, and all are equal.
  void Exchange() {
    for (const auto& to : replicas_) {
      for (const auto& from : replicas_) {
        if (to != from) Hear(*to, *from);
      }
    }
    for (const auto& to : replicas_) {
      for (const auto& from : replicas_) {
        if (to != from) Hear(*to, *from);
      }
    }
    std::set<std::string> digests;
    for (const auto& replica : replicas_) {
      digests.insert(DigestOf(*replica));
      EXPECT_TRUE(VectorOf(*replica) == VectorOf(*replicas_.front()));
    }
    EXPECT_EQ(digests.size(), 1u);
  }
  // After an exchange.
  void EverybodyShows(const std::string& table, const Rows& rows) {
    for (std::size_t i = 0; i < replicas_.size(); ++i) {
      EXPECT_EQ(replicas_[i]->Shown(table), rows) << "replica " << i;
    }
  }
  void EverybodyHides(const std::vector<QuarantinedRow>& rows) {
    for (std::size_t i = 0; i < replicas_.size(); ++i) {
      EXPECT_TRUE(replicas_[i]->Quarantine() == rows) << "replica " << i;
    }
  }
  void EverybodyLists(const std::vector<KeyClash>& clashes) {
    for (std::size_t i = 0; i < replicas_.size(); ++i) {
      EXPECT_TRUE(replicas_[i]->Conflicts() == clashes) << "replica " << i;
    }
  }

  static std::string DigestOf(TestReplica& replica) {
    const auto digest = replica.store().StateDigest({});
    return digest ? digest->Hex() : digest.error().message;
  }
  static VersionVector VectorOf(TestReplica& replica) {
    return replica.store().Vector().value_or(VersionVector{});
  }
  // What a replica is, for "nothing changed".
  static std::string Everything(TestReplica& replica) {
    std::string all = DigestOf(replica);
    const VersionVector vector = VectorOf(replica);
    for (const auto& [id, time] : vector.entries()) {
      all += " " + id.Hex() + ":" + std::to_string(time.value);
    }
    return all;
  }
  static Bytes DeltaOf(TestReplica& replica, const VersionVector& since = {}) {
    const auto delta = DeltaSince(replica, since);
    if (!delta) ADD_FAILURE() << delta.error().message;
    return delta.value_or(Bytes{});
  }

  static constexpr std::uint64_t kStepMs = 1000;
  FakeClock clock_;
  std::vector<std::unique_ptr<TestReplica>> replicas_;
};

}  // namespace rejoin
