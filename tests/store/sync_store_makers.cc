#include "tests/store/test_sync_store.h"

namespace rejoin {

std::vector<SyncStoreMaker> AllSyncStoreMakers() { return {RowSyncStores()}; }

}  // namespace rejoin
