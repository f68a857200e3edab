#!/usr/bin/env bash
# Proof on a fresh system: debootstrap's minimal system of a release in a folder, the committed
# checkout cloned into it, the README's two commands as printed, and one command for every part.
#   scripts/fresh.sh bookworm|trixie [--quick] [--keep]
#     --quick  without the second command (the tests)
#     --keep   leaves the folder, and says where it is
# Needs root, debootstrap, and a host that has run `apt-get update`: the mirror is the host's.
# ELBO_FRESH names another folder for the systems than /var/tmp (5 GB each).
set -euo pipefail
source "$(dirname "$0")/common.sh"

usage() {
  echo "usage: scripts/fresh.sh bookworm|trixie [--quick] [--keep]" >&2
  exit 2
}
stop() {
  echo "fresh: $*" >&2
  exit 1
}

release=${1:-}
[[ $release == bookworm || $release == trixie ]] || usage
shift
quick= keep=
for option; do
  case $option in
    --quick) quick=yes ;;
    --keep) keep=yes ;;
    *) usage ;;
  esac
done
((EUID == 0)) || stop "only root can make a system"
command -v debootstrap >/dev/null || stop "needs debootstrap: apt-get install debootstrap"

# The host's own mirrors, by what their indexes say of themselves.
site() {
  apt-get indextargets --format '$(ORIGIN):$(LABEL) $(SITE)' 'Identifier: Packages' |
    awk -v label="$1" '$1 == label {print $2; exit}'
}
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
    exec chroot "$0" /usr/bin/env -i HOME=/root LANG=C.UTF-8 \
      PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
      bash -ec "cd /root; [ ! -d elbo ] || cd elbo; $1"' "$system" "$1"
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
  mkdir -p "$system/dev/shm"
  git clone --quiet --no-hardlinks "$root" "$system/root/elbo"
}

step "debootstrap $release" make_system
mapfile -t commands < <(sed -n '/^## Two commands/,/^Both/s/^\(scripts\/[^ ]*\) .*/\1/p' README.md)
((${#commands[@]} == 2)) || stop "the README does not print two commands"
[ -z "$quick" ] || unset 'commands[1]'
for command in "${commands[@]}"; do step "$command" inside "$command"; done
inside build/elbo\ doctor | tee "$system/root/doctor"
if grep "left out" "$system/root/doctor"; then stop "a part is left out"; fi
step scripts/smoke.sh inside scripts/smoke.sh

say "$release, $(nproc) cores: all works, nothing is left out"
printf '| command | release | minutes |\n| --- | --- | --- |\n'
printf '%s\n' "${table[@]}"
