#!/usr/bin/env bash
# Builds and runs the benchmark: what Rejoin costs, as a ratio to plain SQLite
# measured side by side in one process. Arguments go to the program (--help).
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/setup.sh demo
cmake --preset release >/dev/null
cmake --build --preset release --target rejoin_bench
exec build/release/rejoin-bench "$@"
