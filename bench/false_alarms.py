#!/usr/bin/env python3
"""False alarms on normal rows of OddBench: what `elbo score` promises and what is seen.

halves: the normal rows of `train` and `test` of each set, drawn into two halves by chance; one trains, the
other is judged. order: `train` trains, the normal rows of `test` are judged, as they come. Shares of alarms
are of all sets' rows together (at most --most of a set)."""
import argparse
import concurrent.futures
import json
import os
import pathlib
import tempfile

import numpy as np

import program

RATES = (0.05, 0.01, 0.001)


def split(path, order, most, seed):
    data = np.load(path, allow_pickle=True)
    train, test = data["train"], data["test"][data["test_labels"].astype(int) == 0]
    if not order:
        rows = np.random.default_rng(seed).permutation(np.concatenate([train, test]))
        train, test = rows[: len(rows) // 2], rows[len(rows) // 2:]
    return train[:most], test[:most]


def judge(args, path, order):
    """Rows, and at each rate alarms and whether drift is said."""
    train, test = split(path, order, args.most, args.seed)
    with tempfile.TemporaryDirectory() as folder:
        np.savez(f"{folder}/train.npz", x=train)
        np.savez(f"{folder}/test.npz", x=test)
        program.elbo(args.program, "train", f"{folder}/train.npz", "--kind", "real", "--for", "anomalies", "--out",
                     f"{folder}/run", "-q", "--seed", args.seed, threads=1)
        alarms, said = [], []
        for rate in RATES:
            found = json.loads(program.elbo(
                args.program, "score", f"{folder}/run", f"{folder}/test.npz", "--json", "-o", f"{folder}/s.npy",
                "--show", 0, "--causes", 0, "--false-alarms", rate, threads=1))
            alarms.append(found["alarms"])
            said.append(any("drift" in note for note in found.get("notes", [])))
    return len(test), alarms, said


def main():
    here = pathlib.Path(__file__).resolve().parent.parent
    data = pathlib.Path(os.environ.get("ELBO_DATA", here.parent / "shared/data"))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default="elbo")
    parser.add_argument("--most", default=5000, type=int, help="rows of a set and a half")
    parser.add_argument("--seed", default=0, type=int)
    parser.add_argument("--sets", default=0, type=int, help="number of sets (0 = all)")
    parser.add_argument("--forms", nargs="*", default=["halves", "order"], choices=["halves", "order"])
    parser.add_argument("--jobs", default=os.cpu_count(), type=int)
    args = parser.parse_args()
    paths = sorted((data / "oddbench").glob("*.npz"))
    paths = paths[: args.sets] if args.sets else paths
    for order in [name == "order" for name in args.forms]:
        with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
            found = list(pool.map(lambda path: judge(args, path, order), paths))
        rows = sum(n for n, _, _ in found)
        print("order" if order else "halves", f"{len(found)} sets, {rows} rows")
        for i, rate in enumerate(RATES):
            print(f"  promised {100 * rate:4.1f} %  seen {100 * sum(a[i] for _, a, _ in found) / rows:.2f} %", end="")
            broken = [said[i] for n, a, said in found if a[i] > 1.4 * rate * n + 3 * np.sqrt(rate * n)]
            others = sum(said[i] for *_, said in found) - sum(broken)
            print(f"  sets beyond 1.4 times and chance: {len(broken)}, drift said on {sum(broken)} of them and "
                  f"on {others} others", flush=True)


if __name__ == "__main__":
    main()
