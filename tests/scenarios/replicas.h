// Several databases that tell one story: who writes what, who hears of it when.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/store_sqlite/fixture.h"
#include "tests/store_sqlite/rows.h"

namespace rejoin::testing {

struct Story {
  std::string schema;
  std::vector<std::string> tables;
  TrackOptions track = {};
};

// Replicas in memory, numbered from 0, whose clocks agree. Each At() is a second
// later than the one before, so "later" in a test is later in the stamps.
class Replicas {
 public:
  Replicas(std::size_t count, const Story& story) : story_(story) {
    for (std::size_t i = 0; i < count; ++i) Add();
  }

  // One more, with the schema and everything tracked.
  TestDatabase& Add() {
    all_.push_back(std::make_unique<TestDatabase>(1000 + all_.size()));
    TestDatabase& added = *all_.back();
    added.clock.wall_ms = wall_ms_;
    added.Exec(story_.schema);
    for (const std::string& table : story_.tables) added.Track(table, story_.track);
    return added;
  }
  // One more with rows that are there before its tables are tracked.
  TestDatabase& AddWithRows(const std::string& rows) {
    all_.push_back(std::make_unique<TestDatabase>(1000 + all_.size()));
    TestDatabase& added = *all_.back();
    Tick();
    added.Exec(story_.schema);
    added.Exec(rows);
    for (const std::string& table : story_.tables) added.Track(table, story_.track);
    return added;
  }

  TestDatabase& operator[](std::size_t i) { return *all_[i]; }
  std::size_t size() const { return all_.size(); }

  void Tick(std::uint64_t ms = 1000) {
    wall_ms_ += ms;
    for (const auto& replica : all_) replica->clock.wall_ms = wall_ms_;
  }
  void At(std::size_t i, const std::string& sql) {
    Tick();
    all_[i]->Exec(sql);
  }
  void Pull(std::size_t into, std::size_t from) { all_[into]->Pull(*all_[from]); }

  // Rounds along a ring until everybody has heard everything.
  void ExchangeAll() {
    for (std::size_t round = 0; round < 2; ++round) {
      for (std::size_t i = 0; i < size(); ++i) Pull((i + 1) % size(), i);
    }
  }

  // All show the same, share the same, and are sound.
  void ExpectEqual() {
    for (std::size_t i = 0; i < size(); ++i) {
      SCOPED_TRACE("replica " + std::to_string(i));
      TestDatabase& replica = *all_[i];
      EXPECT_EQ(replica.DigestHex(), all_[0]->DigestHex());
      for (const std::string& table : story_.tables) {
        EXPECT_EQ(SharedRows(replica.db, table), SharedRows(all_[0]->db, table)) << table;
      }
      EXPECT_EQ(HiddenRows(replica), HiddenRows(*all_[0]));
      EXPECT_EQ(ClashCount(replica), ClashCount(*all_[0]));
      ExpectSound(replica);
    }
  }
  void ExchangeAndExpectEqual() {
    ExchangeAll();
    ExpectEqual();
  }

  static void ExpectSound(TestDatabase& replica) {
    const auto findings = replica.store->Check();
    ASSERT_TRUE(findings) << findings.error().message;
    for (const Finding& finding : *findings) ADD_FAILURE() << finding.table << ": " << finding.problem;
    EXPECT_EQ(replica.One("SELECT * FROM pragma_integrity_check"), "ok");
  }

  // The keys of rows kept aside, with the reason.
  static std::vector<std::string> HiddenRows(TestDatabase& replica) {
    return ExactRows(replica.db,
                     "SELECT t.name, h.key, h.reason FROM rejoin__hidden AS h "
                     "JOIN rejoin__table AS t ON t.number = h.tbl ORDER BY t.name, h.key");
  }
  static std::string ClashCount(TestDatabase& replica) {
    return replica.One("SELECT count(*) FROM rejoin__clash");
  }

 private:
  Story story_;
  std::uint64_t wall_ms_ = 1'700'000'000'000;
  std::vector<std::unique_ptr<TestDatabase>> all_;
};

// Rows that `into` would take from `from`: what is news to it.
inline std::uint64_t NewsFor(TestDatabase& into, TestDatabase& from) {
  BytesSink sink(std::size_t{1} << 30);
  const auto report = from.store->ExtractSince(into.store->Vector().value_or(VersionVector()), sink);
  if (!report) ADD_FAILURE() << report.error().message;
  return report ? report->rows : 0;
}

}  // namespace rejoin::testing
