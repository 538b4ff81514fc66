// Random values of the crdt types for RapidCheck: rc::gen::arbitrary<RowState>()
// and the like, and how to print what a failing property was given.
//
// Replicas and times come mostly from a small pool, so that stamps meet, tie and
// are covered; values come from the edges of each storage class as often as from
// anywhere. Everything generated is valid: lists are sorted, without duplicates.
//
// RapidCheck's size says how long lists are, and nothing else: its own inRange and
// arbitrary numbers shrink with it too, down to one value at the sizes that nested
// lists are built at. So draw with Within and Anything.
#pragma once

#include <algorithm>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include <rapidcheck.h>

#include "tests/crdt/whole_delta.h"

namespace rejoin {

// Any of [min, end) at every size.
template <class T>
rc::Gen<T> Within(T min, T end) {
  return rc::gen::resize(rc::kNominalSize, rc::gen::inRange<T>(min, end));
}

// Any pattern of bits at every size.
template <class T>
rc::Gen<T> Anything() {
  return rc::gen::resize(rc::kNominalSize, rc::gen::arbitrary<T>());
}

// The times of the pool are 1 to kPoolTimes, its replicas PoolReplica(1) to
// PoolReplica(kPoolReplicas), columns 0 to kPoolColumns - 1.
inline constexpr std::uint64_t kPoolTimes = 8;
inline constexpr std::uint8_t kPoolReplicas = 4;
inline constexpr ColumnId kPoolColumns = 6;

rc::Gen<HybridTimestamp> AnyTime();
rc::Gen<std::int64_t> AnyInteger();
// As bits: any pattern of a double may be stored.
rc::Gen<std::uint64_t> AnyRealBits();
rc::Gen<Bytes> AnyBytes();

// One of each list's kind by `less`, ascending.
template <class T, class Less>
std::vector<T> SortedUnique(std::vector<T> list, Less less) {
  std::stable_sort(list.begin(), list.end(), less);
  const auto same = [&less](const T& a, const T& b) { return !less(a, b) && !less(b, a); };
  list.erase(std::unique(list.begin(), list.end(), same), list.end());
  return list;
}

void showValue(const ReplicaId& id, std::ostream& out);
void showValue(const Stamp& stamp, std::ostream& out);
void showValue(const Value& value, std::ostream& out);
void showValue(const VersionVector& vector, std::ostream& out);
void showValue(const RowState& state, std::ostream& out);
void showValue(const WholeDelta& delta, std::ostream& out);

}  // namespace rejoin

namespace rc {

template <>
struct Arbitrary<rejoin::ReplicaId> {
  static Gen<rejoin::ReplicaId> arbitrary();
};

template <>
struct Arbitrary<rejoin::Stamp> {
  static Gen<rejoin::Stamp> arbitrary();
};

template <>
struct Arbitrary<rejoin::VersionVector> {
  static Gen<rejoin::VersionVector> arbitrary();
};

template <>
struct Arbitrary<rejoin::Value> {
  static Gen<rejoin::Value> arbitrary();
};

template <>
struct Arbitrary<rejoin::Cell> {
  static Gen<rejoin::Cell> arbitrary();
};

// The common shape, all cells stamped with the birth, comes as often as any other.
template <>
struct Arbitrary<rejoin::Incarnation> {
  static Gen<rejoin::Incarnation> arbitrary();
};

template <>
struct Arbitrary<rejoin::Remove> {
  static Gen<rejoin::Remove> arbitrary();
};

template <>
struct Arbitrary<rejoin::RowRules> {
  static Gen<rejoin::RowRules> arbitrary();
};

template <>
struct Arbitrary<rejoin::RowState> {
  static Gen<rejoin::RowState> arbitrary();
};

// Two tables, keys of one and of two parts; an end that covers every stamp, or just
// the start.
template <>
struct Arbitrary<rejoin::WholeDelta> {
  static Gen<rejoin::WholeDelta> arbitrary();
};

}  // namespace rc
