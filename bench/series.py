#!/usr/bin/env python3
"""Faults of the SKAB test bed: the first 400 steps of each file train, the rest is judged. Prints F1
of single steps pooled over the files, without point adjustment, and the share of false and missed
alarms. --default: `elbo train --for anomalies` and `elbo score` without any setting, in place of the
one that was chosen on the files valve1_*."""
import argparse
import csv
import json
import os
import pathlib
import tempfile
import time

import program

TRAINING = 400


def judge(args, path, folder):
    source = f"series:{path}"
    train = ["--for", "anomalies"] if args.default else ["--model", args.model, "--validation", "0"]
    score = [] if args.default else ["--smooth", args.smooth, "--threshold", "percentile",
                                     "--percentile", "100", "--margin", args.margin]
    program.elbo(args.program, "train", source, "--rows", TRAINING, "--types",
                 "anomaly=label,changepoint=ignore", "--seed", args.seed, "--out", f"{folder}/run",
                 "--force", "-q", *train, *args.train)
    program.elbo(args.program, "score", f"{folder}/run", source, "-o", f"{folder}/scores.csv", "-q",
                 "--causes", "0", *score, *args.score)
    with open(f"{folder}/scores.csv") as file:
        rows = list(csv.DictReader(file))[TRAINING:]
    return [(int(r["label"]), int(r["alarm"])) for r in rows]


def f1(pairs):
    hits = sum(1 for label, alarm in pairs if label and alarm)
    return 2 * hits / (sum(label for label, _ in pairs) + sum(alarm for _, alarm in pairs))


def main():
    here = pathlib.Path(__file__).resolve().parent.parent
    data = os.environ.get("ELBO_DATA", here.parent / "shared/data")
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", default="elbo")
    parser.add_argument("--data", default=pathlib.Path(data) / "skab", type=pathlib.Path)
    parser.add_argument("--files", default="valve1_*.csv", help="pattern of the files' names")
    parser.add_argument("--default", action="store_true")
    parser.add_argument("--model", default="pca_anomaly")
    parser.add_argument("--seed", default=0, type=int)
    parser.add_argument("--smooth", default=30, type=int)
    parser.add_argument("--margin", default=1.5, type=float)
    parser.add_argument("--train", default=[], type=str.split, help="further options of elbo train")
    parser.add_argument("--score", default=[], type=str.split, help="further options of elbo score")
    args = parser.parse_args()
    pooled, start = [], time.time()
    with tempfile.TemporaryDirectory() as folder:
        for path in sorted(args.data.glob(args.files)):
            pairs = judge(args, path, folder)
            pooled += pairs
            print(f"{path.stem:10} F1 {f1(pairs):.3f}", flush=True)
    normal = [alarm for label, alarm in pooled if not label]
    faulty = [alarm for label, alarm in pooled if label]
    print(f"pooled     F1 {f1(pooled):.4f}, false alarms {sum(normal) / len(normal):.1%}, missed "
          f"{1 - sum(faulty) / len(faulty):.1%}; always yes {f1([(l, 1) for l, _ in pooled]):.4f}; "
          f"{time.time() - start:.0f} s")


if __name__ == "__main__":
    main()
