#!/usr/bin/env bash
# The tables of docs/results.md for image autoencoders and the diffusion of their latents.
#   scripts/reproduce_image_vae.sh DATA [OUT]        DATA holds smiles.tar.gz and cifar10.tar.gz; STEPS, CIFAR_STEPS, PRIOR_STEPS;
#                                                    WIDTH: channels at the picture's resolution; FEATURES, JUDGE: networks
#                                                    of distances that python3 -m elbo_features wrote (default: the runs' own)
set -euo pipefail
. "$(dirname "$0")/common.sh"
elbo=$(program_built)
data=${1:?name the folder of smiles.tar.gz and cifar10.tar.gz}
out=${2:-$(mktemp -d)}
mkdir -p "$out"
export OMP_NUM_THREADS=1
width=${WIDTH:-16}
common=(--model image_vae --set "encoder.width=$width" --set "decoder.width=$width" --batch 16 --average 0.995 --validation 0 --seed 0 --force -q)
pictures=(--features perceptual ${JUDGE:+--perceptual "$JUDGE"} --draws 0 --rows 1000 --json)

# train NAME DATA STEPS SETTING…: a run, and the processor minutes of its training
train() {
  local name=$1 source=$2 steps=$3 began
  shift 3
  began=$SECONDS
  "$elbo" train $source "${common[@]}" --steps "$steps" --lr "cosine(0.001, 0.00005, $steps)" --out "$out/$name" "$@"
  echo "$name: $(((SECONDS - began + 30) / 60)) minutes" | tee -a "$out/minutes.txt"
}

say "faces 64x64, a fifth held out"
python3 bench/split_archive.py "$data/smiles.tar.gz" "$out/faces"
for run in features:1 pixels:0; do
  train "${run%:*}" "$out/faces/train.tar.gz" "${STEPS:-3000}" --set likelihood.scale=0.05 --set "objective.perceptual=${run#*:}" --set "objective.features=${FEATURES:-own}"
  "$elbo" evaluate "$out/${run%:*}" "$out/faces/test.tar.gz" "${pictures[@]}" --metrics pictures,perceptual,reconstruction_frechet,interpolation_frechet,frechet > "$out/${run%:*}.json"
  "$elbo" reconstruct "$out/${run%:*}" "$out/faces/test.tar.gz" --rows 12 -o "$out/${run%:*}.png" -q
done

say "diffusion of the latents of faces"
"$elbo" train --from "$out/features" --model latent_diffusion_unet --validation 0 --batch 32 \
  --steps "${PRIOR_STEPS:-2000}" --lr "cosine(0.001, 0.00005, ${PRIOR_STEPS:-2000})" --out "$out/diffusion" --seed 0 --force -q
"$elbo" evaluate "$out/diffusion" "$out/faces/test.tar.gz" --metrics frechet --features perceptual --perceptual "${JUDGE:-$out/features/perceptual.safetensors}" \
  --sampling-steps 25 --draws 0 --rows 1000 --json > "$out/diffusion.json"
"$elbo" sample "$out/diffusion" -n 32 --columns 8 --sampling-steps 25 -o "$out/diffusion.png" -q

if [ "${CIFAR_STEPS:-1200}" -gt 0 ]; then
  say "CIFAR-10"
  train cifar "$data/cifar10.tar.gz" "${CIFAR_STEPS:-1200}"
  "$elbo" evaluate "$out/cifar" "${pictures[@]}" --metrics pictures,perceptual,reconstruction_frechet,interpolation_frechet > "$out/cifar.json"
fi

say "figures"
python3 bench/image_vae_table.py "$out"
cat "$out/minutes.txt"
