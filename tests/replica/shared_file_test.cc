// A file in which another process does something while a session looks at it.
#include <functional>
#include <utility>

#include "store/rows/row_store.h"
#include "tests/replica/sessions_fixture.h"
#include "tests/store/passing_store.h"

namespace rejoin {
namespace {

// The other process comes at the moment when the state is looked at.
class SharedFile final : public PassingStore {
 public:
  SharedFile(SyncStore& store, std::function<void()> meanwhile)
      : PassingStore(store), meanwhile_(std::move(meanwhile)) {}

  Result<std::optional<StateMark>> MarkState(std::uint64_t most_rows) override {
    if (meanwhile_) std::exchange(meanwhile_, nullptr)();
    return PassingStore::MarkState(most_rows);
  }

 private:
  std::function<void()> meanwhile_;
};

class SharedFiles : public Sessions {};

// Half of a first sync with a third one: rows that no vector tells of yet.
TEST_P(SharedFiles, WhatAnotherProcessJoinsMeanwhileIsNoDifference) {
  TestReplica& a = Make(ItemTable());
  TestReplica& b = Make(ItemTable());
  TestReplica& other = Make(ItemTable());
  RowStoreOptions hub_options;
  hub_options.random = &random_;
  const auto hub = RowStore::Open(":memory:", hub_options);
  ASSERT_TRUE(hub);
  SessionOptions small_parts;
  small_parts.part_bytes = 100;
  for (TestReplica* each : {&other, &a, &b}) Conversation(Sync(*each), **hub, random_).Run();  // one room
  Do(a, {Insert("item", K("milk"), Item(1))});
  for (int i = 0; i < 40; ++i) Do(other, {Insert("item", EncodeKey({N(i)}), Item(i))});
  Conversation(Sync(other), **hub, random_).Run();
  bool joined_rows_alone = false;
  SharedFile shared(Sync(a), [&] {
    const VersionVector vector = VectorOf(a);
    const std::string digest = DigestOf(a);
    Conversation(Sync(a), **hub, random_, small_parts).Run(9);
    joined_rows_alone = VectorOf(a) == vector && DigestOf(a) != digest;
  });
  Conversation talk(shared, Sync(b), random_);
  for (bool moved = true; moved;) {
    moved = talk.Slice(talk.a());
    moved = talk.Slice(talk.b()) || moved;
    while (const auto frame = talk.Next(talk.a())) {
      moved = true;
      talk.Deliver(talk.b(), *frame);
      talk.b().session.OnChange();  // as a hub tells all its sessions
    }
    while (const auto frame = talk.Next(talk.b())) {
      moved = true;
      talk.Deliver(talk.a(), *frame);
    }
  }
  EXPECT_TRUE(joined_rows_alone);
  EXPECT_EQ(talk.a().session.report().compared, true);
  EXPECT_EQ(talk.a().session.report().finding, "");
  Equal(a, b);
}

INSTANTIATE_TEST_SUITE_P(Stores, SharedFiles, testing::ValuesIn(Makers()), testing::PrintToStringParamName());

}  // namespace
}  // namespace rejoin
