#!/usr/bin/env bash
# Training rates beside those of the same nets in a PyTorch of your choice, e.g. pip's newest in a
# virtual environment: eager and compiled, the better one counted; paired runs, medians and spread.
#   scripts/bench_peers.sh PYTHON [--lines NAME…] [--pairs N] [--seconds S]
# Let nothing else run. PYTHON: one that has torch; torch.compile also wants g++.
set -euo pipefail
. "$(dirname "$0")/common.sh"
python=${1:?usage: scripts/bench_peers.sh PYTHON [options of bench/peers.py]}
shift
"$python" -c 'import torch' || { echo "bench_peers: $python has no torch" >&2; exit 3; }
exec /usr/bin/python3 bench/peers.py --program "$(program_built)" --python "$python" "$@"
