// Faults that were found by failing allocations, each by its name.

#include <new>

#include <gtest/gtest.h>

#include "bindings/sqlite/guard.h"
#include "store/rows/row_store.h"
#include "tests/faults/allocations.h"
#include "tests/faults/device.h"

namespace rejoin::testing {
namespace {

constexpr char kPragmas[] = "PRAGMA journal_mode = WAL";
constexpr char kBody[] = "some text that is long enough to need memory of its own when it is read";

class MemoryFound : public ::testing::Test {
 protected:
  void SetUp() override {
    auto opened = Device::Open(drive_, {kPragmas, 1, {}});
    ASSERT_TRUE(opened) << opened.error().message;
    device_ = std::move(*opened);
    ASSERT_TRUE(device_->Exec("CREATE TABLE note(id TEXT PRIMARY KEY NOT NULL, body TEXT)"));
    ASSERT_TRUE(device_->store().Track("note", {}));
    ASSERT_TRUE(device_->Exec(std::string("INSERT INTO note VALUES('a', '") + kBody + "')"));
  }
  Database& sql() { return device_->store().engine().db; }
  std::string Rows() { return device_->Picture(true); }

  Drive drive_;
  std::unique_ptr<Device> device_;
};

// Where there was no memory to hand a text out, it was read as an empty one: of a row, or
// of a log that was then folded as if nothing had happened in it.
TEST_F(MemoryFound, WhatThereIsNoMemoryToReadIsNotEmpty) {
  bool failed = true;
  for (std::uint64_t n = 1; failed; ++n) {
    auto read = sql().Prepare("SELECT body FROM note");
    ASSERT_TRUE(read && read->Step());
    g_allocations.Fail(Heap::kSqlite, n, false);
    const Status text = Guarded([&]() -> Status {
      const Armed armed;
      const bool whole = read->Text(0) == kBody && read->ColumnValue(0).bytes == kBody;
      return whole ? Status() : Fail(Code::kInternal, "not what was written");
    });
    failed = g_allocations.failed > 0;
    EXPECT_EQ(text ? Code::kNoMemory : text.error().code, Code::kNoMemory) << n;
  }
}

// Undoing needed memory: without it the program ended, or the transaction stayed open with
// what was to be undone in it, for the next COMMIT.
TEST_F(MemoryFound, ASavepointIsUndoneWithoutMemory) {
  const std::string before = Rows();
  for (const Heap heap : {Heap::kSqlite, Heap::kCpp}) {
    {
      auto savepoint = Savepoint::Begin(sql());
      ASSERT_TRUE(savepoint);
      ASSERT_TRUE(device_->Exec("UPDATE note SET body = 'half'; INSERT INTO note VALUES('b', 'half')"));
      g_allocations.Fail(heap, 1, true);
      const Armed armed;
      const Savepoint ended = std::move(*savepoint);
    }
    EXPECT_FALSE(sql().InTransaction());
    EXPECT_EQ(Rows(), before);
    EXPECT_EQ(FaultsOf(*device_), "");
  }
}

// A merge that met rows which clash switched triggers in the middle. That made SQLite prepare
// anew what was to undo the merge, and without memory for it half a merge stayed in the open
// transaction (FailingMemory, merge, sqlite:on:17019).
TEST_F(MemoryFound, AMergeOfRowsThatClashIsUndoneWithoutMemory) {
  Drive peer_drive;
  auto peer = Device::Open(peer_drive, {kPragmas, 2, {}});
  ASSERT_TRUE(peer && (*peer)->Exec("CREATE TABLE note(id TEXT PRIMARY KEY NOT NULL, body TEXT)"));
  ASSERT_TRUE((*peer)->store().Track("note", {}));
  for (Device* device : {device_.get(), peer->get()}) {
    ASSERT_TRUE(device->Exec("CREATE UNIQUE INDEX one_each ON note(body)"));
  }
  ASSERT_TRUE((*peer)->Exec(std::string("INSERT INTO note VALUES('c', 'c'), ('b', '") + kBody + "'), ('d', 'd')"));
  const auto delta = (*peer)->Delta({});
  ASSERT_TRUE(delta && device_->store().Vector());  // the index is known
  const std::string before = Rows();
  bool failed = true;
  for (std::uint64_t n = 1; failed; ++n) {
    g_allocations.Fail(Heap::kSqlite, n, true);
    const Status merged = Guarded([&]() -> Status {
      const Armed armed;
      return device_->Merge(*delta);
    });
    failed = g_allocations.failed > 0;
    ASSERT_FALSE(sql().InTransaction()) << n;
    if (merged) break;
    ASSERT_EQ(Rows(), before) << n;
  }
  ASSERT_EQ(Converge(*device_, **peer), "");
}

// Where even that fails, whoever comes next undoes it first.
TEST_F(MemoryFound, WhatThereWasNoMemoryToUndoIsUndoneLater) {
  const std::string before = Rows();
  const auto leave_half = [&] {
    auto savepoint = Savepoint::Begin(sql());
    ASSERT_TRUE(savepoint);
    ASSERT_TRUE(device_->Exec("UPDATE note SET body = 'half'"));
    // From now on what is to undo it needs memory.
    for (const int on : {0, 1}) sqlite3_db_config(device_->handle(), SQLITE_DBCONFIG_ENABLE_TRIGGER, on, nullptr);
    g_allocations.Fail(Heap::kSqlite, 1, true);
    const Armed armed;
    const Savepoint ended = std::move(*savepoint);
  };
  leave_half();
  ASSERT_TRUE(sql().InTransaction()) << "it was undone: what the test is about did not happen";
  const Status next = sql().Exec("SELECT 1");
  ASSERT_TRUE(next) << next.error().message;
  EXPECT_FALSE(sql().InTransaction());
  EXPECT_EQ(Rows(), before);

  // A COMMIT of the application's own comes too early.
  leave_half();
  ASSERT_TRUE(sql().InTransaction());
  const Status committed = device_->Exec("INSERT INTO note VALUES('more', ''); COMMIT");
  ASSERT_FALSE(committed);
  EXPECT_NE(committed.error().message.find("could not be undone"), std::string::npos) << committed.error().message;
  EXPECT_FALSE(sql().InTransaction());
  EXPECT_EQ(Rows(), before);

  // The application's own ROLLBACK, and what it does next.
  leave_half();
  ASSERT_TRUE(device_->Exec("ROLLBACK; BEGIN; INSERT INTO note VALUES('next', '')"));
  ASSERT_TRUE(sql().Exec("SELECT 1"));
  ASSERT_TRUE(device_->Exec("COMMIT"));
  const std::string with_next = Rows();
  EXPECT_NE(with_next, before);
  leave_half();
  ASSERT_TRUE(device_->Exec("ROLLBACK; BEGIN; INSERT INTO note VALUES('last', ''); COMMIT"));
  EXPECT_NE(Rows(), with_next);
  EXPECT_EQ(FaultsOf(*device_), "");
}

// A digest that failed in the middle of a slice went on with the rows so far in it, and counted them
// twice: the next comparison found a difference that there was not.
TEST_F(MemoryFound, ADigestThatFailedBeginsAnew) {
  ASSERT_TRUE(device_->Exec("INSERT INTO note VALUES('b', 'x'), ('c', 'y'); DELETE FROM note WHERE id = 'b'"));
  const std::string expected = device_->Digest();
  bool failed = true;
  for (std::uint64_t n = 1; failed; ++n) {
    g_allocations.Fail(Heap::kCpp, n, false);
    (void)Guarded([&]() -> Status {
      const Armed armed;
      REJOIN_TRY(device_->store().MarkState(1'000));
      return {};
    });
    failed = g_allocations.failed > 0;
    const auto mark = device_->store().MarkState(1'000);
    ASSERT_TRUE(mark && *mark) << n;
    ASSERT_EQ((*mark)->digest.Hex(), expected) << n;
  }
}

// The catalog kept the numbers that it had given out in a transaction that then failed in
// the middle, and the next one stamped rows with numbers that stand for nobody.
TEST_F(MemoryFound, ANumberThatWasTakenBackIsNotKept) {
  Catalog& catalog = device_->store().engine().catalog;
  const ReplicaId other = ReplicaId::Random(1, 2);
  bool failed = true;
  for (std::uint64_t n = 1; failed; ++n) {
    const Status interned = Guarded([&]() -> Status {
      REJOIN_ASSIGN(const Savepoint savepoint, Savepoint::Begin(sql()));
      g_allocations.Fail(Heap::kCpp, n, false);
      const Armed armed;
      REJOIN_TRY(catalog.Intern(other));
      return {};
    });
    failed = g_allocations.failed > 0;
    ASSERT_TRUE(catalog.Refresh());
    const auto number = catalog.Intern(ReplicaId::Random(3, n));
    ASSERT_TRUE(number);
    const auto again = catalog.Intern(other);
    ASSERT_TRUE(again);
    auto read = sql().Prepare("SELECT count(*) FROM {s}.rejoin__replica WHERE number = ?1 AND id = ?2");
    ASSERT_TRUE(read);
    read->Bind(1, std::int64_t{*again}).BindBlob(2, other.View());
    ASSERT_TRUE(read->Step());
    EXPECT_EQ(read->Integer(0), 1) << n;
    ASSERT_TRUE(sql().Exec("DELETE FROM {s}.rejoin__replica WHERE number = " + std::to_string(*again)));
    catalog.Invalidate();
  }
}

// A statement that was prepared before the schema changed is undone by SQLite, and runs again.
// Where there was no memory to undo it, everything had been rolled back by then, unsaid, and
// what came next was committed statement by statement.
TEST_F(MemoryFound, ATransactionThatEndedUnaskedIsNotGoneOnWith) {
  constexpr char kMany[] = "UPDATE plain SET id = id + 10";
  ASSERT_TRUE(device_->Exec("CREATE TABLE plain(id INTEGER PRIMARY KEY); INSERT INTO plain VALUES(1), (2)"));
  const auto count = [this](const char* what) {
    auto read = sql().Prepare(what);
    return read && read->Step() ? read->Integer(0) : -1;
  };
  bool failed = true;
  bool ended_unasked = false;
  for (std::uint64_t n = 1; failed; ++n) {
    ASSERT_TRUE(sql().Run(kMany));
    const Status done = Guarded([&]() -> Status {
      REJOIN_ASSIGN(Savepoint savepoint, Savepoint::Begin(sql()));
      REJOIN_TRY(sql().Exec("CREATE TABLE extra(x)"));
      g_allocations.Fail(Heap::kSqlite, n, false);
      const Status many = [&] {
        const Armed armed;
        return sql().Run(kMany);
      }();
      ended_unasked = ended_unasked || !sql().InTransaction();
      REJOIN_TRY(many);
      REJOIN_TRY(sql().Run("INSERT INTO plain VALUES(-1)"));
      return savepoint.Release();
    });
    failed = g_allocations.failed > 0;
    EXPECT_TRUE(done || done.error().code == Code::kNoMemory) << n << ": " << done.error().message;
    const int wanted = done ? 1 : 0;
    EXPECT_EQ(count("SELECT count(*) FROM sqlite_schema WHERE name = 'extra'"), wanted) << n;
    EXPECT_EQ(count("SELECT count(*) FROM plain WHERE id = -1"), wanted) << n;
    ASSERT_TRUE(sql().Exec("DROP TABLE IF EXISTS extra; DELETE FROM plain WHERE id = -1"));
  }
  EXPECT_TRUE(ended_unasked) << "this SQLite does not do that: what the test is about did not happen";
}

// What a trigger says first is taken apart once for all of its rows. Where there was no memory
// for that in the middle, the half of it was taken for the whole the next time: changes of no
// columns, or entries that nobody could read.
TEST_F(MemoryFound, WhatATriggerSaysFirstIsTakenApartWholeOrAgain) {
  Drive peer_drive;
  auto peer = Device::Open(peer_drive, {kPragmas, 2, {}});
  ASSERT_TRUE(peer && (*peer)->Exec("CREATE TABLE note(id TEXT PRIMARY KEY NOT NULL, body TEXT)"));
  ASSERT_TRUE((*peer)->store().Track("note", {}));
  bool failed = true;
  for (std::uint64_t n = 1; failed; ++n) {
    const std::string update = "UPDATE note SET body = 'edit " + std::to_string(n) + "' WHERE id = 'a'";
    ASSERT_TRUE(device_->Exec("INSERT INTO note VALUES('k" + std::to_string(n) + "', '')"));
    g_allocations.Fail(Heap::kCpp, n, false);
    (void)Guarded([&]() -> Status {
      const Armed armed;
      return device_->Exec(update);
    });
    failed = g_allocations.failed > 0;
    device_->RollBack();
    const Status again = device_->Exec(update);
    ASSERT_TRUE(again) << n << ": " << again.error().message;
    ASSERT_EQ(Converge(*device_, **peer), "") << n;
  }
}

// A room stayed in the transaction that it could not end, and refused everything from then on.
TEST_F(MemoryFound, ARoomGoesOnWhenThereIsMemoryAgain) {
  FakeRandom random(3);
  RowStoreOptions options;
  options.random = &random;
  auto room = RowStore::Open(":memory:", options);
  ASSERT_TRUE(room);
  const auto everything = device_->Delta({});
  ASSERT_TRUE(everything);
  for (const Heap heap : {Heap::kSqlite, Heap::kCpp}) {
    bool failed = true;
    for (std::uint64_t n = 1; failed; ++n) {
      g_allocations.Fail(heap, n, true);
      (void)Guarded([&]() -> Status {
        const Armed armed;
        REJOIN_TRY((*room)->Vector());
        ViewSource source(*everything);
        REJOIN_TRY((*room)->Merge(source));
        return {};
      });
      failed = g_allocations.failed > 0;
      const auto vector = (*room)->Vector();
      ASSERT_TRUE(vector) << n << ": " << vector.error().message;
    }
  }
  EXPECT_EQ((*room)->StateDigest(std::nullopt)->Hex(), device_->Digest());
}

}  // namespace
}  // namespace rejoin::testing
