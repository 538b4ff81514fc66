// A store that exchanges parts, as tests of SyncStore's contract see it. What is in
// it comes by deltas, so that any kind of it will do.
//
// For another kind derive from TestSyncStore and add its maker to
// sync_store_makers.cc: the suites of sync_contract_test.cc then run on it.
#pragma once

#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "base/os.h"
#include "store/sync_store.h"

namespace rejoin {

class TestSyncStore {
 public:
  virtual ~TestSyncStore() = default;

  virtual SyncStore& store() = 0;
  // As after a crash of the process: what was not committed is gone. References to
  // store() are void.
  virtual void Reopen() = 0;
};

// Makes the store number `number` of a test; `clock` outlives it. It tracks, or takes
// up by itself, what deltas bring.
struct SyncStoreMaker {
  std::string name;
  std::function<std::unique_ptr<TestSyncStore>(std::size_t number, Clock& clock)> make;
  bool cuts = true;  // first syncs into parts; false: it sends them whole
};
inline void PrintTo(const SyncStoreMaker& maker, std::ostream* out) { *out << maker.name; }

SyncStoreMaker RowSyncStores();
// What the suites are instantiated with: sync_store_makers.cc.
std::vector<SyncStoreMaker> AllSyncStoreMakers();

// A path for a file of its own, removed with what SQLite and the identity leave beside it.
class ScratchPath {
 public:
  ScratchPath();
  ScratchPath(const ScratchPath&) = delete;
  ScratchPath& operator=(const ScratchPath&) = delete;
  ~ScratchPath();
  const std::string& text() const { return path_; }

 private:
  std::string path_;
};

// The whole file as it is now, what SQLite keeps beside it included.
void CopyDatabase(const std::string& from, const std::string& to);

}  // namespace rejoin
