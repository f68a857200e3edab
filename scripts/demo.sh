#!/usr/bin/env bash
# From a fresh checkout to pictures: builds the program, trains a VAE on digits that the program
# draws itself, and samples from it. Safe to run again; it replaces runs/demo.
set -euo pipefail
source "$(dirname "$0")/common.sh"

scripts/setup.sh --build

say "build the program"
cmake --preset release >build.log 2>&1 || { cat build.log; exit 1; }
left_out=$(sed -n 's/^-- *\(.*left out.*\)/\1/p' build.log)
rm -f build.log
cmake --build build --target elbo_program -j "$(compilers_at_once)"

say "train"
elbo=build/elbo
"$elbo" train builtin:digits --out runs/demo --force --epochs "${ELBO_DEMO_EPOCHS:-20}"

say "use"
"$elbo" sample runs/demo -n 64 -o runs/demo/samples.png
"$elbo" reconstruct runs/demo builtin:digits -o runs/demo/reconstructions.png
"$elbo" evaluate runs/demo

if [ -n "$left_out" ]; then
  say "left out of this build (scripts/setup.sh installs the packages)"
  echo "$left_out"
fi

cat <<END

Look at  runs/demo/samples.png            64 digits drawn from the prior
         runs/demo/reconstructions.png    data beside their reconstructions
         runs/demo/log.jsonl              the loss and its terms, in nats

Next     build/elbo traverse runs/demo                     what each latent dimension does
         build/elbo encode runs/demo builtin:digits -o codes.csv
         build/elbo train my_images/ --out runs/mine       your own: a folder, tar, .npy, .csv …
         build/elbo list models                            what else there is
END
