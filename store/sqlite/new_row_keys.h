// Keys of new rows, of which the log keeps hashes.
//
// A transaction that does nothing but insert rows into a table has no need of their keys:
// a log of them would be a fifth of the file. They stand in the table. Where a row has left
// it since, a later row of the log says so, with its key.
#pragma once

#include <deque>
#include <optional>
#include <unordered_map>
#include <unordered_set>

#include "store/sqlite/log.h"

namespace rejoin {

// `change` has a key_hash. nullopt: the row stands there no more.
Result<std::optional<Key>> KeyOfNewRow(Engine& engine, const TrackedTable& table, const Change& change);

// The same for who goes through the log forwards, for people: where the row has left the
// table since, its key is that of the later row of the log that says so.
class LeftRowKeys {
 public:
  explicit LeftRowKeys(Engine& engine) : engine_(engine) {}

  // `change` stands at `position`. Empty: the row moved in ways that the log does not tell, or
  // is one of more than kMostKeys that have left since.
  Result<Key> Find(const Change& change, std::uint64_t position);

 private:
  Engine& engine_;
  bool read_ = false;
  static constexpr std::size_t kMostKeys = 65'536;
  std::unordered_map<std::uint64_t, Key> left_;
};

// The same for who goes through the log from its end backwards, and tells here every key
// that it comes by.
class NewRowKeys {
 public:
  explicit NewRowKeys(Engine& engine) : engine_(engine) {}

  // The row's key among `later`, all keys of the log behind the change, or in its table,
  // into `key`, which is empty where the key is one of `later`. False: nobody knows where
  // the row is; it has moved in ways that the log does not tell.
  Result<bool> Find(const Change& change, const std::deque<TouchedKey>& later, Key& key);

 private:
  Engine& engine_;
  std::unordered_set<std::uint64_t> hashes_;
  std::size_t hashed_ = 0;  // keys of `later` that are in hashes_
};

}  // namespace rejoin
