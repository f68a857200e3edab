#!/usr/bin/env bash
# One hash per model of the zoo and kind of data, over losses, weights and outputs of a few steps:
# equal lines before and after a change say that it changed no number on this machine.
#   scripts/signature.sh            every model, a few minutes of one core
#   scripts/signature.sh vae m2     these
set -euo pipefail
source "$(dirname "$0")/common.sh"
scripts/setup.sh >&2
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1
exec "$(built bench/bench_signature bench_signature)" "$@"
