#!/usr/bin/env bash
# All that a change must pass: lint, build with warnings as errors, fast tests, and the readers
# and the core once more under the address and undefined-behaviour sanitizers.
set -euo pipefail
source "$(dirname "$0")/common.sh"
began=$SECONDS

scripts/setup.sh --develop

say "lint"
if command -v clang-format-14 >/dev/null; then
  find src tests examples bench -name '*.h' -o -name '*.cpp' 2>/dev/null |
    xargs clang-format-14 --dry-run --Werror
else
  echo "test.sh: the format is not checked: there is no clang-format-14, and another version judges differently"
fi
python3 tools/check_layers.py
python3 tools/check_style.py
python3 tools/check_zoo.py

say "build (Release, warnings are errors)"
built=$SECONDS
cmake --preset release -DELBO_WERROR=ON -DELBO_REQUIRE=all >build.log 2>&1 || { cat build.log; exit 1; }
rm -f build.log
cmake --build build -j "$(compilers_at_once)"
echo "build: $((SECONDS - built)) s with $(compilers_at_once) compilers at once"

say "sanitizers: core, io, data"
built=$SECONDS
cmake --preset sanitize >/dev/null
cmake --build build-sanitize -j "$(compilers_at_once)"
echo "sanitizer build: $((SECONDS - built)) s"
ctest --preset sanitize

say "tests"
ctest --preset release
echo "test.sh: all passed in $((SECONDS - began)) s"
