#!/usr/bin/env bash
# Installs what building and testing needs, from the distribution's own packages (Debian 12 or later).
# Does nothing where all of it is there. `setup.sh --build` leaves out what only tests need; `--develop` adds
# what only judges a change: formatter, decoder of protocol buffers, tools for packages, and what the Python
# package works with; `--bench` the peers that bench.sh measures.
set -euo pipefail

# libopenblas0-openmp: libtorch's products without it are ten times slower, and a BLAS with
# threads of its own (pthread) fights with OpenMP for the cores.
packages=(
  g++ cmake ninja-build pkg-config
  libtorch-dev libgloo-dev libopenblas0-openmp libdnnl-dev
  nlohmann-json3-dev libcli11-dev
  libpng-dev libjpeg62-turbo-dev libwebp-dev libgif-dev libtiff-dev libarchive-dev zlib1g-dev libsqlite3-dev libcpp-httplib-dev
  librdkit-dev rdkit-data libboost-dev libxgboost-dev
)
tests=(doctest-dev python3 python3-numpy)
# Another version of the formatter judges differently: where the release has not this one, none is used.
wanted=()
case "${1:-}" in
  "") packages+=("${tests[@]}") ;;
  --build) ;;
  --develop) packages+=("${tests[@]}" git protobuf-compiler dpkg-dev python3-sklearn python3-pandas) wanted=(clang-format-14) ;;
  --bench) packages+=("${tests[@]}" python3-torch python3-pil python3-scipy python3-sklearn python3-rdkit hyperfine time) ;;
  *)
    echo "usage: scripts/setup.sh [--build | --develop | --bench]" >&2
    exit 2
    ;;
esac

if ! command -v apt-get >/dev/null; then
  echo "setup: this script knows apt only; install these by your own package manager:" >&2
  echo "  ${packages[*]}" >&2
  exit 1
fi

installed=" $(dpkg-query -W -f='${db:Status-Status}:${Package} ' "${packages[@]}" "${wanted[@]}" 2>/dev/null || true)"
is_missing() { [[ $installed != *" installed:$1 "* ]]; }
missing=()
for package in "${packages[@]}"; do
  if is_missing "$package"; then missing+=("$package"); fi
done
# Whether this release has what is only wanted is known once there is a package list.
add_wanted() {
  for package in "${wanted[@]}"; do
    if ! is_missing "$package"; then continue; fi
    if apt-cache show "$package" >/dev/null 2>&1; then
      missing+=("$package")
    else
      echo "setup: the package lists have no $package; what it checks is left out here"
    fi
  done
}
if ((${#missing[@]} == 0)); then
  add_wanted
  listed=yes
fi
if ((${#missing[@]} == 0)); then
  echo "setup: all ${#packages[@]} packages are installed"
  exit 0
fi

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
seconds_of() {
  local began=$SECONDS
  "$@"
  took=$((SECONDS - began))
}
apt update
[ -n "${listed:-}" ] || add_wanted
echo "setup: installing ${missing[*]}"
new=(install -y --no-install-recommends "${missing[@]}")
seconds_of apt "${new[@]}" --download-only
downloaded=$took
# Waiting for the disk at each file takes three minutes of four. What the system has already is replaced
# in that way all the same; new packages reach the disk together, by one sync, and a power failure before
# it would harm nothing but them (then: apt-get install --reinstall).
mapfile -t upgrades < <(LC_ALL=C apt-get -s "${new[@]}" | sed -n 's/^Inst \([^ ]*\) \[.*/\1/p')
install_all() {
  if ((${#upgrades[@]})); then
    mapfile -t automatic < <(apt-mark showauto "${upgrades[@]}")
    apt install -y --no-install-recommends --only-upgrade "${upgrades[@]}"
    if ((${#automatic[@]})); then "${as_root[@]}" apt-mark auto "${automatic[@]}" >"$log"; fi
  fi
  apt "${new[@]}" -o DPkg::Options::=--force-unsafe-io
  sync
}
seconds_of install_all
echo "setup: done, $downloaded s of downloads and $took s of unpacking"
