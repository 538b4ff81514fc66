// Replicas of every kind that hold sessions with each other.
#pragma once

#include <vector>

#include "tests/replica/conversation.h"
#include "tests/store/replicas_fixture.h"
#include "tests/store/sqlite_replica.h"

namespace rejoin {

class Sessions : public ReplicasFixture {
 protected:
  std::size_t Talk(TestReplica& a, TestReplica& b, std::size_t frames = kNever) {
    Conversation talk(Sync(a), Sync(b), random_);
    const std::size_t carried = talk.Run(frames);
    EXPECT_FALSE(talk.a().error) << talk.a().error->message;
    EXPECT_FALSE(talk.b().error) << talk.b().error->message;
    EXPECT_TRUE(talk.Done() || frames != kNever);
    return carried;
  }
  void Equal(TestReplica& a, TestReplica& b) {
    EXPECT_EQ(DigestOf(a), DigestOf(b));
    EXPECT_TRUE(VectorOf(a) == VectorOf(b));
  }
  Row Item(std::int64_t qty) { return {{"title", T("x")}, {"qty", N(qty)}}; }
  // Two replicas that know of each other and have each changed since.
  void Diverge(TestReplica& a, TestReplica& b) {
    Do(a, {Insert("item", K("milk"), Item(1)), Insert("item", K("eggs"), Item(2))});
    Talk(a, b);
    Do(a, {Update("item", K("milk"), {{"qty", N(3)}}), Insert("item", K("tea"), Item(4))});
    Do(b, {Delete("item", K("eggs")), Insert("item", K("rice"), Item(5))});
    Do(b, {Update("item", K("milk"), {{"title", T("oat")}})});
  }

  static SyncStore& Sync(TestReplica& replica) { return dynamic_cast<SyncStore&>(replica.store()); }

  FakeRandom random_{7};
};

inline std::vector<TestReplicaMaker> Makers() {
  std::vector<TestReplicaMaker> makers{MemoryReplicas()};
  for (const SqliteKind& kind : AllSqliteKinds()) makers.push_back(SqliteReplicas(kind));
  return makers;
}

}  // namespace rejoin
