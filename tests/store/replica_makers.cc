#include "tests/store/test_replica.h"

namespace rejoin {

std::vector<TestReplicaMaker> AllReplicaMakers() { return {MemoryReplicas()}; }

}  // namespace rejoin
