#!/usr/bin/env bash
# On a machine with an NVIDIA GPU, in at most 8 minutes: builds against a libtorch with CUDA (16
# cores: two minutes), then prints one table: a resumed training, rates on the device beside
# PyTorch's, the cost of a tiny step, every zoo model's loss after 20 steps on the device and on
# the CPU (relative 1e-3), the fast tests. Ends with status 1 where something is not as wanted.
#   scripts/gpu_check.sh [PREFIX]   PREFIX: of libtorch 2.x; default: that of python3's torch
# Without a GPU it says what is missing and ends with status 3.
set -euo pipefail
. "$(dirname "$0")/common.sh"

missing() { echo "gpu_check: $*" >&2; exit 3; }
command -v nvidia-smi >/dev/null || missing "no nvidia-smi: no NVIDIA driver on this machine"
nvidia-smi -L | grep -q GPU || missing "the driver shows no GPU (nvidia-smi -L)"

prefix=${1:-$(python3 -c 'import torch; print(torch.utils.cmake_prefix_path)' 2>/dev/null || true)}
[ -n "$prefix" ] || missing "no libtorch: name its folder, or install a torch with CUDA for python3"
build=${ELBO_BUILD:-build-gpu}

say "build against $prefix"
began=$SECONDS
cmake -S . -B "$build" -G Ninja -DCMAKE_PREFIX_PATH="$prefix" -DELBO_BENCHMARKS=OFF >/dev/null
cmake --build "$build" -j "$(compilers_at_once)" --target elbo_program elbo_tests
left=$((8 * 60 - (SECONDS - began)))
[ "$left" -ge 60 ] || missing "the build took $((SECONDS - began)) s of the 480: run it again, it is kept in $build"

say "$(nvidia-smi -L | head -1)"
python3 bench/gpu.py --program "$build/elbo" --tests "$build/elbo_tests" --minutes "$(((left - 15) / 60)).$(((left - 15) % 60 * 10 / 60))"
