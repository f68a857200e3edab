#!/usr/bin/env bash
# Builds for aarch64 on another machine, with Debian's cross compiler and that architecture's packages
# in a folder, and tries the program under qemu-user: 50 steps, samples, scores, a resumed training
# whose weights are those of one that was not stopped.
#   scripts/cross.sh FOLDER [--build-only]
#     FOLDER  holds the system (system/, 2 GB) and the build (build/); kept for the next time
# Needs root for debootstrap, and debootstrap, g++-aarch64-linux-gnu, qemu-user-static.
set -euo pipefail
source "$(dirname "$0")/common.sh"

stop() {
  echo "cross: $*" >&2
  exit 1
}
[ -n "${1:-}" ] || stop "usage: scripts/cross.sh FOLDER [--build-only]"
mkdir -p "$OLDPWD/$1" 2>/dev/null || mkdir -p "$1"
folder=$(cd "$OLDPWD" && realpath "$1")
for tool in debootstrap aarch64-linux-gnu-g++ qemu-aarch64-static; do
  command -v "$tool" >/dev/null || stop "needs $tool: apt-get install debootstrap g++-aarch64-linux-gnu qemu-user-static"
done
system=$folder/system build=$folder/build
libraries=$system/usr/lib/aarch64-linux-gnu

# What setup.sh installs to build with, of the other architecture: headers and libraries alone.
make_system() {
  local mirror packages
  mirror=$(site Debian:Debian)
  [ -n "$mirror" ] || stop "apt knows no Debian mirror; apt-get update first"
  packages=$(sed -n '/^packages=(/,/^)/p' scripts/setup.sh | tr -s ' \n' '\n' |
    grep -E '^lib|-dev$|-data$' | paste -sd,)
  rm -rf "$system"
  debootstrap --arch=arm64 --foreign --variant=minbase --include="$packages" \
    "$(. /etc/os-release && echo "$VERSION_CODENAME")" "$system" "$mirror" >"$folder/system.log" 2>&1 ||
    stop "debootstrap failed; see $folder/system.log"
  local archive
  for archive in "$system"/var/cache/apt/archives/*.deb; do dpkg -x "$archive" "$system"; done
  rm -f "$system"/var/cache/apt/archives/*.deb
  # As update-alternatives would choose.
  ln -sf openblas-openmp/lib{blas.so.3,lapack.so.3,openblas.so.0} "$libraries/"
  touch "$system/complete"
}
[ -e "$system/complete" ] || { say "system for aarch64" && make_system; }

say "build for aarch64"
cmake --preset release -B "$build" -DCMAKE_TOOLCHAIN_FILE=cmake/aarch64.cmake -DELBO_SYSROOT="$system" \
  -DELBO_TESTS=OFF -DELBO_EXAMPLES=OFF -DELBO_BENCHMARKS=OFF -DELBO_REQUIRE=all >"$folder/configure.log" 2>&1 ||
  { tail -20 "$folder/configure.log" >&2; exit 1; }
cmake --build "$build" -j "$(compilers_at_once)"
file=$(od -An -tx1 -j18 -N2 "$build/elbo-core" | tr -d ' ')
[ "$file" = b700 ] || stop "elbo-core is not a program for aarch64"
[ "${2:-}" != --build-only ] || exit 0

say "under qemu-user"
# The program starts elbo-core, which the kernel of another machine cannot: it is started itself.
export OMP_NUM_THREADS=1 ELBO_PREPARED=1
elbo() { qemu-aarch64-static -L "$system" "$build/elbo-core" "$@"; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
# Dense and small: oneDNN has convolutions for aarch64's wider vectors (SVE) alone, qemu is slow besides.
small=(-q --model vae_mlp --rows 400 --batch 32 --set latent.size=4
  --set 'encoder.hidden=[32]' --set 'decoder.hidden=[32]')
elbo doctor
elbo train builtin:digits --steps 50 "${small[@]}" --out whole
elbo train builtin:digits --steps 25 "${small[@]}" --out parts
elbo train --resume parts --steps 50 -q
cmp whole/weights.safetensors parts/weights.safetensors
elbo sample whole -n 8 -o samples.png
elbo train builtin:census --model vae_mlp --steps 50 -q --rows 400 --set 'encoder.hidden=[32]' --set 'decoder.hidden=[32]' --out table
elbo score table builtin:census --rows 20 -o scores.csv
[ "$(wc -l <scores.csv)" = 21 ]
say "aarch64: trains 50 steps, samples, scores, and resumes to the bit"
