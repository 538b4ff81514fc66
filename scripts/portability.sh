#!/usr/bin/env bash
# Compiles (and only compiles) the layers that every platform shares with the
# compilers of other platforms: clang, Emscripten, MinGW-w64, and g++ for 32 bit.
# What it needs is installed by scripts/setup.sh. One line per compiler and
# folder; on failure the first errors, and a non-zero status.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/setup.sh portability
# Only for its list of commands: nothing but the version header is built here.
cmake --preset release -B build/portability -DREJOIN_TESTS=OFF >/dev/null
cmake --build build/portability --target rejoin_version >/dev/null
exec python3 scripts/portability.py build/portability
