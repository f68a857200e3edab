#!/usr/bin/env bash
# Speed tables: the product's own training loop, with logging, validation and saving on, against
# this machine's measured peak and against the same nets in Python's PyTorch, in one run.
#   scripts/bench.sh                  the nets of docs/results.md
#   scripts/bench.sh --zoo [SECONDS]  every model of the zoo beside itself on plain libtorch
# Let nothing else run. MNIST is used where ELBO_DATA (or ../shared/data) has it.
set -euo pipefail
. "$(dirname "$0")/common.sh"
if [ "${1:-}" = --zoo ]; then
  scripts/setup.sh
  exec "$(built bench/bench_zoo bench_zoo)" "${2:-4}"
fi
scripts/setup.sh --bench
elbo=$(program_built)
exec /usr/bin/python3 bench/table.py "$elbo"
