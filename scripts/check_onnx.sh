#!/usr/bin/env bash
# Every model of the zoo as ONNX Runtime computes it, against what the library computes, and the
# explorer's page without a server in a real browser:
#   scripts/check_onnx.sh [TESTS [MODULES]]
# TESTS is the program of the tests (default: build/elbo_tests), MODULES a folder with
# node_modules/onnxruntime-node and -web (default: one that npm fills for this check). Prints a table;
# status 77 where node or the module cannot be had.
set -euo pipefail
cd "$(dirname "$0")/.."
tests=${1:-build/elbo_tests}
modules=${2:-${ELBO_NODE_MODULES:-}}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

command -v node >/dev/null || { echo "node is missing" >&2; exit 77; }
if [ -z "$modules" ]; then
  modules=$folder
  npm install --silent --ignore-scripts --prefix "$folder" onnxruntime-node onnxruntime-web >&2 ||
    { echo "ONNX Runtime cannot be had" >&2; exit 77; }
fi
[ -d "$modules/node_modules/onnxruntime-node" ] || { echo "no onnxruntime-node in $modules" >&2; exit 77; }
ELBO_ONNX_DIR=$folder/graphs "$tests" --test-suite=onnx --no-skip >&2
node scripts/check_onnx.mjs "$folder/graphs" "$modules"
ELBO_NODE_MODULES=$modules python3 tests/cli/explorer.py --program "$(dirname "$tests")/elbo"
