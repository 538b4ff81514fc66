#!/usr/bin/env bash
# Fuzzes: builds the fuzz targets with clang and runs one of them, or all in turn.
#
#   scripts/fuzz.sh                          all, a minute each
#   scripts/fuzz.sh --minutes 30 sql_fuzz    one, for longer
#   scripts/fuzz.sh --runs 100000            all, so many executions each
#   scripts/fuzz.sh --seed 7                 from another seed; 1 without it, 0: any
#   scripts/fuzz.sh --fast --runs 50000000 delta_fuzz   without sanitizers: ten times as many
#   scripts/fuzz.sh --coverage               first; then which lines the inputs reach, by folder
#
# New inputs are kept in build/fuzz/fuzz/<target>.found and are where the next run goes on; what
# fails is left in build/fuzz/fuzz/failed (--fast: below build/fuzz-fast). The status is 1 where
# something failed.
set -euo pipefail
cd "$(dirname "$0")/.."

usage() {
  sed -n '2,13s/^# \{0,1\}//p' "$0" >&2
  exit 2
}

folder=build/fuzz/fuzz
fast=
bound=(-max_total_time=60)
seed=1
coverage=
targets=()
while (($# > 0)); do
  case "$1" in
    --minutes | --runs | --seed)
      [[ "${2:-}" =~ ^[0-9]+$ ]] || usage
      [[ "$1" != --minutes ]] || bound=("-max_total_time=$((60 * $2))")
      [[ "$1" != --runs ]] || bound=("-runs=$2")
      [[ "$1" != --seed ]] || seed="$2"
      shift ;;
    --coverage) coverage=1 ;;
    --fast) fast=1; folder=build/fuzz-fast/fuzz ;;
    [a-z]*_fuzz) targets+=("$1") ;;
    *) usage ;;
  esac
  shift
done

build() {
  cmake --preset fuzz "$@" >/dev/null
}

# The corpus of a target: corpus/delta of delta_fuzz.
corpus_of() {
  echo "fuzz/corpus/${1%_fuzz}"
}

run() {
  local target="$1" log="$folder/$1.log" status=0 limits
  read -ra limits <"$folder/$target.limits"
  "$folder/$target" -seed="$seed" -print_final_stats=1 "${bound[@]}" "${limits[@]}" \
    "-artifact_prefix=$folder/failed/$target-" "$folder/$target.found" "$(corpus_of "$target")" \
    >"$log" 2>&1 || status=$?
  local runs rate peak features
  runs="$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")"
  rate="$(sed -n 's/^stat::average_exec_per_sec: *//p' "$log")"
  peak="$(sed -n 's/^stat::peak_rss_mb: *//p' "$log")"
  features="$(sed -n 's/.* ft: \([0-9]*\) .*/\1/p' "$log" | tail -n 1)"
  printf '%-14s %12s %9s %9s %9s  %s\n' "$target" "${runs:--}" "${rate:--}" "${features:--}" "${peak:--}" \
    "$( ((status == 0)) && echo "nothing found" || echo "FOUND, see $log")"
  return "$status"
}

# The same targets with counters instead of sanitizers, over every input there is.
cover() {
  build -B build/fuzz-coverage -DREJOIN_SANITIZE=fuzzer-no-link \
    "-DCMAKE_CXX_FLAGS=-fprofile-instr-generate -fcoverage-mapping"
  cmake --build build/fuzz-coverage --target rejoin_fuzzers >/dev/null
  local target objects=() profiles=()
  for target in "${targets[@]}"; do
    LLVM_PROFILE_FILE="build/fuzz-coverage/$target.profraw" "build/fuzz-coverage/fuzz/$target" -runs=0 \
      "$folder/$target.found" "$(corpus_of "$target")" >/dev/null 2>&1
    objects+=(-object "build/fuzz-coverage/fuzz/$target")
    profiles+=("build/fuzz-coverage/$target.profraw")
  done
  llvm-profdata-14 merge -sparse "${profiles[@]}" -o build/fuzz-coverage/all.profdata
  llvm-cov-14 export -summary-only -instr-profile=build/fuzz-coverage/all.profdata "${objects[@]}" \
    >build/fuzz-coverage/all.json
  python3 - build/fuzz-coverage/all.json <<'PYTHON'
import collections, json, sys
found = collections.defaultdict(lambda: [0, 0])
for file in json.load(open(sys.argv[1]))["data"][0]["files"]:
    folder = file["filename"].lstrip("/").rpartition("/")[0]
    lines = file["summary"]["lines"]
    found[folder][0] += lines["covered"]
    found[folder][1] += lines["count"]
print(f"\n{'folder':<18} {'lines':>7} {'reached':>8}")
for folder, (covered, count) in sorted(found.items()):
    if count and not folder.startswith(("usr/", "fuzz", "tests")):
        print(f"{folder:<18} {count:>7} {100 * covered / count:>7.0f}%")
PYTHON
}

scripts/setup.sh clang
if [[ -n "$fast" ]]; then
  build -B build/fuzz-fast -DREJOIN_SANITIZE=fuzzer-no-link -DCMAKE_CXX_FLAGS_DEBUG="-O2 -D_GLIBCXX_ASSERTIONS"
else
  build
fi
cmake --build "${folder%/fuzz}" --target rejoin_fuzzers
mkdir -p "$folder/failed"
if ((${#targets[@]} == 0)); then
  for limits in "$folder"/*.limits; do targets+=("$(basename "$limits" .limits)"); done
fi

failed=0
printf '%-14s %12s %9s %9s %9s\n' target executions "per s" features "peak MB"
for target in "${targets[@]}"; do run "$target" || failed=1; done
[[ -z "$coverage" ]] || cover
exit "$failed"
