#!/usr/bin/env bash
# The figures of the Python package in docs/results.md.
#   scripts/reproduce_python.sh              the package beside the program (bench/python.py)
#   scripts/reproduce_python.sh --peers      beside pythae, PyOD and scikit-learn; pip installs them into PEERS
#                                            (default: /var/tmp/elbo-peers; some GB), data under ELBO_DATA
#   scripts/reproduce_python.sh --soak       10,000 fits in one process
set -euo pipefail
. "$(dirname "$0")/common.sh"
elbo=$(program_built)
export PYTHONPATH=$PWD/python ELBO_LIBRARY=$PWD/build/libelbo.so
case "${1:-}" in
  "") exec python3 bench/python.py --program "$elbo" ;;
  --soak) exec python3 bench/python_soak.py ;;
  --peers)
    peers=${PEERS:-/var/tmp/elbo-peers}
    [ -x "$peers/bin/python" ] || python3 -m venv "$peers"
    "$peers/bin/pip" install -q numpy scikit-learn pythae pyod
    exec "$peers/bin/python" bench/python_peers.py "${@:2}"
    ;;
  *)
    echo "usage: scripts/reproduce_python.sh [--peers | --soak]" >&2
    exit 2
    ;;
esac
