#!/usr/bin/env bash
# Which lines and branches of base, crdt, store and replica the tests in C++ reach, by folder.
#
#   scripts/coverage.sh                     builds, runs, reports; an hour on two cores
#   scripts/coverage.sh --missed            also the lines that no test reached
#
# Without optimisation, with GCC's counters, in build/coverage. Branches are those of the code:
# the ones that a compiler adds for exceptions are left out. The tests of other programs, in Python
# and through the extension, are not counted, nor the model that goes through all orders: without
# optimisation it takes hours. Status 1: a test failed, or less than 95 % of lines.
set -euo pipefail
cd "$(dirname "$0")/.."

folders=(base crdt store replica)
min_percent=95
areas='^(base|crdt|store|store_rows|store_sqlite|replica|scenarios|model|plain|golden|faults|fuzz)\.'
programs=(base_test crdt_codec_test crdt_laws_test store_contract_test store_rows_tests
          store_sqlite_tests replica_test scenarios_test random_model_test session_world_test
          plain_test golden_test database_golden_test faulty_disk_test
          faults_memory_test delta_fuzz message_fuzz session_fuzz record_fuzz sql_fuzz json_fuzz
          make_corpus)
missed=
case "${1:-}" in
  "") ;;
  --missed) missed=1 ;;
  *) sed -n '2,10s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac

scripts/setup.sh coverage
cmake --preset coverage -DREJOIN_TESTS=ON
cmake --build --preset coverage --target "${programs[@]}"
find build/coverage -name '*.gcda' -delete
status=0
RC_PARAMS="${RC_PARAMS:-seed=20}" ctest --preset coverage -j"$(nproc)" -R "$areas" -E "SmallModel|http_fuzz" --timeout 7200 \
  >build/coverage/ctest.log 2>&1 || status=1
grep -E 'tests passed|^The following|\((Failed|Timeout|Not Run|.*Exception.*)\)$' build/coverage/ctest.log || true

filters=()
for folder in "${folders[@]}"; do filters+=(--filter "$folder/"); done
gcovr --root . "${filters[@]}" --exclude-throw-branches --exclude-unreachable-branches \
  --gcov-ignore-parse-errors -j"$(nproc)" --json build/coverage/report.json build/coverage
python3 - build/coverage/report.json "$min_percent" "$missed" "${folders[@]}" <<'PYTHON' || status=1
import collections, json, sys
path, least, missed, *folders = sys.argv[1:]
lines = collections.Counter(); hit = collections.Counter()
branches = collections.Counter(); taken = collections.Counter()
gaps = []
for file in json.load(open(path))["files"]:
    folder = file["file"].split("/")[0]
    for line in file["lines"]:
        if line.get("gcovr/noncode"):
            continue
        lines[folder] += 1
        hit[folder] += line["count"] > 0
        branches[folder] += len(line["branches"])
        taken[folder] += sum(branch["count"] > 0 for branch in line["branches"])
        if line["count"] == 0:
            gaps.append(f'{file["file"]}:{line["line_number"]}')
print(f"{'folder':<10} {'lines':>6} {'reached':>8} {'branches':>9} {'taken':>7}")
good = True
for folder in folders:
    percent = 100 * hit[folder] / max(lines[folder], 1)
    good = good and percent >= float(least)
    print(f"{folder:<10} {lines[folder]:>6} {percent:>7.1f}% {branches[folder]:>9} "
          f"{100 * taken[folder] / max(branches[folder], 1):>6.1f}%")
if missed:
    print("\n".join(gaps))
sys.exit(0 if good else f"less than {least} % of lines")
PYTHON
exit "$status"
