// Row stores in files of their own.
#include <filesystem>

#include "store/rows/row_store.h"
#include "tests/store/fakes.h"
#include "tests/store/test_sync_store.h"

namespace rejoin {
namespace {

constexpr const char* kBeside[] = {"", "-wal", "-shm", "-journal"};

class RowSyncStore final : public TestSyncStore {
 public:
  explicit RowSyncStore(std::size_t number) : random_(number) { Reopen(); }

  SyncStore& store() override { return *store_; }
  void Reopen() override {
    store_.reset();
    RowStoreOptions options;
    options.random = &random_;
    options.durable = false;
    store_ = std::move(*RowStore::Open(path_.text(), options));
  }

 private:
  ScratchPath path_;
  FakeRandom random_;
  std::unique_ptr<RowStore> store_;
};

}  // namespace

// Never a name that was there before: what a killed process has left beside its file would be
// taken for this one's.
ScratchPath::ScratchPath()
    : path_((std::filesystem::temp_directory_path() /
             ("rejoin-test-" + std::to_string(SystemRandom().Draw64()) + ".db"))
                .string()) {}

ScratchPath::~ScratchPath() {
  std::error_code ignored;
  for (const char* beside : kBeside) std::filesystem::remove(path_ + beside, ignored);
  std::filesystem::remove(path_ + "-rejoin", ignored);  // else the next file of this name takes itself for a copy
}

void CopyDatabase(const std::string& from, const std::string& to) {
  std::error_code missing;
  for (const char* beside : kBeside) {
    std::filesystem::remove(to + beside, missing);
    std::filesystem::copy_file(from + beside, to + beside, missing);
  }
}

SyncStoreMaker RowSyncStores() {
  return {"Rows", [](std::size_t number, Clock&) { return std::make_unique<RowSyncStore>(number); }};
}

}  // namespace rejoin
