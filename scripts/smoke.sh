#!/usr/bin/env bash
# One command for every part of a program: scripts/smoke.sh [build/elbo]. Fails at the first part that
# does not work, and where the program says that it was built without one.
set -euo pipefail
source "$(dirname "$0")/common.sh"
elbo=$(realpath "${1:-build/elbo}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

part() {
  local name=$1 began=$SECONDS
  shift
  # Not as part of a condition, where bash goes on after a failure.
  set +e
  (set -e; "$@") >"$work/part.log" 2>&1
  local status=$?
  set -e
  if ((status != 0)); then
    cat "$work/part.log" >&2
    echo "smoke: $name failed" >&2
    exit 1
  fi
  printf '  %-20s works, %s s\n' "$name" $((SECONDS - began))
}

small=(--steps 20 -q --set latent.size=4)

doctor() {
  "$elbo" doctor
  "$elbo" doctor --json | grep -q '"left_out":\[\]'
}
pictures() {  # PNG and JPEG
  "$elbo" train builtin:digits --rows 400 "${small[@]}" --out digits
  "$elbo" sample digits -n 4 -o samples.png
  mkdir -p pictures
  cp samples.png pictures/a.png
  base64 -d >pictures/b.jpg <<<"$jpeg"
  for i in 1 2 3 4 5 6 7 8; do cp pictures/a.png "pictures/a$i.png"; cp pictures/b.jpg "pictures/b$i.jpg"; done
  "$elbo" train pictures --resize 16x16 "${small[@]}" --out of_pictures
}
archives() {
  tar -czf pictures.tar.gz pictures
  "$elbo" train pictures.tar.gz --resize 16x16 "${small[@]}" --out of_archive
}
molecules() {
  for i in 1 2 3 4 5 6 7 8; do printf '%s\n' CCO c1ccccc1O 'CC(=O)[O-]' C1CCNCC1 'CC(C)N' ClCCBr; done >some.smi
  "$elbo" train some.smi --property qed --steps 10 -q --batch 8 \
    --set encoder.hidden=16 --set likelihood.net.type=gru --set likelihood.net.hidden=16 \
    --set latent.size=4 --out molecules
  "$elbo" sample molecules -n 2 -o molecules.svg
  grep -q '<svg' molecules.svg
}
database() {
  python3 - <<'END'
import sqlite3
base = sqlite3.connect("shop.db")
base.execute("create table people(age, size)")
base.executemany("insert into people values (?, ?)", [(i % 41, i % 37) for i in range(200)])
base.commit()
END
  "$elbo" train shop.db "${small[@]}" --out of_database
}
onnx() {
  "$elbo" export digits --onnx exported
  test -s exported/decoder.onnx
}
processes() { "$elbo" train builtin:digits --rows 400 "${small[@]}" --nproc 2 --out by_two; }
server() {
  "$elbo" serve digits --port 0 --json >served &
  local server=$!
  trap "kill $server 2>/dev/null || true" EXIT
  until grep -q address served; do
    kill -0 "$server"
    sleep 0.1
  done
  python3 - <<'END'
import json, urllib.request
address = json.loads(open("served").readline())["address"]
assert b"<html" in urllib.request.urlopen(address).read()
END
  kill -TERM "$server"
  wait "$server"
}

# 16 by 16 grey points.
jpeg=/9j/2wBDABsSFBcUERsXFhceHBsgKEIrKCUlKFE6PTBCYFVlZF9VXVtqeJmBanGQc1tdhbWGkJ6jq62rZ4C8ybqmx5moq6T/wAALCAAQABABAREA/8QAFgABAQEAAAAAAAAAAAAAAAAABgAF/8QAFBABAAAAAAAAAAAAAAAAAAAAAP/aAAgBAQAAPwDbCkav/9k=

part doctor doctor
part "PNG and JPEG" pictures
part archives archives
part molecules molecules
part SQLite database
part "ONNX export" onnx
part "several processes" processes
part server server
