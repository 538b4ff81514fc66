// Parts that do not fit: refused, or the disk is full. Nothing is half joined, the peer
// hears why, and it works when there is room again.
#include <csignal>
#include <sys/resource.h>

#include "tests/replica/conversation.h"
#include "tests/store_sqlite/part_fixture.h"

namespace rejoin {
namespace {

using testing::TestDatabase;

// No file of this process may grow beyond so many bytes, as on a full disk.
class FullDisk {
 public:
  explicit FullDisk(rlim_t bytes) {
    old_handler_ = std::signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &old_);
    const rlimit now{bytes, old_.rlim_max};
    set_ = setrlimit(RLIMIT_FSIZE, &now) == 0;
  }
  FullDisk(const FullDisk&) = delete;
  FullDisk& operator=(const FullDisk&) = delete;
  ~FullDisk() {
    setrlimit(RLIMIT_FSIZE, &old_);
    std::signal(SIGXFSZ, old_handler_);
  }
  bool set() const { return set_; }

 private:
  rlimit old_{};
  bool set_ = false;
  void (*old_handler_)(int) = SIG_DFL;
};

class LargeParts : public testing::PartFixture {
 protected:
  // One transaction of about so many bytes, which do not compress.
  void FillLarge(TestDatabase& file, int megabytes) {
    MakeTable(file, "id INTEGER PRIMARY KEY, body");
    file.Exec("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < " +
              std::to_string(megabytes) + ") INSERT INTO t SELECT i, randomblob(1000000) FROM n");
    // By the log, so that it comes whole.
    std::uint64_t rows = 0;
    const auto part = NextPart(*file.store, {}, {}, std::size_t{1} << 30);
    ASSERT_TRUE(part);
    rows = part->report.rows;
    ASSERT_EQ(rows, static_cast<std::uint64_t>(megabytes));
  }
  // The errors of both sides.
  struct Ends {
    std::optional<Error> sender;
    std::optional<Error> receiver;
  };
  Ends Talk(SyncStore& from, SyncStore& to, SessionOptions options = {}) {
    options.part_bytes = std::size_t{1} << 30;
    Conversation talk(from, to, random_, std::move(options));
    talk.Run();
    return {talk.a().error, talk.b().error};
  }
  static std::string Everything(SyncStore& store, SyncStore& peer) {
    return DigestOf(store) + " " + std::to_string(store.Vector()->entries().size()) + " " +
           *store.PointOf(*peer.Replica());
  }
};

TEST_F(LargeParts, BeyondTheLimitAreRefusedAndThePeerIsTold) {
  TestDatabase file(1);
  FillLarge(file, 2);
  const std::string before = Everything(*hub_, *file.store);
  SessionOptions options;
  options.max_part_bytes = 1'000'000;
  const Ends ends = Talk(*file.store, *hub_, options);
  ASSERT_TRUE(ends.receiver);
  EXPECT_EQ(ends.receiver->code, Code::kLimit);
  ASSERT_TRUE(ends.sender);
  EXPECT_EQ(ends.sender->code, Code::kRefused);
  EXPECT_NE(ends.sender->message.find("1000000 bytes"), std::string::npos) << ends.sender->message;
  EXPECT_EQ(Everything(*hub_, *file.store), before);

  options.max_part_bytes = 3'000'000;
  const Ends again = Talk(*file.store, *hub_, options);
  EXPECT_FALSE(again.sender || again.receiver);
  ExpectHubHasAllOf(*file.store);
}

TEST_F(LargeParts, AFullDiskWhileOneIsGatheredChangesNothing) {
  TestDatabase file(1);
  FillLarge(file, 14);
  const std::string before = Everything(*hub_, *file.store);
  {
    const FullDisk full(std::size_t{2} << 20);
    if (!full.set()) GTEST_SKIP() << "the system sets no limit on files";
    const Ends ends = Talk(*file.store, *hub_);
    ASSERT_TRUE(ends.sender || ends.receiver);
    const Error& error = ends.sender ? *ends.sender : *ends.receiver;
    EXPECT_EQ(error.code, Code::kIo) << error.message;
    EXPECT_NE(error.message.find("temporary file"), std::string::npos) << error.message;
  }
  EXPECT_EQ(Everything(*hub_, *file.store), before);
  const Ends again = Talk(*file.store, *hub_);
  EXPECT_FALSE(again.sender || again.receiver);
  ExpectHubHasAllOf(*file.store);
}

TEST_F(LargeParts, AFullDiskWhileADeviceJoinsOneChangesNothing) {
  TestDatabase file(1);
  TestDatabase other(2);
  FillLarge(file, 3);
  MakeTable(other, "id INTEGER PRIMARY KEY, body");
  const std::string before = Everything(*other.store, *file.store);
  other.Exec("PRAGMA max_page_count = 200");
  const Ends ends = Talk(*file.store, *other.store);
  ASSERT_TRUE(ends.receiver);
  EXPECT_EQ(ends.receiver->code, Code::kIo) << ends.receiver->message;
  EXPECT_NE(ends.receiver->message.find("full"), std::string::npos) << ends.receiver->message;
  ASSERT_TRUE(ends.sender);
  EXPECT_NE(ends.sender->message.find("full"), std::string::npos) << ends.sender->message;
  EXPECT_EQ(Everything(*other.store, *file.store), before);
  other.Exec("PRAGMA max_page_count = 100000");
  const Ends again = Talk(*file.store, *other.store);
  EXPECT_FALSE(again.sender || again.receiver);
  EXPECT_EQ(DigestOf(*other.store), DigestOf(*file.store));
}

TEST_F(LargeParts, AFullDiskWhileAHubJoinsOneChangesNothing) {
  const testing::ScratchFolder folder;
  RowStoreOptions options;
  options.random = &random_;
  auto hub = RowStore::Open(folder.File("room.db"), options);
  ASSERT_TRUE(hub) << hub.error().message;
  hub_ = std::move(*hub);
  TestDatabase file(1);
  FillLarge(file, 4);  // which a spool keeps in memory
  const std::string before = Everything(*hub_, *file.store);
  {
    const FullDisk full(std::size_t{1} << 20);
    if (!full.set()) GTEST_SKIP() << "the system sets no limit on files";
    const Ends ends = Talk(*file.store, *hub_);
    ASSERT_TRUE(ends.receiver);
    EXPECT_EQ(ends.receiver->code, Code::kIo) << ends.receiver->message;
  }
  EXPECT_EQ(Everything(*hub_, *file.store), before);
  const Ends again = Talk(*file.store, *hub_);
  EXPECT_FALSE(again.sender || again.receiver);
  ExpectHubHasAllOf(*file.store);
  hub_.reset();
}

}  // namespace
}  // namespace rejoin
