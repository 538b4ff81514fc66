// Row stores on files that tests can copy, and a device that writes for them.
#pragma once

#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "store/rows/row_store.h"
#include "tests/store/fakes.h"
#include "tests/store/ops.h"
#include "tests/store/part_exchange.h"
#include "tests/store/test_sync_store.h"

namespace rejoin {

// Where nothing is to be written.
class NoBytes final : public ByteSink {
 public:
  Status Append(ByteView) override { return Fail(Code::kInternal, "nothing was to be written"); }
};

class RowFixture : public testing::Test {
 protected:
  static constexpr std::size_t kTinyPart = 300;
  static constexpr std::size_t kOnePart = std::size_t{4} << 20;

  std::unique_ptr<RowStore> Open(const std::string& path, std::uint64_t max_read_bytes = SIZE_MAX) {
    auto opened = TryOpen(path, max_read_bytes);
    EXPECT_TRUE(opened) << opened.error().message;
    return opened ? std::move(*opened) : nullptr;
  }
  Result<std::unique_ptr<RowStore>> TryOpen(const std::string& path,
                                            std::uint64_t max_read_bytes = SIZE_MAX) {
    RowStoreOptions options;
    options.random = &random_;
    options.durable = false;
    options.max_read_bytes = max_read_bytes;
    return RowStore::Open(path, options);
  }
  PartDevice MakeDevice(std::size_t number) {
    PartDevice device(TestReplicaId(number), clock_, random_);
    EXPECT_TRUE(device.store().DefineTable(ItemTable()));
    return device;
  }

  static Key ItemKey(int i) { return EncodeKey({N(i)}); }
  void Do(PartDevice& device, const Transaction& transaction) {
    clock_.wall_ms += 1000;
    const Status done = device.store().Commit(transaction);
    EXPECT_TRUE(done) << done.error().message;
  }
  void Fill(PartDevice& device, int first, int last) {
    for (int i = first; i <= last; ++i) {
      Do(device, {Insert("item", ItemKey(i), {{"title", T("twenty bytes of text")}, {"qty", N(i)}})});
    }
  }
  static void Push(PartDevice& device, SyncStore& hub) {
    const Status pushed = device.Push(hub);
    EXPECT_TRUE(pushed) << pushed.error().message;
  }
  static void Pull(PartDevice& device, SyncStore& hub, std::size_t target_bytes = kTinyPart,
                   std::size_t most = SIZE_MAX) {
    const auto pulled = device.Pull(hub, target_bytes, most);
    EXPECT_TRUE(pulled) << pulled.error().message;
  }
  static PartReport Ask(RowStore& hub, const ResumePoint& from, std::size_t target_bytes = kOnePart) {
    BytesSink sink(kTestDeltaMaxBytes);
    const auto part = hub.ExtractPart({from, {}, target_bytes}, sink);
    EXPECT_TRUE(part) << part.error().message;
    return part.value_or(PartReport{});
  }
  static bool Knows(RowStore& hub, const ResumePoint& from) {
    BytesSink sink(kTestDeltaMaxBytes);
    const auto part = hub.ExtractPart({from, {}, kOnePart}, sink);
    EXPECT_TRUE(part || part.error().code == Code::kNotCovered);
    return part.has_value();
  }
  template <class T>
  static Code CodeOf(const Result<T>& result) {
    return result ? Code::kInternal : result.error().code;
  }
  static std::string DigestOf(Store& store) {
    const auto digest = store.StateDigest({});
    return digest ? digest->Hex() : digest.error().message;
  }
  static VersionVector VectorOf(Store& store) { return store.Vector().value_or(VersionVector{}); }

  FakeClock clock_;
  FakeRandom random_;
  ScratchPath path_;
  ScratchPath copy_;
};

}  // namespace rejoin
