#include "tests/sim/canary.h"

#include "store/memory/memory_delta.h"
#include "tests/store/test_replica.h"

namespace rejoin::sim {
namespace {

struct About {
  std::string name;
  std::string text;
};

const About kAbout[] = {
#define SIM_CANARY(name, text) {#name, text},
    SIM_CANARIES(SIM_CANARY)
#undef SIM_CANARY
};

Result<Bytes> ReadAll(ByteSource& in) {
  Bytes bytes;
  for (;;) {
    REJOIN_ASSIGN(const ByteView next, in.Next(std::size_t{1} << 16));
    if (next.empty()) return bytes;
    bytes.append(next);
  }
}

Result<MemoryDelta> Decoded(const Bytes& bytes) {
  ViewSource source(bytes);
  return ReadDelta(source);
}

Result<Bytes> Encoded(MemoryDelta delta) {
  BytesSink sink(kTestDeltaMaxBytes);
  REJOIN_TRY(WriteDelta(std::move(delta), sink));
  return sink.Take();
}

void DropEmptyBlocks(MemoryDelta& delta) {
  for (std::size_t i = delta.blocks.size(); i-- > 0;) {
    if (delta.blocks[i].rows.empty()) delta.blocks.erase(delta.blocks.begin() + static_cast<std::ptrdiff_t>(i));
  }
}

void DropFirstRow(MemoryDelta& delta) {
  if (delta.blocks.empty()) return;
  auto& rows = delta.blocks.front().rows;
  rows.erase(rows.begin());
  DropEmptyBlocks(delta);
}

class CanaryStore final : public PassingStore {
 public:
  CanaryStore(SyncStore& store, Canary canary) : PassingStore(store), canary_(canary) {}

  Result<PartReport> ExtractPart(const PartRequest& request, ByteSink& out) override {
    if (canary_ != Canary::k_sends_too_little && canary_ != Canary::k_claims_too_much) {
      return store_.ExtractPart(request, out);
    }
    BytesSink sink(kTestDeltaMaxBytes);
    REJOIN_ASSIGN(PartReport part, store_.ExtractPart(request, sink));
    if (part.nothing) return part;
    REJOIN_ASSIGN(MemoryDelta delta, Decoded(sink.Take()));
    if (canary_ == Canary::k_sends_too_little) {
      DropFirstRow(delta);
    } else {
      const VersionVector end = delta.header.end;
      for (const auto& [replica, time] : end.entries()) {
        delta.header.end.Raise(replica, HybridTimestamp{time.value + HybridTimestamp::FromWall(60'000).value});
      }
    }
    REJOIN_TRY(WriteDelta(std::move(delta), out));
    return part;
  }

  Result<MergeReport> MergePart(ByteSource& in, const PartOrigin& origin) override {
    joined = true;
    ++parts_;
    PartOrigin pretended = origin;
    switch (canary_) {
      case Canary::k_keeps_the_point_early: {
        if (parts_ % 2 != 0) return store_.MergePart(in, origin);
        REJOIN_TRY(store_.SkipTo(origin));
        return MergeReport();
      }
      case Canary::k_covers_what_it_lacks: {
        if (parts_ % 2 != 0) return MergeReport();
        REJOIN_ASSIGN(pretended.from, store_.PointOf(origin.peer));
        if (origin.from.empty()) pretended.from.clear();
        return store_.MergePart(in, pretended);
      }
      case Canary::k_takes_the_future:
        pretended.newest = PartOrigin().newest;
        return store_.MergePart(in, pretended);
      case Canary::k_acknowledges_what_waits: {
        Result<MergeReport> merged = store_.MergePart(in, origin);
        const bool waits = !merged && merged.error().code == Code::kOpenTransaction;
        return waits ? MergeReport() : merged;
      }
      case Canary::k_acknowledges_early: {
        REJOIN_ASSIGN(Bytes bytes, ReadAll(in));
        std::swap(bytes, late_);
        std::swap(pretended, late_origin_);
        if (bytes.empty()) return MergeReport();
        ViewSource source(bytes);
        return store_.MergePart(source, pretended);
      }
      case Canary::k_loses_a_row:
      case Canary::k_assigns_the_last:
      case Canary::k_forgets_removes:
      case Canary::k_splits_transactions: {
        REJOIN_ASSIGN(const Bytes bytes, ReadAll(in));
        auto delta = Decoded(bytes);
        if (!delta) return Forward(delta);
        REJOIN_ASSIGN(const Bytes spoilt, Spoilt(std::move(*delta)));
        ViewSource source(spoilt);
        return store_.MergePart(source, origin);
      }
      default:
        return store_.MergePart(in, origin);
    }
  }

 private:
  Result<Bytes> Spoilt(MemoryDelta delta) {
    if (canary_ == Canary::k_loses_a_row) DropFirstRow(delta);
    if (canary_ == Canary::k_splits_transactions) Split(delta);
    REJOIN_ASSIGN(const HybridTimestamp latest, store_.LatestTimeSeen());
    for (DeltaBlock& block : delta.blocks) {
      for (std::size_t i = block.rows.size(); i-- > 0;) {
        RowState& state = block.rows[i].state;
        if (canary_ == Canary::k_forgets_removes) state.removes.clear();
        if (state.empty()) block.rows.erase(block.rows.begin() + static_cast<std::ptrdiff_t>(i));
        if (canary_ != Canary::k_assigns_the_last) continue;
        for (Incarnation& made : state.incarnations) {
          for (Cell& cell : made.cells) cell.stamp.time = HybridTimestamp{latest.value + 1};
        }
      }
    }
    DropEmptyBlocks(delta);
    return Encoded(std::move(delta));
  }

  // What was kept back comes now, and the last table that this part has goes aside.
  void Split(MemoryDelta& delta) {
    std::vector<std::pair<DeltaTable, DeltaBlock>> kept;
    std::swap(kept, kept_);
    if (delta.blocks.size() > 1) {
      kept_.emplace_back(delta.tables[delta.blocks.back().table], delta.blocks.back());
      delta.blocks.pop_back();
    }
    for (auto& [table, block] : kept) {
      std::size_t at = 0;
      while (at < delta.tables.size() && delta.tables[at].name != table.name) ++at;
      if (at < delta.tables.size()) continue;  // a row may not come twice
      delta.tables.push_back(table);
      block.table = static_cast<std::uint32_t>(at);
      delta.blocks.push_back(block);
    }
  }

  Canary canary_;
  std::size_t parts_ = 0;
  Bytes late_;
  PartOrigin late_origin_;
  std::vector<std::pair<DeltaTable, DeltaBlock>> kept_;
};

}  // namespace

std::optional<Canary> CanaryNamed(const std::string& name) {
  for (std::size_t i = 0; i < std::size(kAbout); ++i) {
    if (kAbout[i].name == name) return static_cast<Canary>(i + 1);
  }
  return std::nullopt;
}

std::string CanaryList() {
  std::string text;
  for (const About& about : kAbout) text += "  " + about.name + ": " + about.text + "\n";
  return text;
}

std::vector<std::string> CanaryNames() {
  std::vector<std::string> names;
  for (const About& about : kAbout) names.push_back(about.name);
  return names;
}

std::unique_ptr<PassingStore> StoreBetween(SyncStore& store, Canary canary) {
  if (canary == Canary::kNone) return std::make_unique<PassingStore>(store);
  return std::make_unique<CanaryStore>(store, canary);
}

}  // namespace rejoin::sim
