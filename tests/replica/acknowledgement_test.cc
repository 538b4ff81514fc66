// What a side may count as safe at its peer: the peer has it, and a power cut does not take it back.
#include "tests/replica/sessions_fixture.h"
#include "tests/store/passing_store.h"

namespace rejoin {
namespace {

// Knows whether a power cut would take something back.
class StoreOnADisk final : public PassingStore {
 public:
  using PassingStore::PassingStore;

  Result<MergeReport> MergePart(ByteSource& in, const PartOrigin& origin) override {
    on_disk = false;
    return PassingStore::MergePart(in, origin);
  }
  Status SkipTo(const PartOrigin& origin) override {
    on_disk = false;
    return PassingStore::SkipTo(origin);
  }
  Status MakeDurable() override {
    on_disk = true;
    return PassingStore::MakeDurable();
  }

  bool on_disk = true;
};

class Acknowledgements : public Sessions {
 protected:
  void Write(TestReplica& replica, Conversation::Side& side, int number) {
    Do(replica, {Insert("item", EncodeKey({N(number)}), Item(number))});
    side.session.OnChange();
  }
  // Whatever can be carried. How many of the frames of `watched` were of this kind, each of which has to find
  // everything on the disk when it leaves.
  template <class Kind>
  static int CarryAndCount(Conversation& talk, const Conversation::Side& watched, const StoreOnADisk& store) {
    int count = 0;
    for (bool moved = true; moved;) {
      moved = false;
      for (Conversation::Side* const from : {&talk.a(), &talk.b()}) {
        while (const auto frame = talk.Next(*from)) {
          moved = true;
          const auto message = DecodeMessage(*frame);
          if (from == &watched && message && std::holds_alternative<Kind>(*message)) {
            ++count;
            EXPECT_TRUE(store.on_disk) << count;
          }
          talk.Deliver(from == &talk.a() ? talk.b() : talk.a(), *frame);
        }
      }
    }
    return count;
  }
};

TEST_P(Acknowledgements, ComeWhenWhatTheySpeakOfIsOnTheDisk) {
  TestReplica& a = Make(ItemTable());
  TestReplica& b = Make(ItemTable());
  StoreOnADisk disk(Sync(b));
  Conversation talk(Sync(a), disk, random_);
  CarryAndCount<Ack>(talk, talk.b(), disk);
  for (int i = 0; i < 3; ++i) {
    Write(a, talk.a(), i);
    EXPECT_EQ(CarryAndCount<Ack>(talk, talk.b(), disk), 1);
    EXPECT_TRUE(*talk.a().session.Acknowledged(true) == *Sync(a).Head());
  }
}

// Else the device would stamp something else with the same time after a power cut.
TEST_P(Acknowledgements, AreOfPartsThatWereOnTheDiskWhenTheyLeft) {
  TestReplica& a = Make(ItemTable());
  TestReplica& b = Make(ItemTable());
  StoreOnADisk disk(Sync(b));
  Conversation talk(Sync(a), disk, random_);
  CarryAndCount<Chunk>(talk, talk.b(), disk);
  for (int i = 0; i < 3; ++i) {
    Write(b, talk.b(), i);
    disk.on_disk = false;
    EXPECT_EQ(CarryAndCount<Chunk>(talk, talk.b(), disk), 1);
  }
}

// A slow peer makes nobody read a whole room ahead for it.
TEST_P(Acknowledgements, AreWaitedForAfterSomeParts) {
  TestReplica& a = Make(ItemTable());
  TestReplica& b = Make(ItemTable());
  Conversation talk(Sync(a), Sync(b), random_);
  talk.Run();
  std::vector<Bytes> parts;
  for (int i = 0; i < 30; ++i) {
    Write(a, talk.a(), i);
    while (const auto frame = talk.Next(talk.a())) parts.push_back(*frame);
  }
  EXPECT_GT(parts.size(), 1u);
  EXPECT_LE(parts.size(), 8u);
  for (const Bytes& part : parts) talk.Deliver(talk.b(), part);
  talk.Run();
  EXPECT_TRUE(talk.Done());
  Equal(a, b);
}

INSTANTIATE_TEST_SUITE_P(Stores, Acknowledgements, testing::ValuesIn(Makers()), testing::PrintToStringParamName());

}  // namespace
}  // namespace rejoin
