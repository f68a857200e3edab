#!/usr/bin/env bash
# Packages of the release that this machine runs, in dist/: a .deb and a .tar.gz with the program, the
# libraries, headers, manual page and completion; an SPDX list of what is in them; the release notes.
#   scripts/package.sh [--from BUILD] [--to FOLDER]
#     --from  packs a folder of builds as it is; else build-package is built
#     --to    another folder than dist
# Needs dpkg-dev beside what scripts/setup.sh installs; DEBFULLNAME and DEBEMAIL name the maintainer.
set -euo pipefail
source "$(dirname "$0")/common.sh"

stop() {
  echo "package: $*" >&2
  exit 1
}
build= folder=dist
while (($#)); do
  case $1 in
    --from) build=$(cd "$OLDPWD" && realpath "$2") ;;
    --to) folder=$(cd "$OLDPWD" && realpath "$2") ;;
    *) stop "unknown $1; known: --from BUILD, --to FOLDER" ;;
  esac
  shift 2
done
for tool in dpkg-shlibdeps dpkg-deb; do
  command -v "$tool" >/dev/null || stop "needs $tool: apt-get install dpkg-dev"
done

version=$(sed -n 's/^project(elbo VERSION \([0-9.]*\).*/\1/p' CMakeLists.txt)
# The same version for a later release of the distribution is an upgrade.
release=$(. /etc/os-release && echo "${ID/debian/deb}${VERSION_ID:-}")
architecture=$(dpkg --print-architecture)
name=elbo_$version+${release}_$architecture
triplet=$(dpkg-architecture -qDEB_HOST_MULTIARCH)
maintainer="${DEBFULLNAME:-elbo developers} <${DEBEMAIL:-$(git log -1 --format=%ae)}>"
# Both files are the same for the same commit.
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
export SOURCE_DATE_EPOCH

build_all() {
  scripts/setup.sh
  say "build"
  build=build-package
  cmake --preset release -B "$build" -DCMAKE_INSTALL_PREFIX=/usr -DCMAKE_INSTALL_LIBDIR="lib/$triplet" \
    -DELBO_REQUIRE=all -DELBO_TESTS=OFF -DELBO_EXAMPLES=OFF >package.log 2>&1 || {
    cat package.log
    exit 1
  }
  rm -f package.log
  cmake --build "$build" -j "$(compilers_at_once)"
}
[ -n "$build" ] || build_all

say "package"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tree=$work/tree
umask 022
DESTDIR=$tree cmake --install "$build" --prefix /usr --strip >/dev/null
documents=$tree/usr/share/doc/elbo
mkdir -p "$documents" "$tree/usr/share/man/man1" "$tree/usr/share/bash-completion/completions"
"$build/elbo" man | gzip -9n >"$tree/usr/share/man/man1/elbo.1.gz"
"$build/elbo" completion bash >"$tree/usr/share/bash-completion/completions/elbo"

# CHANGELOG's section of this version.
mkdir -p "$folder"
notes=$folder/elbo_$version.notes.md
awk -v version="$version" '/^## / {inside = index($2, version) == 1} inside' CHANGELOG.md >"$notes"
[ -s "$notes" ] || stop "CHANGELOG.md has no section of version $version"
{
  printf 'elbo (%s) unstable; urgency=low\n\n  * Release %s; see NEWS.md.gz.\n\n -- %s  %s\n' \
    "$version+$release" "$version" "$maintainer" "$(date -uR -d "@$SOURCE_DATE_EPOCH")"
} | gzip -9n >"$documents/changelog.gz"
gzip -9nc "$notes" >"$documents/NEWS.md.gz"
cat >"$documents/copyright" <<END
Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: elbo

Files: *
Copyright: 2026 the elbo developers
License: Apache-2.0

License: Apache-2.0
 On Debian systems the text of this licence is in /usr/share/common-licenses/Apache-2.0.
END

# What the programs load says which packages bring it.
mkdir -p "$work/debian"
printf 'Source: elbo\n\nPackage: elbo\nArchitecture: any\nDescription: x\n' >"$work/debian/control"
mapfile -t binaries < <(find "$tree/usr/bin" "$tree/usr/lib" -type f \( -perm -u+x -o -name '*.so*' \))
depends=$(cd "$work" && dpkg-shlibdeps -O "${binaries[@]/#/-e}" | sed -n 's/^shlibs:Depends=//p')
[ -n "$depends" ] || stop "dpkg-shlibdeps found no packages"

list=$folder/$name.spdx.json
python3 tools/spdx.py --name elbo --version "$version" --tree "$tree" --depends "$depends" >"$list"
gzip -9nc "$list" >"$documents/elbo.spdx.json.gz"

control=$tree/DEBIAN
mkdir -p "$control"
echo "activate-noawait ldconfig" >"$control/triggers"
# Programs that load the libraries need a package of this version.
find "$tree/usr/lib" -name 'lib*.so.*.*.*' -printf '%f\n' | sort |
  sed -nE "s/^(lib.+)\.so\.([0-9]+\.[0-9]+)\.[0-9]+\$/\1 \2 elbo (>= $version)/p" >"$control/shlibs"
(cd "$tree" && find usr -type f -print0 | LC_ALL=C sort -z | xargs -0 md5sum) >"$control/md5sums"
# What no program loads by its name: the BLAS that suits OpenMP, and RDKit's tables.
cat >"$control/control" <<END
Package: elbo
Version: $version+$release
Architecture: $architecture
Maintainer: $maintainer
Installed-Size: $(du -sk --apparent-size "$tree/usr" | cut -f1)
Depends: $depends
Recommends: libopenblas0-openmp, rdkit-data
Section: science
Priority: optional
Description: variational autoencoders, trained on your own data and put to use
 Trains a variational autoencoder on pictures, tables, series, texts or
 molecules; then samples, reconstructs, fills missing cells, finds anomalies,
 classifies from few labels, and shows the model in the browser. With the
 program come its C++ library, the headers, and files for CMake.
END
dpkg-deb --root-owner-group --build "$tree" "$folder/$name.deb" >/dev/null
rm -r "$control"
mv "$tree/usr" "$work/$name"
tar -C "$work" --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$SOURCE_DATE_EPOCH" -cf - "$name" |
  gzip -9n >"$folder/$name.tar.gz"

say "packed, $((($(du -sk --apparent-size "$work/$name" | cut -f1) + 512) / 1024)) MB installed"
ls -l "$folder/$name".* "$notes"
if command -v lintian >/dev/null; then
  lintian --allow-root --fail-on error "$folder/$name.deb"
else
  echo "package: not judged by lintian, which is not installed"
fi
