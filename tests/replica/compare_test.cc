// The last net: sides that cover the same find out whether they hold the same.
#include "store/rows/row_store.h"
#include "store/sqlite/sqlite_store.h"
#include "tests/model/faulty_store.h"
#include "tests/replica/sessions_fixture.h"

namespace rejoin {
namespace {

constexpr std::uint64_t kHourMs = std::uint64_t{3600} * 1000;

class Compares : public Sessions {
 protected:
  // Slices of a row or two, so that there are several.
  static SessionOptions Options() {
    SessionOptions options;
    options.slice_rows = 2;
    return options;
  }
  // A conversation of its own, so many hours after the first.
  SessionReport Meet(SyncStore& a, SyncStore& b, std::uint64_t hours = 0) {
    Conversation talk(a, b, random_, Options());
    talk.now.wall_ms += hours * kHourMs;
    talk.Run();
    EXPECT_FALSE(talk.a().error) << talk.a().error->message;
    EXPECT_FALSE(talk.b().error) << talk.b().error->message;
    EXPECT_TRUE(talk.Done());
    EXPECT_FALSE(talk.a().session.Comparing() || talk.b().session.Comparing());
    EXPECT_EQ(talk.a().session.report().finding.empty(), talk.b().session.report().finding.empty());
    return talk.a().session.report();
  }
  static SyncStore& StoreOf(TestReplica& replica) { return Sync(replica); }
  void Fill(TestReplica& replica, int first, int last) {
    for (int i = first; i <= last; ++i) Do(replica, {Insert("item", EncodeKey({N(i)}), Item(i))});
  }
  // They share rows 1 to 9; b joined those of the first part without one, and counts it as joined.
  void LoseARow(TestReplica& a, TestReplica& b) {
    Fill(a, 1, 5);
    FaultyStore faulty(Sync(b), Defect::kLosesARow);
    Conversation talk(Sync(a), faulty, random_, Options());
    talk.Carry();
    EXPECT_TRUE(VectorOf(a) == VectorOf(b));
    EXPECT_NE(DigestOf(a), DigestOf(b));
    Fill(b, 6, 9);
  }
};

TEST_P(Compares, EqualStoresCompareOnceAndNothingMoreIsSent) {
  TestReplica& a = Make(ItemTable());
  TestReplica& b = Make(ItemTable());
  Fill(a, 1, 5);
  Fill(b, 6, 9);
  Conversation talk(Sync(a), Sync(b), random_, Options());
  talk.Run();
  EXPECT_EQ(talk.a().session.report().compared, true);
  EXPECT_EQ(talk.b().session.report().compared, true);
  EXPECT_TRUE(talk.a().session.report().finding.empty());
  const std::uint64_t sent = talk.a().session.report().bytes_sent + talk.b().session.report().bytes_sent;
  EXPECT_EQ(talk.Run(), 0u);
  EXPECT_EQ(talk.a().session.report().bytes_sent + talk.b().session.report().bytes_sent, sent);
  EXPECT_EQ(talk.a().session.report().rows_sent, 5u);
  EXPECT_EQ(talk.b().session.report().rows_sent, 4u);
}

// Whichever comes first, what the server was asked or what it is told.
TEST_P(Compares, AServerThatHadAnsweredBeforeItJoinedComparesToo) {
  TestReplica& a = Make(ItemTable());
  TestReplica& b = Make(ItemTable());
  Fill(a, 1, 5);
  Conversation talk(Sync(a), Sync(b), random_, Options());
  for (bool moved = true; moved;) {
    moved = false;
    while (const auto frame = talk.Next(talk.b())) {
      moved = true;
      talk.Deliver(talk.a(), *frame);
    }
    if (const auto frame = talk.Next(talk.a())) {  // one at a time
      moved = true;
      talk.Deliver(talk.b(), *frame);
    }
  }
  EXPECT_TRUE(VectorOf(a) == VectorOf(b));
  talk.Run();
  EXPECT_EQ(talk.a().session.report().compared, true);
  EXPECT_EQ(talk.b().session.report().compared, true);
}

TEST_P(Compares, APeerIsAskedOnceADay) {
  TestReplica& a = Make(ItemTable());
  TestReplica& b = Make(ItemTable());
  Fill(a, 1, 5);
  Fill(b, 6, 9);
  EXPECT_EQ(Meet(Sync(a), Sync(b)).compared, true);
  EXPECT_EQ(Meet(Sync(a), Sync(b), 23).compared, std::nullopt);
  EXPECT_EQ(Meet(Sync(a), Sync(b), 24).compared, true);
  EXPECT_EQ(Meet(Sync(a), Sync(b), 25).compared, std::nullopt);
  TestReplica& c = Make(ItemTable());
  EXPECT_EQ(Meet(Sync(a), Sync(c), 25).compared, true) << "another peer";
  EXPECT_EQ(Meet(Sync(a), Sync(c), 3).compared, true) << "the clock was wrong, or is";
}

TEST_P(Compares, ARowThatWasLostSilentlyComesBack) {
  TestReplica& a = Make(ItemTable());
  TestReplica& b = Make(ItemTable());
  LoseARow(a, b);
  Meet(Sync(a), Sync(b));
  EXPECT_EQ(a.Shown("item").size(), 9u);
  Equal(a, b);
}

TEST_P(Compares, ARowThatTheSideWhichAsksLostComesBack) {
  TestReplica& a = Make(ItemTable());
  TestReplica& b = Make(ItemTable());
  LoseARow(a, b);
  const SessionReport report = Meet(Sync(b), Sync(a));
  Equal(a, b);
  EXPECT_EQ(report.compared, true);
  EXPECT_NE(report.finding.find("both hold the same"), std::string::npos) << report.finding;
}

TEST_P(Compares, AfterARepairNothingIsSentAgain) {
  TestReplica& a = Make(ItemTable());
  TestReplica& b = Make(ItemTable());
  LoseARow(a, b);
  Meet(Sync(b), Sync(a));
  const SessionReport next = Meet(Sync(b), Sync(a), 1);
  EXPECT_EQ(next.rows_sent + next.rows_received, 0u);
  EXPECT_EQ(next.compared, std::nullopt);
  EXPECT_EQ(Meet(Sync(b), Sync(a), 24).compared, true);
}

TEST_P(Compares, WhatComesBetweenTwoSlicesBeginsTheDigestAnew) {
  TestReplica& a = Make(ItemTable());
  TestReplica& b = Make(ItemTable());
  Fill(a, 1, 20);
  Conversation talk(Sync(a), Sync(b), random_, Options());
  int writes = 0;
  for (int i = 0; i < 1000; ++i) {
    bool moved = false;
    for (Conversation::Side* from : {&talk.a(), &talk.b()}) {
      Conversation::Side& to = from == &talk.a() ? talk.b() : talk.a();
      while (auto frame = talk.Next(*from)) {
        moved = true;
        talk.Deliver(to, *frame);
      }
      moved = talk.Slice(*from) || moved;
    }
    if (i == 6 || i == 9 || i == 12) {
      TestReplica& writer = ++writes % 2 == 0 ? a : b;
      Do(writer, {Insert("item", EncodeKey({N(100 + i)}), Item(i))});
      (&writer == &a ? talk.a() : talk.b()).session.OnChange();
    } else if (!moved && i > 12) {
      break;
    }
  }
  EXPECT_EQ(writes, 3);
  EXPECT_TRUE(talk.Done());
  EXPECT_FALSE(talk.a().session.Comparing());
  EXPECT_TRUE(talk.a().session.report().finding.empty());
  EXPECT_TRUE(talk.b().session.report().finding.empty());
  Equal(a, b);
}

// What is on its way when the question comes is in one of the two states only.
TEST_P(Compares, AStateThatMovedIsNotCompared) {
  TestReplica& a = Make(ItemTable());
  TestReplica& b = Make(ItemTable());
  Fill(a, 1, 5);
  Conversation talk(Sync(a), Sync(b), random_, Options());
  for (;;) {
    while (auto frame = talk.Next(talk.b())) talk.Deliver(talk.a(), *frame);
    auto frame = talk.Next(talk.a());
    if (!frame && !talk.Slice(talk.a())) break;
    if (!frame) continue;
    const auto message = DecodeMessage(*frame);
    const bool question = message && std::holds_alternative<Compare>(*message);
    if (question) {
      Do(b, {Insert("item", K("new"), Item(6))});
      talk.b().session.OnChange();
    }
    talk.Deliver(talk.b(), *frame);
    if (question) break;
  }
  talk.Run();
  EXPECT_EQ(talk.a().session.report().compared, std::nullopt);
  EXPECT_TRUE(talk.a().session.report().finding.empty() && talk.b().session.report().finding.empty());
  EXPECT_FALSE(talk.a().session.Comparing());
  Equal(a, b);
  EXPECT_EQ(Meet(Sync(a), Sync(b)).compared, std::nullopt) << "at once would be too soon";
  EXPECT_EQ(Meet(Sync(a), Sync(b), 1).compared, true);
}

TEST_P(Compares, WhoComparesAgainAndAgainIsLeft) {
  TestReplica& a = Make(ItemTable());
  TestReplica& b = Make(ItemTable());
  Fill(a, 1, 5);
  Conversation talk(Sync(a), Sync(b), random_, Options());
  talk.Run();
  ASSERT_EQ(talk.b().session.report().compared, true);
  talk.Deliver(talk.b(), EncodeMessage(Compare{}));
  ASSERT_TRUE(talk.b().error);
  EXPECT_EQ(talk.b().error->code, Code::kProtocol);
}

// The last one does not even say what it holds.
TEST_P(Compares, AnAnswerThatNobodyAskedForEndsTheConversation) {
  TestReplica& a = Make(ItemTable());
  TestReplica& b = Make(ItemTable());
  for (const auto kind : {Compare::Kind::kQuestion, Compare::Kind::kAnswer, Compare::Kind::kNoAnswer}) {
    Conversation talk(Sync(a), Sync(b), random_, Options());
    talk.Run();
    talk.Deliver(talk.a(), EncodeMessage(Compare{kind, 1, {}}));
    ASSERT_TRUE(talk.a().error);
    EXPECT_EQ(talk.a().error->code, Code::kProtocol);
  }
}

// A peer that answers with anything costs one look at all there is, and is not asked again soon.
TEST_P(Compares, APeerThatLiesCostsOneRepair) {
  TestReplica& a = Make(ItemTable());
  TestReplica& b = Make(ItemTable());
  Fill(a, 1, 5);
  int questions = 0;
  Conversation talk(Sync(a), Sync(b), random_, Options());
  for (bool moved = true; moved;) {
    moved = talk.Slice(talk.a());
    moved = talk.Slice(talk.b()) || moved;
    for (Conversation::Side* from : {&talk.a(), &talk.b()}) {
      while (auto frame = talk.Next(*from)) {
        moved = true;
        auto message = DecodeMessage(*frame);
        Compare* const compare = message ? std::get_if<Compare>(&*message) : nullptr;
        questions += compare != nullptr && compare->kind == Compare::Kind::kQuestion ? 1 : 0;
        if (compare != nullptr) {
          compare->digest = *Digest::FromBytes("sixteen bytes...");
          frame = EncodeMessage(*message);
        }
        talk.Deliver(from == &talk.a() ? talk.b() : talk.a(), *frame);
      }
    }
  }
  EXPECT_EQ(questions, 2);
  EXPECT_EQ(talk.a().session.report().compared, false);
  EXPECT_EQ(talk.b().session.report().compared, false);
  EXPECT_NE(talk.a().session.report().finding.find("differ still"), std::string::npos);
  EXPECT_TRUE(talk.Done());
  EXPECT_EQ(Meet(Sync(a), Sync(b), 23).compared, std::nullopt);
}

INSTANTIATE_TEST_SUITE_P(Stores, Compares, testing::ValuesIn(Makers()), testing::PrintToStringParamName());

// --- Files that somebody wrote to behind our back ---------------------------------------

class BehindOurBack : public Compares {
 protected:
  static Database& SqlOf(TestReplica& replica) {
    return dynamic_cast<SqliteStore&>(replica.store()).engine().db;
  }
  static void Write(TestReplica& replica, const std::string& sql) {
    Database& db = SqlOf(replica);
    sqlite3_db_config(db.handle(), SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, nullptr);
    const Status done = db.Exec(sql);
    EXPECT_TRUE(done) << done.error().message;
    sqlite3_db_config(db.handle(), SQLITE_DBCONFIG_ENABLE_TRIGGER, 1, nullptr);
  }
  static std::vector<std::string> Findings(TestReplica& replica) {
    std::vector<std::string> found;
    auto read = SqlOf(replica).Prepare("SELECT message FROM {s}.rejoin__event WHERE kind = 'digest' ORDER BY rowid");
    EXPECT_TRUE(read);
    while (read && *read->Step()) found.emplace_back(read->Text(0));
    return found;
  }
  // A day later, whichever of them connects.
  void MeetAndExpectEqual(TestReplica& a, TestReplica& b) {
    const SessionReport report = Meet(Sync(a), Sync(b), 24);
    EXPECT_EQ(report.compared, true);
    Equal(a, b);
    EXPECT_TRUE(a.Shown("item") == b.Shown("item"));
    for (TestReplica* replica : {&a, &b}) {
      const std::vector<std::string> found = Findings(*replica);
      ASSERT_EQ(found.size(), 2u);
      EXPECT_NE(found[0].find("hold different states"), std::string::npos) << found[0];
      EXPECT_NE(found[1].find("both hold the same"), std::string::npos) << found[1];
    }
  }
  void SyncedPair(TestReplica*& a, TestReplica*& b) {
    a = &Make(ItemTable());
    b = &Make(ItemTable());
    Fill(*a, 1, 10);
    Do(*a, {Update("item", EncodeKey({N(4)}), {{"qty", N(44)}})});
    Meet(Sync(*a), Sync(*b));
  }
};

TEST_P(BehindOurBack, ALostRowIsRepairedOnTheSideThatAsks) {
  TestReplica* a = nullptr;
  TestReplica* b = nullptr;
  SyncedPair(a, b);
  Write(*a, "DELETE FROM item WHERE qty IN (3, 44, 10)");
  MeetAndExpectEqual(*a, *b);
  EXPECT_EQ(a->Shown("item").size(), 10u);
}

TEST_P(BehindOurBack, ALostRowIsRepairedOnTheSideThatIsAsked) {
  TestReplica* a = nullptr;
  TestReplica* b = nullptr;
  SyncedPair(a, b);
  Write(*b, "DELETE FROM item WHERE qty IN (3, 44, 10)");
  MeetAndExpectEqual(*a, *b);
  EXPECT_EQ(b->Shown("item").size(), 10u);
}

TEST_P(BehindOurBack, BothMayHaveLostRows) {
  TestReplica* a = nullptr;
  TestReplica* b = nullptr;
  SyncedPair(a, b);
  Write(*a, "DELETE FROM item WHERE qty IN (1, 9)");
  Write(*b, "DELETE FROM item WHERE qty IN (2, 10)");
  MeetAndExpectEqual(*a, *b);
  EXPECT_EQ(a->Shown("item").size(), 10u);
}

TEST_P(BehindOurBack, AnotherValueUnderOneStampEndsEqual) {
  TestReplica* a = nullptr;
  TestReplica* b = nullptr;
  SyncedPair(a, b);
  Write(*a, "UPDATE item SET title = 'written by somebody' WHERE qty = 5");
  Write(*b, "UPDATE item SET title = 'a' WHERE qty = 6");
  MeetAndExpectEqual(*a, *b);
}

TEST_P(BehindOurBack, AnUntrackedTableIsCarriedForOthersAgain) {
  TestReplica* a = nullptr;
  TestReplica* b = nullptr;
  SyncedPair(a, b);
  Define(*a, PersonTable());
  Define(*b, PersonTable());
  Do(*b, {Insert("person", K("ann"), {{"email", T("x")}})});
  Meet(Sync(*a), Sync(*b), 1);
  ASSERT_TRUE(dynamic_cast<SqliteStore&>(a->store()).Untrack("person"));
  MeetAndExpectEqual(*a, *b);
  const auto person = a->store().StateDigest("person");
  ASSERT_TRUE(person);
  EXPECT_NE(*person, Digest{});
}

// A row that is too large for others is in nobody else's state.
TEST_P(BehindOurBack, AFileThatKeepsSomethingTooLargeIsNotCompared) {
  TestReplica* a = nullptr;
  TestReplica* b = nullptr;
  SyncedPair(a, b);
  dynamic_cast<SqliteStore&>(a->store()).engine().limits.max_cell_bytes = 50;
  Do(*a, {Update("item", EncodeKey({N(4)}), {{"title", T("this is longer than the fifty bytes that leave this file")}})});
  EXPECT_EQ(Meet(Sync(*a), Sync(*b), 24).compared, std::nullopt);
  EXPECT_TRUE(Findings(*a).empty());
  EXPECT_EQ(Meet(Sync(*b), Sync(*a), 24).compared, std::nullopt);
  EXPECT_TRUE(Findings(*b).empty());
}

std::vector<TestReplicaMaker> Files() {
  std::vector<TestReplicaMaker> makers;
  for (const SqliteKind& kind : AllSqliteKinds()) makers.push_back(SqliteReplicas(kind));
  return makers;
}
INSTANTIATE_TEST_SUITE_P(Stores, BehindOurBack, testing::ValuesIn(Files()), testing::PrintToStringParamName());

}  // namespace
}  // namespace rejoin
