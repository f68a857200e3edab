#!/usr/bin/env bash
# The figures of docs/anomalies.md: 14 tables of ADBench, semi-supervised and unsupervised, and the
# valve1 series of SKAB, each trained and scored with the program and one setting for all.
#   scripts/reproduce_anomaly.sh             needs the data under ELBO_DATA (or ../shared/data)
set -euo pipefail
. "$(dirname "$0")/common.sh"
elbo=$(program_built)
echo "== ADBench, semi-supervised"
/usr/bin/python3 bench/anomaly.py --program "$elbo"
echo "== ADBench, unsupervised"
/usr/bin/python3 bench/anomaly.py --program "$elbo" --unsupervised
echo "== SKAB valve1"
/usr/bin/python3 bench/series.py --program "$elbo"
