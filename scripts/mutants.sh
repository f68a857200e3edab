#!/usr/bin/env bash
# Damages N data files and N files of runs and hands each to the program (tests/mutants/mutate.py); prints a table.
# Trials are forks of a program that is loaded; one in twenty runs as a process of its own, too.
# What ends by a signal, with 70, above 2 GB, or reads a file with a checksum as other rows lies in build/mutants-found.
#   scripts/mutants.sh N [--seed S] [--memory MB]
set -euo pipefail
source "$(dirname "$0")/common.sh"
if (($# == 0)); then
  echo "usage: scripts/mutants.sh N [--seed S] [--memory MB]" >&2
  exit 2
fi
count=$1
shift
zygote=$(built elbo_zygote elbo_zygote)
exec python3 tests/mutants/mutate.py --program "$(program_built)" --zygote "$zygote" --count "$count" --keep "${ELBO_BUILD:-build}/mutants-found" "$@"
