#!/usr/bin/env bash
# The tests of the C interface under valgrind: minutes. Ends with 1 for an error or a definite leak. What oneDNN
# compiles at run time has no names and reads whole vectors beyond the ends of buffers; libcpuinfo copies a text
# onto itself: neither counts.
set -euo pipefail
. "$(dirname "$0")/common.sh"
tests=$(built elbo_tests elbo_tests)
log=$(mktemp)
trap 'rm -f "$log"' EXIT
OMP_NUM_THREADS=1 valgrind --num-callers=25 --error-limit=no --leak-check=full --show-leak-kinds=definite \
  --log-file="$log" "$tests" --source-file='*/test_capi.cpp'
python3 - "$log" <<'PY'
import re
import sys

blocks = [[re.sub(r"^==\d+== *", "", line) for line in block.splitlines()]
          for block in re.split(r"==\d+== \n", open(sys.argv[1]).read())]
foreign, own = 0, []
for block in blocks:
    frames = [line for line in block if re.match(r"(at|by) 0x", line)]
    if not frames or block[0].startswith("Warning"):
        continue
    leak = "definitely lost in" in block[0]
    generated = frames[0].endswith(": ???")
    if not leak and (generated or any("libcpuinfo" in line for line in frames[:2])):
        foreign += 1
    else:
        own.append("\n".join(block))
print("\n\n".join(own))
print(f"valgrind: {len(own)} errors and definite leaks, {foreign} in generated code and libcpuinfo")
sys.exit(bool(own))
PY
