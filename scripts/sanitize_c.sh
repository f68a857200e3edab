#!/usr/bin/env bash
# The tests of the C interface under the address sanitizer and its search for leaks: 5 minutes of a core. The folders that
# hold memory of callers, files and models are compiled anew with it; kernels, chemistry, servers and exports are
# those of the build, for which the sanitizer watches allocations and calls of the C library alone.
#   scripts/sanitize_c.sh [FOLDERS]     e.g. "capi data io" (default: all but those named above)
# Leaks that libtorch and what it brings keep for the life of a process do not count.
set -euo pipefail
. "$(dirname "$0")/common.sh"
built elbo_tests elbo_tests >/dev/null
work=${ASAN_FOLDER:-$(mktemp -d)}
[ -n "${ASAN_FOLDER:-}" ] || trap 'rm -rf "$work"' EXIT
mkdir -p "$work"
folders=${1:-capi core data densities distributions eval group heads host io latents model nn objectives tasks train}
python3 - "$root" "$(realpath "${ELBO_BUILD:-build}")" "$work" "$(compilers_at_once)" $folders <<'PY'
import concurrent.futures
import json
import pathlib
import re
import subprocess
import sys

root, build, work = map(pathlib.Path, sys.argv[1:4])
workers, folders = int(sys.argv[4]), set(sys.argv[5:])
flags = " -fsanitize=address -fno-omit-frame-pointer -g1 -Wno-error"
entries = json.loads((build / "compile_commands.json").read_text())


def run(command):
    done = subprocess.run(command, shell=True, cwd=build, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(done.stderr[-3000:])


def compiled(entry, source, name):
    """The command of an entry for another source, with the sanitizer, its precompiled header and another object."""
    command = re.sub(r" -o \S+ -c \S+$", f" -o {work / name} -c {source}", entry["command"]) + flags
    return re.sub(r"-include \S*cmake_pch\.hxx", f"-include {work / 'cmake_pch.hxx'}", command)


header = next(e for e in entries if e["file"].endswith("elbo_objects.dir/cmake_pch.hxx.cxx"))
(work / "cmake_pch.hxx").write_text((build / "CMakeFiles/elbo_objects.dir/cmake_pch.hxx").read_text())
empty = work / "empty.cxx"
empty.write_text("")
if not (work / "cmake_pch.hxx.gch").exists():
    run(compiled(header, empty, "cmake_pch.hxx.gch"))

link = subprocess.run(["ninja", "-C", build, "-t", "commands", "elbo_tests"], capture_output=True, text=True, check=True)
link = link.stdout.strip().splitlines()[-1]
jobs, instrumented = [], set()
for entry in entries:
    found = re.search(r"unity_([a-z]+)_\d+_cxx\.cxx$", entry["file"])
    here = "elbo_objects.dir" in entry["file"] and found
    if here and any(f"/src/elbo/{folder}/" in pathlib.Path(entry["file"]).read_text() for folder in folders):
        name = pathlib.Path(entry["file"]).name + ".o"
        jobs.append(compiled(entry, entry["file"], name))
        instrumented.add(name)
tests = next(e for e in entries if e["file"].endswith("/tests/main.cpp"))
for name in ("main", "test_capi"):
    jobs.append(compiled(tests, root / f"tests/{name}.cpp", f"{name}.o"))
with concurrent.futures.ThreadPoolExecutor(workers) as pool:
    list(pool.map(run, jobs))

objects = []
for word in link.split():
    if "elbo_tests.dir" in word:
        continue
    name = pathlib.Path(word).name
    objects.append(str(work / name) if name in instrumented else word)
command = " ".join(objects).replace("-o elbo_tests", f"{work}/main.o {work}/test_capi.o -fsanitize=address -o {work}/capi_tests")
run(command)
print(f"{len(instrumented)} objects of the library and the tests with the address sanitizer")
PY
cat >"$work/leaks.txt" <<'EOF'
leak:libtorch
leak:libc10
leak:libdnnl
leak:libgomp
leak:libopenblas
leak:libmkl
leak:libprotobuf
leak:libglog
leak:libRDKit
EOF
ASAN_OPTIONS=detect_leaks=1:detect_stack_use_after_return=1:strict_string_checks=1:allocator_may_return_null=1 \
  LSAN_OPTIONS=suppressions=$work/leaks.txt:print_suppressions=1 OMP_NUM_THREADS=1 \
  "$work/capi_tests" --source-file='*/test_capi.cpp'
