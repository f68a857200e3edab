#!/usr/bin/env bash
# Long trials of what must not break: random kills of twelve kinds of training, and requests to a server; prints tables.
# Kills hit forks of a program that is loaded; one in twenty hits a process of its own.
#   scripts/soak.sh KILLS REQUESTS     in all, e.g. 1000 1000000; a quarter of the kills under one process number (root)
set -euo pipefail
source "$(dirname "$0")/common.sh"
if (($# != 2)); then
  echo "usage: scripts/soak.sh KILLS REQUESTS" >&2
  exit 2
fi
program=$(program_built)
zygote=$(built elbo_zygote elbo_zygote)
each=$((($1 + 11) / 12))
began=$SECONDS
if (($1 > 0)); then
  say "kills"
  apart=$each
  if ((EUID == 0)); then apart=$(((each * 3 + 3) / 4)); fi
  python3 tests/cli/kill.py --program "$program" --zygote "$zygote" --kinds all --kills "$apart"
  if ((EUID == 0 && each > apart)); then
    say "kills, every training with the process number 1"
    python3 tests/cli/kill.py --program "$program" --zygote "$zygote" --kinds all --kills $((each - apart)) --seed 1 --same-number
  fi
  echo "kills: $((SECONDS - began)) s"
fi
if (($2 > 0)); then
  say "requests"
  python3 tests/cli/requests.py --program "$program" --count "$2"
fi
echo "soak.sh: $((SECONDS - began)) s"
