#!/usr/bin/env python3
"""Runs libFuzzer on each harness in turn, makes finds small, and prints a table. Started by scripts/fuzz.sh."""
import argparse
import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys
import time

SLOWEST, MOST_MEMORY, MOST_AT_ONCE = 5, 2048, 1100  # seconds; MB in all; MB of one allocation
SHORT = 512  # bytes of an input where many are wanted


def stat(text, name):
    found = re.findall(rf"stat::{name}:\s+(\d+)", text)
    return int(found[-1]) if found else 0


def small(program, environment, find):
    """The same find in as few bytes as a minute gives."""
    out = find.with_suffix(".small")
    subprocess.run([program, "-minimize_crash=1", "-max_total_time=30", f"-exact_artifact_path={out}", str(find)],
                   env=environment, capture_output=True, timeout=300)
    return out if out.exists() else find


class Search:
    """One harness; libFuzzer is started again behind each find."""

    def __init__(self, arguments, name):
        self.arguments, self.name = arguments, name
        self.environment = dict(os.environ, ELBO_FUZZ=name)
        folder = arguments.folder
        self.corpus, self.found = folder / "corpus" / name, folder / "found" / name
        self.corpus.mkdir(parents=True, exist_ok=True)
        self.found.mkdir(parents=True, exist_ok=True)
        kept = pathlib.Path(__file__).parent / "kept" / name
        self.seeds = [str(p) for p in (folder / "seeds" / name, kept) if p.exists()]
        self.executions = self.finds = self.slowest = self.memory = 0
        self.seconds = 0.0

    def rate(self):
        return self.executions / max(self.seconds, 1e-9)

    def once(self, *bounds):
        """One start of libFuzzer; whether it has ended without a find."""
        command = [self.arguments.program, str(self.corpus), *self.seeds, f"-timeout={SLOWEST}",
                   f"-rss_limit_mb={MOST_MEMORY}", f"-malloc_limit_mb={MOST_AT_ONCE}", "-print_final_stats=1",
                   f"-artifact_prefix={self.found}/", "-verbosity=1", "-reload=0", *bounds]
        before = set(self.found.iterdir())
        began = time.monotonic()
        ran = subprocess.run(command, env=self.environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                             errors="replace")
        self.seconds += time.monotonic() - began
        done = stat(ran.stderr, "number_of_executed_units")
        self.executions += done
        self.slowest = max(self.slowest, stat(ran.stderr, "slowest_unit_time_sec"))
        self.memory = max(self.memory, stat(ran.stderr, "peak_rss_mb"))
        new = [p for p in self.found.iterdir() if p not in before and not p.name.startswith("slow-")]
        if ran.returncode == 0 and not new:
            return True
        self.finds += 1
        (self.found / f"{self.name}-{self.finds}.log").write_text(ran.stderr[-20000:])
        summary = re.findall(r"SUMMARY: .*|fuzz: .*|ERROR: .*", ran.stderr)
        print(f"{self.name}: {summary[-1] if summary else ran.stderr[-400:]}", file=sys.stderr, flush=True)
        for find in new:
            if not find.name.startswith(("timeout", "oom")):
                small(self.arguments.program, self.environment, find)
        return False

    def goes_on(self):
        return self.finds < self.arguments.finds

    def for_seconds(self, seconds):
        until = self.seconds + seconds
        while self.goes_on() and (left := until - self.seconds) > 1:
            if self.once(f"-max_total_time={int(left)}", "-max_len=65536"):
                break
        return self

    def for_executions(self, count):
        until = self.executions + count
        while self.goes_on() and (left := until - self.executions) > 0:
            if self.once(f"-runs={int(left) + 1}", f"-max_len={SHORT}", "-entropic=0"):
                break
        return self

    def show(self):
        print(f"{self.name:<18} {self.executions:>11,} {self.rate():>10,.0f} {self.finds:>6} {self.slowest:>11} "
              f"{self.memory:>9,}", flush=True)


def shares(searches, missing):
    """The quickest quarter of the harnesses takes what is missing, each for as long as the others."""
    quick = sorted(searches, key=Search.rate)[len(searches) * 3 // 4:]
    seconds = missing / max(sum(one.rate() for one in quick), 1e-9)
    return [(one, int(one.rate() * seconds)) for one in quick]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", required=True)
    parser.add_argument("--folder", type=pathlib.Path, required=True)
    parser.add_argument("--minutes", type=float, required=True, help="of all harnesses together, each as long as the others")
    parser.add_argument("--executions", type=float, default=0,
                        help="in all; what the minutes leave of them is done by the quickest quarter, with short inputs")
    parser.add_argument("--at-once", type=int, default=1, help="processes")
    parser.add_argument("--finds", type=int, default=3, help="finds after which a harness stops")
    parser.add_argument("harnesses", nargs="+")
    arguments = parser.parse_args()
    seconds = arguments.minutes * 60 / len(arguments.harnesses) * arguments.at_once
    searches = [Search(arguments, name) for name in arguments.harnesses]
    print(f"{'harness':<18} {'executions':>11} {'per second':>10} {'finds':>6} {'slowest (s)':>11} {'peak (MB)':>9}")
    with concurrent.futures.ThreadPoolExecutor(arguments.at_once) as pool:
        for one in pool.map(lambda one: one.for_seconds(seconds), searches):
            one.show()
        missing = arguments.executions - sum(one.executions for one in searches)
        if missing > 0:
            print("with the quickest quarter for the rest:")
            for one in pool.map(lambda share: share[0].for_executions(share[1]), shares(searches, missing)):
                one.show()
    finds = sum(one.finds for one in searches)
    print(f"{'all':<18} {sum(one.executions for one in searches):>11,} executions, {finds} finds")
    return 1 if finds else 0


if __name__ == "__main__":
    sys.exit(main())
