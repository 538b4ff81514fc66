// Small files, scratch space and compression, on the real system.
#include "base/os.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <filesystem>
#include <fstream>

namespace rejoin {
namespace {

class SmallFile : public testing::Test {
 protected:
  SmallFile()
      : folder_(std::filesystem::temp_directory_path() /
                ("rejoin_os_test_" + std::to_string(SystemRandom().Draw64()))) {
    std::filesystem::create_directory(folder_);
  }
  ~SmallFile() override { std::filesystem::remove_all(folder_); }

  std::string Path(const char* name) const { return (folder_ / name).string(); }
  std::size_t Files() const {
    const std::filesystem::directory_iterator entries(folder_);
    return static_cast<std::size_t>(std::distance(begin(entries), end(entries)));
  }

 private:
  std::filesystem::path folder_;
};

TEST_F(SmallFile, ComesBackAsItWasReplaced) {
  const Bytes bytes("a\0\xff\r\n", 5);
  ASSERT_TRUE(SystemSmallFiles().Replace(Path("token"), "what was there before"));
  ASSERT_TRUE(SystemSmallFiles().Replace(Path("token"), bytes));
  EXPECT_EQ(**SystemSmallFiles().Read(Path("token"), 5), bytes);
  EXPECT_EQ(Files(), 1u) << "the scratch file stayed";
}

TEST_F(SmallFile, MissingIsNoError) {
  const auto missing = SystemSmallFiles().Read(Path("nobody"), 10);
  ASSERT_TRUE(missing);
  EXPECT_FALSE(*missing);
  EXPECT_TRUE(SystemSmallFiles().Remove(Path("nobody")));
}

TEST_F(SmallFile, LargerThanItCanBeIsCorrupt) {
  ASSERT_TRUE(SystemSmallFiles().Replace(Path("token"), "123456"));
  EXPECT_EQ(SystemSmallFiles().Read(Path("token"), 5).error().code, Code::kCorrupt);
  EXPECT_TRUE(*SystemSmallFiles().Read(Path("token"), 6));
}

TEST_F(SmallFile, ErrorsNameThePath) {
  const Status failed = SystemSmallFiles().Replace(Path("no/such/folder"), "x");
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, Code::kIo);
  EXPECT_NE(failed.error().message.find("no/such/folder"), std::string::npos);
}

TEST_F(SmallFile, IsCutToItsBeginWhereThatIsAsExpected) {
  ASSERT_TRUE(SystemSmallFiles().Replace(Path("token"), "new before"));
  ASSERT_TRUE(SystemSmallFiles().Cut(Path("token"), "new"));
  EXPECT_EQ(**SystemSmallFiles().Read(Path("token"), 10), "new");
  for (const ByteView anothers : {"NEW before", "ne"}) {
    ASSERT_TRUE(SystemSmallFiles().Replace(Path("token"), anothers));
    ASSERT_TRUE(SystemSmallFiles().Cut(Path("token"), "new"));
    EXPECT_EQ(**SystemSmallFiles().Read(Path("token"), 10), anothers);
  }
  EXPECT_EQ(SystemSmallFiles().Cut(Path("nobody"), "new").error().code, Code::kIo);
}

TEST_F(SmallFile, RemovedIsGone) {
  ASSERT_TRUE(SystemSmallFiles().Replace(Path("token"), "x"));
  EXPECT_TRUE(SystemSmallFiles().Remove(Path("token")));
  EXPECT_EQ(Files(), 0u);
}

TEST(Scratch, KeepsWhatWasAppended) {
  const auto file = std::move(*NewScratchFile());
  ASSERT_TRUE(file->Append("hello "));
  ASSERT_TRUE(file->Append("world"));
  EXPECT_EQ(file->size_bytes(), 11u);
  Bytes read(5, '\0');
  ASSERT_TRUE(file->Read(6, read.data(), 5));
  EXPECT_EQ(read, "world");
}

TEST(Scratch, IsOverwrittenAfterTruncate) {
  const auto file = std::move(*NewScratchFile());
  ASSERT_TRUE(file->Append("hello world"));
  ASSERT_TRUE(file->Truncate(6));
  Bytes read(5, '\0');
  EXPECT_FALSE(file->Read(6, read.data(), 5)) << "what was cut off can still be read";
  ASSERT_TRUE(file->Append("there"));
  ASSERT_TRUE(file->Read(6, read.data(), 5));
  EXPECT_EQ(read, "there");
  EXPECT_EQ(file->size_bytes(), 11u);
}

TEST(Scratch, RefusesToReadPastItsEnd) {
  const auto file = std::move(*NewScratchFile());
  ASSERT_TRUE(file->Append("abc"));
  char into[4];
  EXPECT_EQ(file->Read(0, into, 4).error().code, Code::kIo);
  EXPECT_FALSE(file->Read(~std::uint64_t{0}, into, 2)) << "offset and count wrapped around";
}

TEST(Compression, ComesBackAtAnySize) {
  for (const std::size_t size : {0u, 1u, 1000u, (1u << 20) - 1, 1u << 20, (1u << 20) + 1, 9000000u}) {
    Bytes raw(size, 'a');
    std::uint64_t state = 1;
    for (std::size_t i = 0; i < size; i += 3) {
      state = state * 6364136223846793005u + 1442695040888963407u;
      raw[i] = static_cast<char>(state >> 56);
    }
    const Result<Bytes> back = Decompress(Compress(raw, 3), size);
    ASSERT_TRUE(back) << size;
    EXPECT_TRUE(*back == raw) << size;
  }
}

TEST(Compression, OneBlockAfterAnotherIsAsEachAlone) {
  Compressor compressor(3);
  Bytes words;
  for (int i = 0; i < 20'000; ++i) words += " word" + std::to_string(i * i % 977);
  for (const std::size_t size : {0, 1, 100, 200, 130'000, 100, 5'000, 90'000, 5'000}) {
    const ByteView raw = ByteView(words).substr(size % 7, size);
    EXPECT_EQ(compressor.Compress(raw), Compress(raw, 3)) << size;
  }
}

TEST(Compression, AnotherSizeThanClaimedIsCorrupt) {
  for (const std::size_t size : {std::size_t{1000}, std::size_t{3} << 20}) {
    const Bytes packed = Compress(Bytes(size, 'a'), 3);
    for (const std::size_t claim : {std::size_t{0}, size - 1, size + 1, 2 * size}) {
      EXPECT_EQ(Decompress(packed, claim).error().code, Code::kCorrupt) << claim;
    }
  }
}

TEST(Compression, DamageIsCorrupt) {
  for (const std::size_t size : {std::size_t{1000}, std::size_t{3} << 20}) {
    const Bytes packed = Compress(Bytes(size, 'a'), 3);
    for (std::size_t length = 0; length < packed.size(); ++length) {
      EXPECT_FALSE(Decompress(ByteView(packed).substr(0, length), size)) << length;
    }
    EXPECT_FALSE(Decompress(packed + "x", size));
    EXPECT_FALSE(Decompress("not a frame at all", size));
  }
}

class StillClock final : public Clock {
 public:
  std::uint64_t WallMs() override { return wall_ms; }
  std::uint64_t SteadyMs() override { return steady_ms; }

  std::uint64_t wall_ms = 5000;
  std::uint64_t steady_ms = 90'000;
};

TEST(Seams, AClockGoesOnFromWhatItWasTold) {
  StillClock beneath;
  CorrectedClock clock(beneath);
  EXPECT_EQ(clock.WallMs(), 5000u);
  for (const std::uint64_t told : {std::uint64_t{1}, std::uint64_t{1'700'000'000'000}}) {
    clock.Set(told);
    EXPECT_EQ(clock.WallMs(), told);
    beneath.wall_ms = 77;  // somebody sets it, which is not the passing of time
    beneath.steady_ms += 250;
    EXPECT_EQ(clock.WallMs(), told + 250);
    EXPECT_EQ(clock.SteadyMs(), beneath.steady_ms);
  }
}

TEST(Seams, RandomDoesNotRepeatAndTimePasses) {
  EXPECT_NE(SystemRandom().Draw64(), SystemRandom().Draw64());
  EXPECT_GT(SystemClock().WallMs(), std::uint64_t{1600000000000});
  const std::uint64_t before = SystemClock().SteadyMs();
  EXPECT_GE(SystemClock().SteadyMs(), before);
}

}  // namespace
}  // namespace rejoin
