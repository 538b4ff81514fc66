#!/usr/bin/env bash
# Builds and runs the benchmark: what Rejoin costs, as a ratio to plain SQLite measured side by
# side in one process.
#
#   scripts/bench.sh [arguments of rejoin-bench]     tables and pictures (--help: the arguments)
#   scripts/bench.sh growth [arguments of growth.py] how ratios grow with rows and replicas
#
# Prints Markdown tables, and leaves them in build/bench with the figures as JSON and
# pictures of them as SVG. (The python is that of the distribution, which has matplotlib.)
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/setup.sh bench
cmake --preset release >/dev/null
cmake --build --preset release --target rejoin_bench

out=build/bench
mkdir -p "$out"
if [[ "${1:-}" == growth ]]; then
  shift
  /usr/bin/python3 bench/growth.py "$out/growth.json" "$@" | tee "$out/growth.md"
  exec /usr/bin/python3 bench/plots.py growth "$out/growth.json" "$out"
fi
case " $* " in *" --help "* | *" -h "*) exec build/release/rejoin-bench --help ;; esac
{
  echo "$(uname -sr), $(nproc) cores of $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1), $(g++ --version | head -1)"
  build/release/rejoin-bench --json "$out/figures.json" "$@"
} | tee "$out/figures.md"
/usr/bin/python3 bench/plots.py ratios "$out/figures.json" "$out"
