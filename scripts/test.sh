#!/usr/bin/env bash
# Builds Rejoin and runs all tests. Arguments go on to ctest:
#
#   scripts/test.sh                     everything
#   scripts/test.sh -R JoinLaws         what has JoinLaws in its name
#   scripts/test.sh -L tidy -V          one label, with the tests' own output
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/setup.sh test
cmake --preset release -DREJOIN_TESTS=ON
cmake --build --preset release
ctest --preset release --parallel "$(nproc)" "$@"
