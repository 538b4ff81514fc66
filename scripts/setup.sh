#!/usr/bin/env bash
# Installs from the distribution what building, testing or porting Rejoin needs.
#
#   scripts/setup.sh [demo|test|node|clang|portability|coverage|bench|all]      (default: demo)
#
# Run it as often as you like: it asks dpkg first and calls apt only for what is
# missing. It uses sudo when you are not root.
set -euo pipefail

# What the program and the extension are built from, and the sqlite3 shell that
# the demo's commands to paste are for.
demo=(g++ cmake ninja-build libsqlite3-dev libzstd-dev libxxhash-dev
      nlohmann-json3-dev libexpected-dev libcli11-dev libboost1.81-dev sqlite3)
# Tests, and ccache, which makes the second build quick.
test=(libgtest-dev libgmock-dev librapidcheck-dev python3 python3-websockets
      binutils git ccache iproute2 nftables)
# Node.js as a host of the extension. Where node is there already, with its npm and headers, it is
# taken; then better-sqlite3 is built from source, two minutes, into tests/network/node.
node=(g++ make python3)
if ! command -v npm >/dev/null || [[ ! -f /usr/include/node/node_api.h ]]; then
  node+=(nodejs npm libnode-dev)
fi
# A second opinion, the fuzzers and what they reach, and how code is laid out.
clang=(clang-14 llvm-14 libclang-rt-14-dev clang-format-14 python3)
# Compilers of the other platforms.
portability=(clang-14 emscripten g++-mingw-w64-x86-64-posix g++-multilib)

# What the tests reach.
coverage=(gcovr)

# Pictures of what the benchmark measured.
bench=(python3 python3-matplotlib)

usage() {
  echo "usage: scripts/setup.sh [demo|test|node|clang|portability|coverage|bench|all]" >&2
  exit 2
}

fail() {
  echo "setup: $1" >&2
  echo "setup: needed for '$purpose': ${packages[*]}" >&2
  exit 1
}

(($# <= 1)) || usage
purpose="${1:-demo}"
case "$purpose" in
  demo) packages=("${demo[@]}") ;;
  test) packages=("${demo[@]}" "${test[@]}") ;;
  node) packages=("${demo[@]}" "${test[@]}" "${node[@]}") ;;
  clang) packages=("${demo[@]}" "${clang[@]}" ccache) ;;
  portability) packages=("${demo[@]}" "${portability[@]}" python3) ;;
  coverage) packages=("${demo[@]}" "${test[@]}" "${coverage[@]}") ;;
  bench) packages=("${demo[@]}" "${bench[@]}") ;;
  all) packages=("${demo[@]}" "${test[@]}" "${node[@]}" "${clang[@]}" "${portability[@]}" "${coverage[@]}" "${bench[@]}") ;;
  -h | --help) sed -n '2,7s/^# \{0,1\}//p' "$0"; exit 0 ;;
  *) usage ;;
esac

command -v dpkg-query >/dev/null && command -v apt-get >/dev/null ||
  fail "this system has no apt; install the equivalents of the packages below yourself, then build with cmake --preset release"

installed="$(dpkg-query -W -f='${db:Status-Status} ${Package}\n' "${packages[@]}" 2>/dev/null |
  sed -n 's/^installed //p' || true)"
missing=()
for package in "${packages[@]}"; do
  grep -qxF -- "$package" <<<"$installed" || missing+=("$package")
done
# With the versions and hashes of package-lock.json.
install_node_packages() {
  [[ "$purpose" == node || "$purpose" == all ]] || return 0
  local folder
  folder="$(dirname "$0")/../tests/network/node"
  [[ ! -f "$folder/node_modules/better-sqlite3/build/Release/better_sqlite3.node" ]] || return 0
  echo "setup: building better-sqlite3"
  (cd "$folder" && npm_config_nodedir=/usr npm ci --build-from-source --no-audit --no-fund --loglevel=error) ||
    fail "npm could not build better-sqlite3 in tests/network/node"
}

if ((${#missing[@]} == 0)); then
  install_node_packages
  echo "setup: all that '$purpose' needs is installed"
  exit 0
fi

as_root=()
if ((EUID != 0)); then
  command -v sudo >/dev/null ||
    fail "not root and no sudo: as root run: apt-get install ${missing[*]}"
  as_root=(sudo)
fi
# A lock held by another apt is waited for; prompts would hang a script.
apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q
     -o DPkg::Lock::Timeout=300 -o APT::Update::Error-Mode=any)

echo "setup: installing for '$purpose': ${missing[*]}"
"${apt[@]}" update || fail "apt-get update failed: is there a network?"
"${apt[@]}" install -y --no-install-recommends "${missing[@]}" ||
  fail "apt-get could not install: ${missing[*]}"
install_node_packages
echo "setup: done"
