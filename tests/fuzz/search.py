#!/usr/bin/env python3
"""Runs libFuzzer on each harness in turn, makes finds small, and prints a table. Started by scripts/fuzz.sh."""
import argparse
import os
import pathlib
import re
import subprocess
import sys
import time

SLOWEST, MOST_MEMORY, MOST_AT_ONCE = 5, 2048, 1100  # seconds; MB in all; MB of one allocation


def stat(text, name):
    found = re.findall(rf"stat::{name}:\s+(\d+)", text)
    return int(found[-1]) if found else 0


def small(program, environment, find):
    """The same find in as few bytes as a minute gives."""
    out = find.with_suffix(".small")
    subprocess.run([program, "-minimize_crash=1", "-max_total_time=30", f"-exact_artifact_path={out}", str(find)],
                   env=environment, capture_output=True, timeout=300)
    return out if out.exists() else find


def search(arguments, name, seconds):
    """One harness for this long; libFuzzer is started again behind each find."""
    environment = dict(os.environ, ELBO_FUZZ=name)
    folder = arguments.folder
    corpus, found = folder / "corpus" / name, folder / "found" / name
    corpus.mkdir(parents=True, exist_ok=True)
    found.mkdir(parents=True, exist_ok=True)
    kept = pathlib.Path(__file__).parent / "kept" / name
    seeds = [str(p) for p in (folder / "seeds" / name, kept) if p.exists()]
    row = {"harness": name, "executions": 0, "seconds": 0.0, "finds": 0, "slowest": 0, "memory": 0}
    began = time.monotonic()
    while (left := seconds - (time.monotonic() - began)) > 1:
        command = [arguments.program, str(corpus), *seeds, f"-max_total_time={int(left)}", f"-timeout={SLOWEST}",
                   f"-rss_limit_mb={MOST_MEMORY}", f"-malloc_limit_mb={MOST_AT_ONCE}", "-print_final_stats=1",
                   "-max_len=65536", f"-artifact_prefix={found}/", "-verbosity=1"]
        before = set(found.iterdir())
        ran = subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                             errors="replace")
        row["executions"] += stat(ran.stderr, "number_of_executed_units")
        row["slowest"] = max(row["slowest"], stat(ran.stderr, "slowest_unit_time_sec"))
        row["memory"] = max(row["memory"], stat(ran.stderr, "peak_rss_mb"))
        new = [p for p in found.iterdir() if p not in before and not p.name.startswith("slow-")]
        if ran.returncode == 0 and not new:
            break
        row["finds"] += 1
        (found / f"{name}-{row['finds']}.log").write_text(ran.stderr[-20000:])
        summary = re.findall(r"SUMMARY: .*|fuzz: .*|ERROR: .*", ran.stderr)
        print(f"{name}: {summary[-1] if summary else ran.stderr[-400:]}", file=sys.stderr, flush=True)
        for find in new:
            if not find.name.startswith(("timeout", "oom")):
                small(arguments.program, environment, find)
        if row["finds"] >= arguments.finds:
            break
    row["seconds"] = time.monotonic() - began
    return row


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", required=True)
    parser.add_argument("--folder", type=pathlib.Path, required=True)
    parser.add_argument("--minutes", type=float, required=True)
    parser.add_argument("--finds", type=int, default=3, help="finds after which a harness stops")
    parser.add_argument("harnesses", nargs="+")
    arguments = parser.parse_args()
    seconds = arguments.minutes * 60 / len(arguments.harnesses)
    print(f"{'harness':<12} {'executions':>11} {'per second':>10} {'finds':>6} {'slowest (s)':>11} {'peak (MB)':>9}")
    total = finds = 0
    for name in arguments.harnesses:
        row = search(arguments, name, seconds)
        rate = row["executions"] / max(row["seconds"], 1e-9)
        total, finds = total + row["executions"], finds + row["finds"]
        print(f"{name:<12} {row['executions']:>11,} {rate:>10,.0f} {row['finds']:>6} {row['slowest']:>11} "
              f"{row['memory']:>9,}", flush=True)
    print(f"{'all':<12} {total:>11,} executions, {finds} finds")
    return 1 if finds else 0


if __name__ == "__main__":
    sys.exit(main())
