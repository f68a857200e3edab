#!/usr/bin/env bash
# The figures of docs/anomalies.md: 80 tables of OddBench, 14 of ADBench, semi-supervised and
# unsupervised, mixed tables with planted anomalies, false alarms, and the valve1 series of SKAB, each
# trained and scored with the program and one setting for all.
#   scripts/reproduce_anomaly.sh [odd]       needs the data under ELBO_DATA (or ../shared/data); odd: OddBench alone
set -euo pipefail
. "$(dirname "$0")/common.sh"
elbo=$(program_built)
echo "== OddBench"
/usr/bin/python3 bench/anomaly.py --program "$elbo" --bench oddbench --seeds 1
if [ "${1:-}" = odd ]; then exit; fi
echo "== planted"
/usr/bin/python3 bench/planted.py --program "$elbo"
echo "== false alarms"
/usr/bin/python3 bench/false_alarms.py --program "$elbo"
echo "== ADBench, semi-supervised"
/usr/bin/python3 bench/anomaly.py --program "$elbo"
echo "== ADBench, unsupervised"
/usr/bin/python3 bench/anomaly.py --program "$elbo" --unsupervised
echo "== SKAB valve1"
/usr/bin/python3 bench/series.py --program "$elbo"
