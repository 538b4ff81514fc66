// Group commit and the registry of peers.
#include "store/rows/row_file.h"
#include "tests/store_rows/row_fixture.h"

namespace rejoin {
namespace {

class RowPeers : public RowFixture {
 protected:
  // One part that brings everything the device has.
  static SentPart PartOf(PartDevice& device, const ResumePoint& from, const ResumePoint& until) {
    SentPart part;
    part.origin = {*device.store().Replica(), from, until, false};
    BytesSink sink(kTestDeltaMaxBytes);
    EXPECT_TRUE(device.store().ExtractSince({}, sink));
    part.delta = sink.Take();
    return part;
  }
};

TEST_F(RowPeers, ABatchIsAllOrNothing) {
  auto hub = Open(path_.text());
  PartDevice a = MakeDevice(1);
  PartDevice b = MakeDevice(2);
  Fill(a, 1, 5);
  Fill(b, 6, 9);
  const std::string empty = DigestOf(*hub);
  const Cursor head = *hub->Head();
  const auto merge_both = [&] {
    ASSERT_TRUE(TakePart(*hub, PartOf(a, {}, "a1")));
    ASSERT_TRUE(TakePart(*hub, PartOf(b, {}, "b1")));
  };
  ASSERT_TRUE(hub->BeginBatch());
  EXPECT_TRUE(hub->InBatch());
  merge_both();
  EXPECT_EQ(*hub->PointOf(TestReplicaId(1)), "a1");
  hub->RollbackBatch();
  EXPECT_FALSE(hub->InBatch());
  EXPECT_EQ(*hub->PointOf(TestReplicaId(1)), "");
  EXPECT_EQ(DigestOf(*hub), empty);
  EXPECT_TRUE(VectorOf(*hub).empty());
  EXPECT_EQ(hub->Head()->position, head.position);

  ASSERT_TRUE(hub->BeginBatch());
  merge_both();
  ASSERT_TRUE(hub->CommitBatch());
  EXPECT_FALSE(hub->InBatch());
  EXPECT_EQ(*hub->PointOf(TestReplicaId(2)), "b1");
  EXPECT_TRUE(VectorOf(*hub).Covers(VectorOf(a.store())));
  EXPECT_TRUE(VectorOf(*hub).Covers(VectorOf(b.store())));
}

TEST_F(RowPeers, APartThatFailsInABatchUndoesItselfOnly) {
  auto hub = Open(path_.text());
  PartDevice a = MakeDevice(1);
  PartDevice b = MakeDevice(2);
  PartDevice c = MakeDevice(3);
  Fill(a, 1, 5);
  Fill(b, 6, 400);
  Fill(c, 401, 402);
  ASSERT_TRUE(hub->BeginBatch());
  ASSERT_TRUE(TakePart(*hub, PartOf(a, {}, "a1")));
  SentPart damaged = PartOf(b, {}, "b1");
  damaged.delta.pop_back();  // its rows are joined before the end is missed
  EXPECT_EQ(CodeOf(TakePart(*hub, damaged)), Code::kCorrupt);
  EXPECT_EQ(CodeOf(TakePart(*hub, PartOf(c, "elsewhere", "c1"))), Code::kInternal) << "by vector";
  ASSERT_TRUE(hub->CommitBatch());
  EXPECT_EQ(*hub->PointOf(TestReplicaId(1)), "a1");
  EXPECT_EQ(*hub->PointOf(TestReplicaId(2)), "");
  EXPECT_EQ(*hub->PointOf(TestReplicaId(3)), "c1");
  EXPECT_TRUE(VectorOf(*hub).Get(TestReplicaId(2)) == HybridTimestamp{});
  Push(b, *hub);
  Pull(a, *hub);
  EXPECT_EQ(a.store().Shown("item").size(), 402u);
}

TEST_F(RowPeers, WhatWasNotCommittedIsGoneAfterACrash) {
  auto hub = Open(path_.text());
  PartDevice a = MakeDevice(1);
  Fill(a, 1, 5);
  Push(a, *hub);
  const std::string digest = DigestOf(*hub);
  const ResumePoint point = *hub->PointOf(TestReplicaId(1));
  Fill(a, 6, 9);
  ASSERT_TRUE(hub->BeginBatch());
  ASSERT_TRUE(TakePart(*hub, PartOf(a, {}, "later")));
  CopyDatabase(path_.text(), copy_.text());  // what a killed process leaves
  auto found = Open(copy_.text());
  EXPECT_EQ(DigestOf(*found), digest);
  EXPECT_EQ(*found->PointOf(TestReplicaId(1)), point);
  ASSERT_TRUE(hub->CommitBatch());
  EXPECT_EQ(*hub->PointOf(TestReplicaId(1)), "later");
}

TEST_F(RowPeers, NothingIsHandedOutOfABatch) {
  auto hub = Open(path_.text());
  PartDevice a = MakeDevice(1);
  Fill(a, 1, 5);
  ASSERT_TRUE(hub->BeginBatch());
  EXPECT_EQ(CodeOf(hub->BeginBatch()), Code::kOpenTransaction);
  ASSERT_TRUE(TakePart(*hub, PartOf(a, {}, "a1")));
  BytesSink sink(kTestDeltaMaxBytes);
  EXPECT_EQ(CodeOf(hub->ExtractPart({}, sink)), Code::kOpenTransaction);
  EXPECT_EQ(CodeOf(hub->ExtractSince({}, sink)), Code::kOpenTransaction);
  EXPECT_EQ(CodeOf(hub->ExtractFrom({}, sink)), Code::kOpenTransaction);
  EXPECT_TRUE(sink.Take().empty());
  ASSERT_TRUE(hub->CommitBatch());
  EXPECT_EQ(CodeOf(hub->CommitBatch()), Code::kInvalidArgument);
  EXPECT_EQ(Ask(*hub, {}).rows, 5u);
  hub->RollbackBatch();  // there is none: nothing happens
  EXPECT_EQ(Ask(*hub, {}).rows, 5u);
}

// As SQLite does unasked when the disk is full: what follows must not commit by itself.
TEST_F(RowPeers, ABatchThatWasTakenBackIsNotGoneOnWith) {
  auto file = RowFile::Open(path_.text(), random_, false);
  ASSERT_TRUE(file);
  auto batch = RowWriting::Begin(**file);
  ASSERT_TRUE(batch);
  (*file)->in_batch = true;
  ASSERT_TRUE((*file)->db().Exec("ROLLBACK"));
  EXPECT_EQ(CodeOf(RowWriting::Begin(**file)), Code::kIo);
  EXPECT_EQ(CodeOf(RowReading::Begin(**file)), Code::kIo);
  EXPECT_FALSE(batch->Commit());
}

TEST_F(RowPeers, TheRegistryKeepsWhoWasHere) {
  auto hub = Open(path_.text());
  const ReplicaId phone = TestReplicaId(2);
  const ReplicaId tablet = TestReplicaId(1);
  ASSERT_TRUE(hub->SawPeer(phone, "phone", 1000));
  ASSERT_TRUE(hub->SawPeer(phone, "Ann's phone", 3000));
  ASSERT_TRUE(hub->SkipTo({tablet, {}, "t9", false}));
  ASSERT_TRUE(hub->SawPeer(tablet, "", 2000));
  EXPECT_EQ(CodeOf(hub->SawPeer(phone, std::string(kMaxPeerNameBytes + 1, 'n'), 4000)), Code::kLimit);

  hub.reset();
  hub = Open(path_.text());
  const auto peers = hub->Peers();
  ASSERT_TRUE(peers && peers->size() == 2);
  EXPECT_EQ((*peers)[0].id, tablet);
  EXPECT_EQ((*peers)[0].point, "t9");
  EXPECT_EQ((*peers)[0].first_seen_ms, 2000u) << "a delta came before it was announced";
  EXPECT_EQ((*peers)[1].id, phone);
  EXPECT_EQ((*peers)[1].name, "Ann's phone");
  EXPECT_EQ((*peers)[1].first_seen_ms, 1000u);
  EXPECT_EQ((*peers)[1].last_seen_ms, 3000u);
  EXPECT_FALSE((*peers)[1].durable);
  EXPECT_TRUE((*peers)[1].acknowledged_vector.empty());
}

TEST_F(RowPeers, TheRegistryKeepsWhatPeersAcknowledged) {
  auto hub = Open(path_.text());
  PartDevice a = MakeDevice(1);
  Fill(a, 1, 5);
  Push(a, *hub);
  const ReplicaId phone = TestReplicaId(7);
  const ResumePoint point = Ask(*hub, {}).until;
  VersionVector vector = VectorOf(*hub);
  vector.Raise(TestReplicaId(9), {1234567});  // of whom the hub has never heard
  EXPECT_EQ(CodeOf(hub->Acknowledged(phone, "nonsense", vector, true)), Code::kNotCovered);
  EXPECT_TRUE(hub->Peers()->size() == 1) << "just the writer";

  ASSERT_TRUE(hub->Acknowledged(phone, point, vector, true));
  hub.reset();
  hub = Open(path_.text());
  PeerRecord peer = hub->Peers()->back();
  EXPECT_EQ(peer.id, phone);
  EXPECT_EQ(peer.acknowledged_point, point);
  EXPECT_TRUE(peer.acknowledged_vector == vector);
  EXPECT_TRUE(peer.durable);
  EXPECT_EQ(peer.point, "");
  EXPECT_FALSE(VectorOf(*hub).Covers(vector)) << "a word of another is no change here";

  ASSERT_TRUE(hub->Acknowledged(phone, {}, {}, false));  // it was restored
  peer = hub->Peers()->back();
  EXPECT_EQ(peer.acknowledged_point, "");
  EXPECT_TRUE(peer.acknowledged_vector.empty());
  EXPECT_FALSE(peer.durable);
}

}  // namespace
}  // namespace rejoin
