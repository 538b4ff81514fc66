#include "store/sqlite/capture_sort.h"

#include <algorithm>
#include <optional>

#include "store/sqlite/sorted_runs.h"

namespace rejoin {
namespace {

// Calls `take` with window after window; it returns how much of one it took, all
// whole entries at its front, or nullopt to end here.
template <class Take>
Status ForEachWindow(CaptureBuffer& buffer, std::size_t window_bytes, const Take& take) {
  Bytes window;
  std::size_t wanted = window_bytes;
  for (std::uint64_t offset = 0; offset < buffer.size_bytes();) {
    const std::uint64_t left = buffer.size_bytes() - offset;
    window.resize(static_cast<std::size_t>(std::min<std::uint64_t>(left, wanted)));
    REJOIN_TRY(buffer.Read(offset, window.data(), window.size()));
    REJOIN_ASSIGN(const std::optional<std::size_t> taken, take(ByteView(window)));
    if (!taken) return {};
    if (*taken == 0 && window.size() == left) {
      return Fail(Code::kInternal, "captured changes cannot be read; please report it");
    }
    // One entry larger than the window: read on until it is whole.
    wanted = *taken == 0 ? 2 * window.size() : window_bytes;
    offset += *taken;
  }
  return {};
}

struct HashPlace {
  HashPlace() = default;
  explicit HashPlace(ByteView record) : hash(ByteReader(record).Fixed64()) {}
  bool IsBefore(const HashPlace& other) const { return hash < other.hash; }

  std::uint64_t hash = 0;
};

// Every key is behind the one before: none is in two windows.
Result<bool> Ascend(CaptureBuffer& buffer, std::size_t window_bytes, Coalescer& coalescer) {
  bool ascend = true;
  const auto look = [&](ByteView window) -> Result<std::optional<std::size_t>> {
    const std::optional<std::size_t> taken = coalescer.Ascend(window);
    ascend = taken.has_value();
    return taken;
  };
  REJOIN_TRY(ForEachWindow(buffer, window_bytes, look));
  return ascend;
}

// The keys that are in more than one window; all of them, where they are too many
// to list.
Result<KeyHashes> FindRecurring(CaptureBuffer& buffer, std::size_t window_bytes, Coalescer& coalescer) {
  REJOIN_ASSIGN(const bool ascend, Ascend(buffer, window_bytes, coalescer));
  if (ascend) return KeyHashes();
  SortedRuns<HashPlace> runs(window_bytes);
  const auto survey = [&](ByteView window) -> Result<std::optional<std::size_t>> {
    std::vector<std::uint64_t> hashes;
    const std::size_t taken = coalescer.Survey(window, hashes);
    for (const std::uint64_t hash : hashes) {
      Bytes record;
      PutFixed64(record, hash);
      REJOIN_TRY(runs.Add(record));
    }
    REJOIN_TRY(runs.EndRun());
    return taken;
  };
  REJOIN_TRY(ForEachWindow(buffer, window_bytes, survey));

  KeyHashes recurring;
  const std::size_t most = std::max<std::size_t>(window_bytes / sizeof(std::uint64_t), 1);
  std::optional<std::uint64_t> last;
  const auto compare = [&](ByteView, const HashPlace& place) -> Result<bool> {
    auto& list = recurring.list;
    const bool again = last == place.hash && (list.empty() || list.back() != place.hash);
    if (again && list.size() == most) {
      recurring.all = true;
      list = {};
      return false;
    }
    if (again) list.push_back(place.hash);
    last = place.hash;
    return true;
  };
  REJOIN_TRY(runs.Merge(compare));
  return recurring;
}

}  // namespace

Status CoalesceInWindows(CaptureBuffer& buffer, std::size_t memory_bytes, Coalescer& coalescer) {
  const std::size_t window_bytes = WindowBytes(memory_bytes);
  const auto glance = [&coalescer](ByteView window) -> Result<std::optional<std::size_t>> {
    return std::optional<std::size_t>(coalescer.Glance(window));
  };
  REJOIN_TRY(ForEachWindow(buffer, window_bytes, glance));
  if (coalescer.only_new_rows()) {
    return ForEachWindow(buffer, window_bytes, [&](ByteView window) -> Result<std::optional<std::size_t>> {
      REJOIN_ASSIGN(const std::size_t taken, coalescer.TakeNew(window));
      return std::optional<std::size_t>(taken);
    });
  }
  REJOIN_ASSIGN(const KeyHashes recurring, FindRecurring(buffer, window_bytes, coalescer));
  SortedRuns<Coalescer::Place> runs(window_bytes);
  const auto take = [&](ByteView window) -> Result<std::optional<std::size_t>> {
    const auto keep = [&runs](ByteView record) { return runs.Add(record); };
    REJOIN_ASSIGN(const std::size_t taken, coalescer.TakeBut(recurring, window, keep));
    REJOIN_TRY(runs.EndRun());
    return taken;
  };
  REJOIN_TRY(ForEachWindow(buffer, window_bytes, take));

  Bytes batch;
  Bytes last;  // the record that came last, once the batch is full
  const auto gather = [&](ByteView record, const Coalescer::Place& place) -> Result<bool> {
    // A batch ends between keys.
    if (batch.size() >= window_bytes && !Coalescer::Place(last).IsOf(place)) {
      REJOIN_TRY(coalescer.TakeSorted(batch));
      batch.clear();
    }
    PutBytes(batch, record);
    if (batch.size() >= window_bytes) last.assign(record);
    return true;
  };
  REJOIN_TRY(runs.Merge(gather));
  return coalescer.TakeSorted(batch);
}

}  // namespace rejoin
