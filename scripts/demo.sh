#!/usr/bin/env bash
# From a fresh machine to a running demo: installs what is missing, builds the
# program and the extension, and shows three devices that edit apart and become
# one again. Arguments go on to the demo: see `build/release/rejoin demo --help`.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/setup.sh demo
echo "demo: building (a few minutes the first time)"
cmake --preset release >/dev/null
cmake --build --preset release --target rejoin_cli rejoin.so
exec build/release/rejoin demo "$@"
