#!/usr/bin/env bash
# The table of docs/text.md: lines of tiny Shakespeare, one model, what keeps its code alive.
#   scripts/reproduce_text.sh [EPOCHS]       needs the data under ELBO_DATA (or ../shared/data)
set -euo pipefail
. "$(dirname "$0")/common.sh"
epochs=${1:-6}
data=${ELBO_DATA:-../shared/data}/text/tinyshakespeare.txt
out=${ELBO_OUT:-runs/text}
elbo=$(program_built)
small=(--set encoder.hidden=128 --set encoder.embedding=64 --set likelihood.embedding=64)

judge() {  # name, options of the training
  local run=$out/$1
  if [ ! -e "$run/done" ]; then
    "$elbo" train "text:$data" --out "$run" --force --epochs "$epochs" "${small[@]}" "${@:2}" -q
    touch "$run/done"
  fi
  "$elbo" evaluate "$run" --rows 500 --draws 100 --judged 400 --metrics text_reconstruction,text_walks --json \
    > "$run/figures.json"
  /usr/bin/python3 - "$1" "$run/figures.json" << 'PYTHON'
import json, sys

name, path = sys.argv[1:]
j = json.load(open(path))
m = j["metrics"]
walk, back = m["text_walks"], m["text_reconstruction"]
print(
    f"{name:12} {j['kl']:6.2f} {j['negative_log_likelihood']:8.2f} {j['perplexity']:8.3f}"
    f" {j['sites'][0]['active_units']:6d} {back['exact_match']:8.3f} {back['token_accuracy']:8.3f}"
    f" {walk['distance_of_ends']:8.1f} {walk['distance_of_neighbours']:8.1f}"
)
PYTHON
}

echo "                 KL  -log p(x)     ppl  units    exact   tokens     ends  neighbours"
judge plain
judge free_bits --set objective.free_bits=6
judge cyclical --set "objective.beta=cycle(0, 0.5, 2e, 0.5)"
judge lagging --set objective.type=aggressive --set objective.inner=3 --set objective.beta=0.5
judge kl_target --set objective.type=kl_target --set objective.target=6
