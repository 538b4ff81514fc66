#include "crdt/version_vector.h"

#include <algorithm>

namespace rejoin {
namespace {

bool ByReplica(const VersionVector::Entry& entry, const ReplicaId& replica) {
  return entry.first < replica;
}

}  // namespace

VersionVector VersionVector::Of(std::vector<Entry> entries) {
  std::sort(entries.begin(), entries.end());
  VersionVector vector;
  vector.entries_.reserve(entries.size());
  for (const auto& [replica, time] : entries) {
    if (time.value == 0) continue;
    if (!vector.entries_.empty() && vector.entries_.back().first == replica) vector.entries_.pop_back();
    vector.entries_.emplace_back(replica, time);
  }
  return vector;
}

HybridTimestamp VersionVector::Get(const ReplicaId& replica) const {
  const auto at = std::lower_bound(entries_.begin(), entries_.end(), replica, ByReplica);
  return at != entries_.end() && at->first == replica ? at->second : HybridTimestamp{};
}

bool VersionVector::Raise(const ReplicaId& replica, HybridTimestamp time) {
  if (time <= Get(replica)) return false;
  Set(replica, time);
  return true;
}

void VersionVector::Set(const ReplicaId& replica, HybridTimestamp time) {
  const auto at = std::lower_bound(entries_.begin(), entries_.end(), replica, ByReplica);
  const bool found = at != entries_.end() && at->first == replica;
  if (time.value == 0) {
    if (found) entries_.erase(at);
  } else if (found) {
    at->second = time;
  } else {
    entries_.insert(at, {replica, time});
  }
}

bool VersionVector::Join(const VersionVector& other) {
  bool rose = false;
  for (const auto& [replica, time] : other.entries_) rose |= Raise(replica, time);
  return rose;
}

bool VersionVector::Covers(const VersionVector& other) const {
  return std::all_of(other.entries_.begin(), other.entries_.end(),
                     [this](const Entry& entry) { return Get(entry.first) >= entry.second; });
}

std::partial_ordering operator<=>(const VersionVector& a, const VersionVector& b) {
  const bool a_covers = a.Covers(b);
  const bool b_covers = b.Covers(a);
  if (a_covers && b_covers) return std::partial_ordering::equivalent;
  if (a_covers) return std::partial_ordering::greater;
  if (b_covers) return std::partial_ordering::less;
  return std::partial_ordering::unordered;
}

VersionVector Lower(const VersionVector& a, const VersionVector& b) {
  VersionVector lower;
  for (const auto& [replica, time] : a.entries()) {
    lower.Set(replica, std::min(time, b.Get(replica)));
  }
  return lower;
}

}  // namespace rejoin
