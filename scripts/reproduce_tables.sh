#!/usr/bin/env bash
# The figures of docs/tables.md and docs/synthetic.md: cells of Adult and Wine that are hidden and filled
# again, and synthetic rows of raw Adult, shoppers and magic.
#   scripts/reproduce_tables.sh [synthetic]  all, or the synthetic rows alone; needs the data under ELBO_DATA (or ../shared/data)
set -euo pipefail
. "$(dirname "$0")/common.sh"
elbo=$(program_built)
tables=${ELBO_DATA:-../shared/data}/tabular
if [ "${1:-all}" != synthetic ]; then
  say "Hidden cells, one mask"
  /usr/bin/python3 bench/impute.py --program "$elbo" --data "$tables" --masks 1
fi
say "Synthetic rows"
/usr/bin/python3 bench/synthetic.py --program "$elbo" --data "$tables/raw"
say "Synthetic rows of another model"
/usr/bin/python3 bench/synthetic.py --program "$elbo" --data "$tables/raw" --model missing_iwae --draws 100
