#!/usr/bin/env bash
# The fast tests of the library under sanitizers of g++: address, undefined, thread, or several that go together.
#   scripts/sanitize.sh KIND[+KIND] [FOLDERS [TEST…]]      e.g. address+undefined: one build for both
#     FOLDERS  folders of src/elbo with semicolons that are built and tested, e.g. "core;io;data" (default: all)
#     TEST     names of tests, as test_io_csv (default: all of these folders)
# What is let pass, and why, stands in tests/sanitizers/KIND.txt. A full build takes about 25 minutes of two cores.
set -euo pipefail
source "$(dirname "$0")/common.sh"
kinds=${1:-}
flags=
for kind in ${kinds//+/ }; do
  case "$kind" in
    address) flags+=" -fsanitize=address -D_GLIBCXX_ASSERTIONS" ;;
    undefined) flags+=" -fsanitize=undefined -fno-sanitize=vptr -fno-sanitize-recover=undefined -D_GLIBCXX_ASSERTIONS" ;;
    thread) flags+=" -fsanitize=thread" ;;
    *) flags= && break ;;
  esac
done
if [[ -z $flags || ($kinds == *thread* && $kinds == *address*) ]]; then
  echo "usage: scripts/sanitize.sh address|undefined|thread|address+undefined|thread+undefined [FOLDERS [TEST…]]" >&2
  exit 2
fi
folders=${2:-}
tests=("${@:3}")
build=build-${kinds//+/-}
let_pass=$root/tests/sanitizers
cmake -S . -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=None -DELBO_UNITY=ON -DELBO_EXAMPLES=OFF -DELBO_FOLDERS="$folders" \
  -DCMAKE_CXX_FLAGS="-O1 -g1 -fno-omit-frame-pointer$flags" >/dev/null
cmake --build "$build" --target elbo_tests -j "$(compilers_at_once)"

export ASAN_OPTIONS=detect_leaks=0:suppressions=$let_pass/address.txt:allocator_may_return_null=1
export UBSAN_OPTIONS=print_stacktrace=1:suppressions=$let_pass/undefined.txt
export TSAN_OPTIONS=suppressions=$let_pass/thread.txt:ignore_noninstrumented_modules=1:halt_on_error=0:exitcode=66
export OMP_NUM_THREADS=1
if ((${#tests[@]} == 0)); then
  mapfile -t tests < <(ctest --test-dir "$build" -N -R '^test_' | sed -n 's/.*: \(test_[a-z0-9_]*\)$/\1/p')
fi
failed=()
for name in "${tests[@]}"; do
  began=$SECONDS
  if "$build/elbo_tests" --source-file="*/$name.cpp" >"$build/$name.log" 2>&1; then
    printf '%-36s passed %5d s\n' "$name" $((SECONDS - began))
  else
    printf '%-36s FAILED %5d s   %s\n' "$name" $((SECONDS - began)) "$build/$name.log"
    failed+=("$name")
  fi
done
echo "sanitize.sh: $kinds: $((${#tests[@]} - ${#failed[@]})) of ${#tests[@]} test files passed"
((${#failed[@]} == 0))
