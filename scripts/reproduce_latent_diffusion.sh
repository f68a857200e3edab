#!/usr/bin/env bash
# The tables of docs/latent_diffusion.md: image autoencoders of the published shapes with random weights against
# diffusers' own classes.
#   scripts/reproduce_latent_diffusion.sh [PYTHON]       PYTHON has diffusers, torch, safetensors, pillow and numpy;
#                                                        SIDE=2048 compares larger pictures
set -euo pipefail
. "$(dirname "$0")/common.sh"
elbo=$(program_built)
echo "== agreement"
"${1:-python3}" bench/latent_diffusion.py --program "$elbo"
echo "== large pictures"
"${1:-python3}" bench/latent_diffusion.py --program "$elbo" --large "${SIDE:-1024}"
echo "== speed"
"${1:-python3}" bench/latent_diffusion.py --program "$elbo" --speed 512
"${1:-python3}" bench/latent_diffusion.py --program "$elbo" --train 64
