// A store with a defect that no test of one store alone would show.
#pragma once

#include "store/memory/memory_delta.h"
#include "tests/store/passing_store.h"
#include "tests/store/test_replica.h"

namespace rejoin {

enum class Defect : std::uint8_t {
  kNone,
  kPointBeforeRows,           // the point of a part is kept, and then the rows of every other are lost
  kAcknowledgedBeforeCommit,  // a part counts as joined, and is when the next one is
  kJoinsWhatItIsNotAt,        // loses one part, and joins the next all the same
  kForgetsARow,               // leaves the first row out of what it sends
  kLosesARow,                 // once, of what it joins, and counts it as joined
};

class FaultyStore final : public PassingStore {
 public:
  FaultyStore(SyncStore& store, Defect defect) : PassingStore(store), defect_(defect) {}

  Result<PartReport> ExtractPart(const PartRequest& request, ByteSink& out) override {
    if (defect_ != Defect::kForgetsARow) return store_.ExtractPart(request, out);
    BytesSink sink(kTestDeltaMaxBytes);
    REJOIN_ASSIGN(PartReport part, store_.ExtractPart(request, sink));
    if (part.nothing) return part;
    REJOIN_ASSIGN(MemoryDelta delta, Read(sink.Take()));
    if (!delta.blocks.empty()) delta.blocks.front().rows.erase(delta.blocks.front().rows.begin());
    REJOIN_TRY(WriteDelta(std::move(delta), out));
    return part;
  }
  Result<MergeReport> MergePart(ByteSource& in, const PartOrigin& origin) override {
    ++parts_;
    switch (defect_) {
      case Defect::kPointBeforeRows:
        if (parts_ % 2 == 0) return store_.MergePart(in, origin);
        REJOIN_TRY(store_.SkipTo(origin));
        return MergeReport();
      case Defect::kAcknowledgedBeforeCommit:
        return MergeLate(in, origin);
      case Defect::kJoinsWhatItIsNotAt: {
        if (parts_ == 2) return MergeReport();
        PartOrigin pretended = origin;
        if (!origin.from.empty()) {
          REJOIN_ASSIGN(pretended.from, store_.PointOf(origin.peer));
        }
        return store_.MergePart(in, pretended);
      }
      case Defect::kLosesARow:
        return parts_ == 1 ? MergeWithout(in, origin) : store_.MergePart(in, origin);
      default:
        return store_.MergePart(in, origin);
    }
  }

 private:
  static Result<MemoryDelta> Read(const Bytes& bytes) {
    ViewSource source(bytes);
    return ReadDelta(source);
  }

  Result<MergeReport> MergeWithout(ByteSource& in, const PartOrigin& origin) {
    REJOIN_ASSIGN(MemoryDelta delta, ReadDelta(in));
    if (!delta.blocks.empty()) delta.blocks.front().rows.erase(delta.blocks.front().rows.begin());
    BytesSink sink(kTestDeltaMaxBytes);
    REJOIN_TRY(WriteDelta(std::move(delta), sink));
    const Bytes bytes = sink.Take();
    ViewSource source(bytes);
    return store_.MergePart(source, origin);
  }

  Result<MergeReport> MergeLate(ByteSource& in, const PartOrigin& origin) {
    Bytes bytes;
    for (;;) {
      REJOIN_ASSIGN(const ByteView next, in.Next(std::size_t{1} << 16));
      if (next.empty()) break;
      bytes.append(next);
    }
    if (!late_.empty()) {
      ViewSource source(late_);
      REJOIN_TRY(store_.MergePart(source, late_origin_));
    }
    late_ = std::move(bytes);
    late_origin_ = origin;
    return MergeReport();
  }

  Defect defect_;
  std::size_t parts_ = 0;
  Bytes late_;
  PartOrigin late_origin_;
};

}  // namespace rejoin
