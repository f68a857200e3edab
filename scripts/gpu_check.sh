#!/usr/bin/env bash
# On a machine with an NVIDIA GPU: builds against a libtorch with CUDA, runs the fast tests, trains
# every zoo model 20 steps on the device and on the CPU and compares the losses (relative 1e-3),
# and prints the speed table of the device.
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
cmake -S . -B "$build" -G Ninja -DCMAKE_PREFIX_PATH="$prefix" -DELBO_BENCHMARKS=OFF >/dev/null
cmake --build "$build" -j "$(compilers_at_once)" --target elbo_program elbo_tests

say "fast tests"
"$build/elbo_tests"

say "every zoo model, 20 steps, device against CPU"
python3 bench/gpu.py --program "$build/elbo" compare

say "speed"
python3 bench/gpu.py --program "$build/elbo" speed
