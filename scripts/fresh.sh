#!/usr/bin/env bash
# Proof on a fresh system: debootstrap's minimal system of a release in a folder, the committed
# checkout cloned into it, the README's two commands as printed, and one command for every part.
#   scripts/fresh.sh bookworm|trixie [--quick] [--package FILE.deb] [--ccache FOLDER] [--keep]
#     --quick    without the second command (the tests)
#     --ccache   compiles through ccache, whose results the folder keeps from one system to the next
#     --package  no checkout: installs a package of scripts/package.sh, uses it, removes it
#     --keep     leaves the folder, and says where it is
# Needs root, debootstrap, and a host that has run `apt-get update`: the mirror is the host's.
# ELBO_FRESH names another folder for the systems than /var/tmp (5 GB each).
set -euo pipefail
source "$(dirname "$0")/common.sh"

usage() {
  echo "usage: scripts/fresh.sh bookworm|trixie [--quick] [--package FILE.deb] [--ccache FOLDER] [--keep]" >&2
  exit 2
}
stop() {
  echo "fresh: $*" >&2
  exit 1
}

release=${1:-}
[[ $release == bookworm || $release == trixie ]] || usage
shift
quick= keep= package= cache=
while (($#)); do
  case $1 in
    --quick) quick=yes ;;
    --keep) keep=yes ;;
    --ccache)
      cache=${2:-}
      [[ $cache == /* ]] || cache=$OLDPWD/$cache
      [ -d "$cache" ] || usage
      shift
      ;;
    --package)
      package=${2:-}
      [[ $package == /* ]] || package=$OLDPWD/$package
      [ -f "$package" ] || usage
      shift
      ;;
    *) usage ;;
  esac
  shift
done
((EUID == 0)) || stop "only root can make a system"
command -v debootstrap >/dev/null || stop "needs debootstrap: apt-get install debootstrap"

mirror=$(site Debian:Debian)
security=$(site Debian:Debian-Security)
[ -n "$mirror" ] || stop "apt knows no Debian mirror; apt-get update first"

[ -z "$(git status --porcelain)" ] || echo "fresh: only what is committed is cloned"
system=$(mktemp -d "${ELBO_FRESH:-/var/tmp}/elbo-$release.XXXXXX")
chmod 755 "$system"
finish() {
  # The mounts ended with the commands that had them, each in a namespace of its own.
  if [ -n "$keep" ]; then
    echo "fresh: kept $system"
  else
    rm -rf --one-file-system "$system"
  fi
}
trap finish EXIT

# A command line within the new system, without anything of the host's environment.
inside() {
  unshare --mount --pid --fork --kill-child -- sh -ec '
    mount -t proc proc "$0/proc"
    mount -t tmpfs tmpfs "$0/dev/shm"
    [ -z "$2" ] || mount --bind "$2" "$0/root/.cache/ccache"
    exec chroot "$0" /usr/bin/env -i HOME=/root LANG=C.UTF-8 \
      PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
      bash -ec "cd /root; [ ! -d elbo ] || cd elbo; $1"' "$system" "$1" "$cache"
}

table=()
step() {
  local name=$1 began=$SECONDS
  shift
  say "$name"
  "$@"
  table+=("$(printf '| `%s` | %s | %d.%d |' "$name" "$release" \
    $(((SECONDS - began) / 60)) $(((SECONDS - began) % 60 / 6)))")
}

print_table() {
  printf '| command | release | minutes |\n| --- | --- | --- |\n'
  printf '%s\n' "${table[@]}"
}

make_system() {
  debootstrap --variant=minbase "$release" "$system" "$mirror" >"$system.log" 2>&1 || {
    tail -20 "$system.log" >&2
    stop "debootstrap failed"
  }
  rm -f "$system.log"
  {
    echo "deb $mirror $release main"
    echo "deb $mirror $release-updates main"
    if [ -n "$security" ]; then echo "deb $security $release-security main"; fi
  } >"$system/etc/apt/sources.list"
  # A proxy, and whether a mirror may be an old copy, are as on the host.
  apt-config dump | grep -E '^Acquire::(https?::(Proxy|Verify|CaInfo)|Check-)' \
    >"$system/etc/apt/apt.conf.d/90host" || true
  mkdir -p "$system/dev/shm" "$system/root/.cache/ccache"
  if [ -n "$cache" ]; then
    inside 'apt-get -qq update
      DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends ccache >/dev/null 2>&1
      ln -s /usr/bin/ccache /usr/local/bin/c++'
  fi
  if [ -z "$package" ]; then git clone --quiet --no-hardlinks "$root" "$system/root/elbo"; fi
}

# From the file to samples, without a compiler; nothing stays behind.
install_package() {
  cp "$package" "$system/root/elbo.deb"
  inside 'apt-get -qq update
    DEBIAN_FRONTEND=noninteractive apt-get -qq install -y ./elbo.deb >install.log 2>&1 || { tail install.log; exit 1; }'
}
use_package() {
  inside 'if command -v g++ gcc cc; then echo "there is a compiler"; exit 1; fi
    elbo train builtin:digits --epochs 5 --out digits
    elbo sample digits -n 64 -o samples.png
    test -s samples.png
    test -s /usr/share/man/man1/elbo.1.gz || grep -q path-exclude /etc/dpkg/dpkg.cfg.d/*
    elbo doctor'
}
remove_package() {
  inside 'DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --reinstall ./elbo.deb >/dev/null 2>&1
    DEBIAN_FRONTEND=noninteractive apt-get -qq purge -y elbo >/dev/null 2>&1
    left=$(find / -xdev \( -name "elbo*" -o -name "libelbo*" \) -not -path "/root/*" -not -path "/var/lib/apt/*")
    if [ -n "$left" ]; then echo "left behind: $left"; exit 1; fi'
}

step "debootstrap $release" make_system
if [ -n "$package" ]; then
  step "apt install" install_package
  step "train and sample" use_package
  step "reinstall and remove" remove_package
  say "$release, $(nproc) cores: $(basename "$package") works and is gone"
  print_table
  exit
fi
mapfile -t commands < <(sed -n '/^## Two commands/,/^Both/s/^\(scripts\/[^ ]*\) .*/\1/p' README.md)
((${#commands[@]} == 2)) || stop "the README does not print two commands"
[ -z "$quick" ] || unset 'commands[1]'
for command in "${commands[@]}"; do step "$command" inside "$command"; done
inside build/elbo\ doctor | tee "$system/root/doctor"
if grep "left out" "$system/root/doctor"; then stop "a part is left out"; fi
[ -z "$quick" ] || inside scripts/setup.sh
step scripts/smoke.sh inside scripts/smoke.sh

say "$release, $(nproc) cores${cache:+, compiled through a cache}: all works, nothing is left out"
print_table
