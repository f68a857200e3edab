# Read by the other scripts: where the tree is, how many compilers to run at once.
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"

# A translation unit that includes libtorch takes up to 2 GB.
compilers_at_once() {
  local cores gigabytes jobs
  cores=$(nproc)
  gigabytes=$(awk '/^MemAvailable/ {print int($2 / 1048576)}' /proc/meminfo)
  jobs=$((gigabytes / 2 < cores ? gigabytes / 2 : cores))
  echo $((jobs > 0 ? jobs : 1))
}

# A program, built where it is not there yet; ELBO_BUILD names another folder of builds.
#   built FILE TARGET, FILE as in that folder
built() {
  local build=${ELBO_BUILD:-build}
  if [ ! -x "$build/$1" ]; then
    cmake -S . -B "$build" -G Ninja > /dev/null
    cmake --build "$build" --target "$2" >&2
  fi
  realpath "$build/$1"
}
program_built() { built elbo elbo_program; }

say() { printf '\n== %s\n' "$*"; }

# The host's own mirror of an archive, by what its index says of itself.
#   site ORIGIN:LABEL
site() {
  apt-get indextargets --format '$(ORIGIN):$(LABEL) $(SITE)' 'Identifier: Packages' |
    awk -v label="$1" '$1 == label {print $2; exit}'
}
