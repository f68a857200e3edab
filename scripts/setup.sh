#!/usr/bin/env bash
# Installs what building and testing needs, from the distribution's own packages (Debian 12 or later).
# Does nothing where all of it is there. `setup.sh --bench` adds the peers that bench.sh measures.
set -euo pipefail

# libopenblas0-openmp: libtorch's products without it are ten times slower, and a BLAS with
# threads of its own (pthread) fights with OpenMP for the cores.
packages=(
  g++ cmake ninja-build pkg-config
  libtorch-dev libgloo-dev libopenblas0-openmp libdnnl-dev
  nlohmann-json3-dev libcli11-dev
  libpng-dev libjpeg62-turbo-dev libarchive-dev zlib1g-dev libsqlite3-dev libcpp-httplib-dev
  librdkit-dev
  doctest-dev clang-format-14 python3 protobuf-compiler
)
case "${1:-}" in
  "") ;;
  --bench) packages+=(python3-torch python3-pil python3-scipy python3-sklearn python3-rdkit hyperfine time) ;;
  *)
    echo "usage: scripts/setup.sh [--bench]" >&2
    exit 2
    ;;
esac

if ! command -v apt-get >/dev/null; then
  echo "setup: this script knows apt only; install these by your own package manager:" >&2
  echo "  ${packages[*]}" >&2
  exit 1
fi

installed=" $(dpkg-query -W -f='${db:Status-Status}:${Package} ' "${packages[@]}" 2>/dev/null || true)"
missing=()
for package in "${packages[@]}"; do
  [[ $installed == *" installed:$package "* ]] || missing+=("$package")
done
if ((${#missing[@]} == 0)); then
  echo "setup: all ${#packages[@]} packages are installed"
  exit 0
fi

echo "setup: installing ${missing[*]}"
as_root=()
if ((EUID != 0)); then as_root=(sudo); fi
apt() {
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get -q -o DPkg::Lock::Timeout=300 "$@" >"$log" 2>&1 || {
    cat "$log" >&2
    echo "setup: apt-get $1 failed" >&2
    exit 1
  }
}
log=$(mktemp)
trap 'rm -f "$log"' EXIT
apt update
apt install -y --no-install-recommends "${missing[@]}"
echo "setup: done"
