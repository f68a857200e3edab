#!/usr/bin/env bash
# Searches for bytes that break a reader: each harness of tests/fuzz under clang's libFuzzer with the address and
# undefined-behaviour sanitizers. Prints a table; what was found lies in build-fuzz/found/HARNESS, made small.
#   scripts/fuzz.sh MINUTES [OPTIONS] [HARNESS…]   minutes of all harnesses together
#     --executions N   in all: what the minutes leave of them is done by the quickest quarter, with short inputs
#     --at-once N      processes at once (1)
#   scripts/fuzz.sh --install            installs clang first
# A find belongs, once its cause is gone, into tests/fuzz/kept/HARNESS, where the tests run it.
set -euo pipefail
source "$(dirname "$0")/common.sh"

if [ "${1:-}" = --install ]; then
  as_root=()
  if ((EUID != 0)); then as_root=(sudo); fi
  # Its sanitizers are a package that is named by its version.
  version=$(apt-cache depends clang | sed -n 's/.*Depends: clang-\([0-9]*\)$/\1/p')
  "${as_root[@]}" apt-get -q install -y --no-install-recommends clang "libclang-rt-$version-dev"
  shift
fi
if (($# == 0)); then
  echo "usage: scripts/fuzz.sh [--install] MINUTES [--executions N] [--at-once N] [HARNESS…]" >&2
  exit 2
fi
if ! command -v clang++ >/dev/null; then
  echo "fuzz.sh: there is no clang++; the Debian package clang brings it (scripts/fuzz.sh --install MINUTES)" >&2
  exit 1
fi
minutes=$1
shift
how=()
while [[ ${1:-} == --* ]]; do
  how+=("$1" "$2")
  shift 2
done

cmake --preset fuzz >build-fuzz.log 2>&1 || { cat build-fuzz.log; exit 1; }
rm -f build-fuzz.log
cmake --build build-fuzz --target elbo_fuzz -j "$(compilers_at_once)" >&2
program=$root/build-fuzz/elbo_fuzz
# Nothing of libtorch is in the way: leaks and containers are judged in our own code alone.
export ASAN_OPTIONS=detect_leaks=0:detect_container_overflow=0:allocator_may_return_null=0
export UBSAN_OPTIONS=print_stacktrace=1 OMP_NUM_THREADS=1 ELBO_MEMORY=1
export LD_LIBRARY_PATH=${LD_LIBRARY_PATH:-}
mapfile -t all < <("$program")
if (($# > 0)); then all=("$@"); fi
python3 tests/fuzz/seeds.py build-fuzz/seeds
exec python3 tests/fuzz/search.py --program "$program" --folder "$root/build-fuzz" --minutes "$minutes" "${how[@]}" "${all[@]}"
