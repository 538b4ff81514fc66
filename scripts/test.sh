#!/usr/bin/env bash
# Builds Rejoin and runs all tests. Arguments go on to ctest:
#
#   scripts/test.sh                     everything
#   scripts/test.sh -R JoinLaws         what has JoinLaws in its name
#   scripts/test.sh -L tidy -V          one label, with the tests' own output
#
# Random tests begin with one seed here, so that a run can be repeated. To look further:
#
#   RC_PARAMS="seed=$RANDOM max_success=1000" scripts/test.sh -L model
set -euo pipefail
cd "$(dirname "$0")/.."

export RC_PARAMS="${RC_PARAMS:-seed=20}"
scripts/setup.sh test
cmake --preset release -DREJOIN_TESTS=ON
cmake --build --preset release
ctest --preset release --parallel "$(nproc)" "$@"
