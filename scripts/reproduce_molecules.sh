#!/usr/bin/env bash
# The figures of docs/molecules.md: ZINC held out by one in ten, ChEMBL added for training.
#   scripts/reproduce_molecules.sh [smiles|selfies]      needs the data under ELBO_DATA (or ../shared/data)
set -euo pipefail
. "$(dirname "$0")/common.sh"
tokens=${1:-smiles}
data=${ELBO_DATA:-../shared/data}/molecules
out=${ELBO_OUT:-runs/molecules_$tokens}
elbo=$(program_built)
mkdir -p "$out"

# Every tenth molecule of a fixed shuffle is held out; none of them is trained on. The others count
# twice beside the shorter ones of ChEMBL.
shuffled() { awk 'BEGIN { srand(1) } { print rand() "\t" $1 }' | sort -k1,1 -g | cut -f2; }
shuffled < "$data/zinc24k.smi" > "$out/zinc.smi"
awk 'NR % 10 == 0' "$out/zinc.smi" > "$out/held_out.smi"
awk 'NR % 10 != 0' "$out/zinc.smi" > "$out/kept.smi"
{ cat "$out/kept.smi" "$out/kept.smi"; gunzip -c "$data/chembl_validation.smi.gz" | awk 'length($1) <= 55 { print $1 }'; } |
  awk 'NR == FNR { held[$1] = 1; next } !($1 in held)' "$out/held_out.smi" - | shuffled > "$out/train.smi"

"$elbo" train "$out/train.smi" --model molecule_vae --tokens "$tokens" --property qed --out "$out/run"
"$elbo" train --from "$out/run" --out "$out/prior" --epochs 6 --batch 256 --lr "cosine(0.003, 0.0001, 6e)" \
  --set objective.samples=4 --set 'prior={"type":"flow","step":{"type":"realnvp","hidden":[256]},"steps":8}'

echo "== held-out molecules: bound, predicted property, active units, what comes back, what is drawn"
"$elbo" evaluate "$out/prior" "$out/held_out.smi" --draws 0 --judged 10000 \
  --metrics molecules,molecule_reconstruction
echo "== the likeliest molecule of each code"
"$elbo" evaluate "$out/prior" "$out/held_out.smi" --draws 0 --judged 10000 --temperature 0 \
  --metrics molecules
echo "== optimisation: 100 held-out molecules"
"$elbo" optimize "$out/run" "$out/held_out.smi" --property qed --from-data 100 --rounds 1 --no-better -o "$out/optimized.csv"
