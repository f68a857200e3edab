#!/usr/bin/env python3
"""Trains elbo on Adult, draws as many rows as it saw, and judges them against rows that it did not see.

  python3 bench/synthetic.py --program build/elbo --data ../shared/data/tabular [elbo train options]

A fifth of the rows is held out. scikit-learn's logistic regression (one-hot categories, standardised
numbers) predicts each category from all other columns, fitted to real training rows and to synthetic
ones, tested on the held-out rows. Closest rows: Gower's distance (mean over columns of |a - b| / range
for numbers, a != b for categories) to the nearest training row, of synthetic and of held-out rows."""
import csv
import json
import os
import pathlib
import shlex
import tempfile

import numpy as np
from sklearn.linear_model import LogisticRegression

import program

NAMES = ["age", "workclass", "weight", "education", "marital", "occupation", "relationship", "race",
         "sex", "gain", "loss", "hours"]
CATEGORIES = ["workclass", "marital", "occupation", "relationship", "race", "sex"]
TYPES = ",".join(f"{name}=category" for name in CATEGORIES) + ",education=ordinal"
MOST_NEIGHBOURS = 5000  # rows whose closest row is looked for


def read_numbers(path):
    with open(path) as file:
        rows = list(csv.reader(file))
    if rows[0] == NAMES:
        rows = rows[1:]
    return np.array([[float(cell) if cell else np.nan for cell in row] for row in rows])


def write_rows(path, rows):
    with open(path, "w", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(NAMES)
        for row in rows:
            out.writerow(["" if np.isnan(x) else f"{x:.10g}" for x in row])


def features(rows, real, target):
    """One-hot categories (a missing one is all zeros) and standardised numbers but the target."""
    parts = []
    for i, name in enumerate(NAMES):
        if name == target:
            continue
        column, seen = rows[:, i], real[~np.isnan(real[:, i]), i]
        if name in CATEGORIES:
            parts.append((column[:, None] == np.unique(seen)[None, :]).astype(float))
        else:
            parts.append(np.nan_to_num((column - seen.mean()) / seen.std())[:, None])
    return np.concatenate(parts, 1)


def accuracy(fit_rows, real, test, target):
    at = NAMES.index(target)
    known, judged = fit_rows[~np.isnan(fit_rows[:, at])], test[~np.isnan(test[:, at])]
    model = LogisticRegression(max_iter=2000)
    model.fit(features(known, real, target), known[:, at].astype(int))
    return model.score(features(judged, real, target), judged[:, at].astype(int))


def closest(rows, real):
    """Gower's distance to the nearest real row over the columns that both know."""
    category = np.array([name in CATEGORIES for name in NAMES])
    spread = np.where(category, 1, np.nanmax(real, 0) - np.nanmin(real, 0))
    found = np.empty(len(rows))
    for first in range(0, len(rows), 50):
        block = rows[first:first + 50]
        total, count = 0, 0
        for i in range(len(NAMES)):
            gap = np.abs(block[:, None, i] - real[None, :, i]) / spread[i]
            if category[i]:
                gap = np.where(np.isnan(gap), np.nan, gap > 0)
            total = total + np.nan_to_num(gap)
            count = count + ~np.isnan(gap)
        found[first:first + 50] = (total / count).min(1)
    return found


def distances(rows, real):
    d = closest(rows[:MOST_NEIGHBOURS], real)
    return {"median": round(float(np.median(d)), 5), "fifth": round(float(np.quantile(d, 0.05)), 5),
            "copies": round(float(np.mean(d == 0)), 5)}


def main():
    parser = program.table_arguments(__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=pathlib.Path, help="the folder for tables and runs")
    parser.add_argument("--second", help="options of a second stage, as \"--set prior=flow --epochs 10\"")
    options, train = parser.parse_known_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.keep or pathlib.Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        judge(options, train, folder)


def processor_seconds():
    """Of the programs that have ended: what else the machine does is not counted."""
    used = os.times()
    return used.children_user + used.children_system


def judge(options, train, folder):
    rows = read_numbers(options.data / "Adult" / "data.csv")
    order = np.random.default_rng(0).permutation(len(rows))
    test, real = rows[order[:len(rows) // 5]], rows[order[len(rows) // 5:]]
    write_rows(folder / "train.csv", real)
    write_rows(folder / "test.csv", test)
    threads = os.environ.get("OMP_NUM_THREADS", "1")
    begin, run = processor_seconds(), folder / "run"
    elbo = lambda *words: program.elbo(options.program, *words, threads=threads)
    elbo("train", folder / "train.csv", "--types", TYPES, "--out", run, "--force", "-q", "--model",
         options.model, "--seed", options.seed, *train)
    if options.second:
        elbo("train", "--from", run, "--out", folder / "second", "--force", "-q",
             *shlex.split(options.second))
        run = folder / "second"
    minutes = (processor_seconds() - begin) / 60
    elbo("sample", run, "--rows", len(real), "--seed", options.seed, "-o", folder / "made.csv", "--json")
    made = read_numbers(folder / "made.csv")
    print(f"{len(real)} training rows, {len(test)} held out, "
          f"{minutes:.1f} processor minutes of training")
    lost = []
    for target in CATEGORIES:
        on_real, on_made = (accuracy(x, real, test, target) for x in (real, made))
        known = test[~np.isnan(test[:, NAMES.index(target)]), NAMES.index(target)]
        mode = np.unique(known, return_counts=True)[1].max() / len(known)
        lost.append(on_real - on_made)
        print(f"{target:13} real {on_real:.4f}  synthetic {on_made:.4f}  lost {100 * lost[-1]:5.2f} points"
              f"  | commonest class {mode:.4f}", flush=True)
    print(f"lost: mean {100 * np.mean(lost):.2f} points, most {100 * np.max(lost):.2f}")
    for name, table in (("synthetic", made), ("held out", test)):
        print(f"closest rows  {name:10} {json.dumps(distances(table, real))}", flush=True)


if __name__ == "__main__":
    main()
