#!/usr/bin/env python3
"""Anomalies in the tables of ADBench or OddBench: trains on and scores each with the program, prints
AUROC.

OddBench: `train` trains, `test` is judged. ADBench, by the semi-supervised protocol of Livernoche et
al. 2024: the first half of the normal rows in file order trains, all other rows are judged; no row is
drawn again, no label is used. --unsupervised trains on all rows, anomalies among them, and judges
all."""
import argparse
import concurrent.futures
import json
import os
import pathlib
import statistics
import tempfile
import time

import numpy as np

import program


def rows_of(path, unsupervised):
    """Rows for training, rows to judge and their labels."""
    data = np.load(path, allow_pickle=True)
    if "train" in data:
        return data["train"], data["test"], data["test_labels"].astype(int)
    return split(data["X"].astype(float), data["y"].astype(int), unsupervised)


def split(x, y, unsupervised):
    if unsupervised:
        return x, x, y
    normal = np.flatnonzero(y == 0)
    train = normal[: len(normal) // 2]
    rest = np.setdiff1d(np.arange(len(y)), train)
    return x[train], x[rest], y[rest]


def elbo(args, *words):
    # One thread each: the networks are small, and as many run side by side as there are cores.
    return program.elbo(args.program, *words, threads=1)


def judge(args, path, seed):
    with tempfile.TemporaryDirectory() as folder:
        return judge_in(args, path, seed, folder)


def judge_in(args, path, seed, folder):
    train, rest, labels = rows_of(path, args.unsupervised)
    np.savez(f"{folder}/train.npz", x=train)
    np.savez(f"{folder}/test.npz", x=rest, y=labels)
    start = time.time()

    def train(*more):
        elbo(args, "train", f"{folder}/train.npz", "--kind", "real", *args.kind, "--seed", seed,
             "--out", f"{folder}/run", "--force", "-q", *args.train, *more)

    train()
    if args.unsupervised and args.trim > 0:
        scores, alarms = f"{folder}/first.npy", f"{folder}/alarms.npy"
        elbo(args, "score", f"{folder}/run", f"{folder}/train.npz", "-o", scores, *args.score)
        first = np.load(scores)[:, 0]
        np.save(alarms, (first > np.quantile(first, 1 - args.trim)).astype(np.float32))
        train("--without", alarms)
    trained = time.time()
    result = json.loads(elbo(args, "score", f"{folder}/run", f"{folder}/test.npz", "--json", "-o",
                             f"{folder}/scores.npy", "--show", "0", *args.score))
    print(f"  {path.stem} seed {seed}: {trained - start:.1f} s + {time.time() - trained:.1f} s, "
          f"AUROC {result['judged'][0]['auroc']:.4f}", flush=True)
    return result["judged"][0]["auroc"], result["judged"][0]["average_precision"]


def main():
    here = pathlib.Path(__file__).resolve().parent.parent
    data = os.environ.get("ELBO_DATA", here.parent / "shared/data")
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", default="elbo")
    parser.add_argument("--bench", default="adbench", help="folder of the data: adbench or oddbench")
    parser.add_argument("--data", type=pathlib.Path, help="the same as a path")
    parser.add_argument("--model", help="in place of --for anomalies, unsupervised --for outliers")
    parser.add_argument("--seeds", default=3, type=int)
    parser.add_argument("--jobs", default=os.cpu_count(), type=int, help="sets at a time")
    parser.add_argument("--sets", default="", help="only those whose names hold one of these words")
    parser.add_argument("--unsupervised", action="store_true")
    parser.add_argument("--trim", default=0, type=float,
                        help="unsupervised: of all rows left out of a second training")
    parser.add_argument("--train", default=[], type=str.split, help="further options of elbo train")
    parser.add_argument("--score", default=[], type=str.split, help="options of elbo score")
    args = parser.parse_args()
    purpose = "outliers" if args.unsupervised else "anomalies"
    args.kind = ["--model", args.model] if args.model else ["--for", purpose]
    args.data = args.data or pathlib.Path(data) / args.bench
    words = args.sets.split(",")
    paths = sorted(p for p in args.data.glob("*.npz") if any(w in p.stem for w in words))
    rows, start = [], time.time()
    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        by_size = sorted(paths, key=lambda path: -path.stat().st_size)
        jobs = {(path, seed): pool.submit(judge, args, path, seed)
                for seed in range(args.seeds) for path in by_size}
        for path in paths:
            found = [jobs[path, seed].result() for seed in range(args.seeds)]
            rows.append((path.stem, *(statistics.mean(f) for f in zip(*found))))
    print(f"{'set':20} AUROC  average precision")
    mean = ("mean", *(statistics.mean(column) for column in list(zip(*rows))[1:]))
    for name, auroc, precision in [*rows, mean]:
        print(f"{name:20} {auroc:.4f} {precision:.4f}")
    print(f"lowest {min(r[1] for r in rows):.4f}; {time.time() - start:.0f} s")


if __name__ == "__main__":
    main()
