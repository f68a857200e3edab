#!/usr/bin/env bash
# Runs the commands of README and of every page of docs, shortened, on stand-ins for the reader's own data, and lists those
# that are only read, with the reason. The tests read all of them and run those on built-in data.
#   scripts/documented.sh
set -euo pipefail
. "$(dirname "$0")/common.sh"
exec python3 tests/cli/documented.py --program "$(program_built)" --all
