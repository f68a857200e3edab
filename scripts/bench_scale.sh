#!/usr/bin/env bash
# How training scales on this machine: processes, data from a disk, faults of the network.
#   scripts/bench_scale.sh processes [SECONDS]   two processes of one core against one
#   scripts/bench_scale.sh overlap               sums of gradients behind the backward pass
#   scripts/bench_scale.sh shards [GB]           tar shards against the same rows in memory
#   scripts/bench_scale.sh faults [TRIALS]       latency, loss, kills and freezes between namespaces
#   scripts/bench_scale.sh model                 efficiencies of the model for other machines
# Let nothing else run. docs/scaling.md says what the figures mean.
set -euo pipefail
. "$(dirname "$0")/common.sh"
elbo=$(program_built)
exec python3 bench/scale.py --program "$elbo" "$@"
