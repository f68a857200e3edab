#!/usr/bin/env bash
# The figures of docs/tables.md: cells of Adult and Wine that are hidden and filled again, and made
# rows of Adult in place of real ones.
#   scripts/reproduce_tables.sh              needs the data under ELBO_DATA (or ../shared/data)
set -euo pipefail
. "$(dirname "$0")/common.sh"
elbo=$(program_built)
tables=${ELBO_DATA:-../shared/data}/tabular
say "Hidden cells, one mask"
/usr/bin/python3 bench/impute.py --program "$elbo" --data "$tables" --masks 1
say "Made rows of Adult"
/usr/bin/python3 bench/synthetic.py --program "$elbo" --data "$tables" --steps 12000
