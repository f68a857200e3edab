#!/usr/bin/env python3
"""Trains elbo on tables with holes, fills them, and prints the errors of known protocols.

  python3 bench/impute.py --program build/elbo --data ../shared/data/tabular [--only Wine] [--masks 1]

Adult and Wine: the masks and error measures of HI-VAE (Nazabal et al. 2020): categories by error
rate, grades by mean shift over their number, numbers by RMSE over the range; mean over columns, over
missing cells, one table for training and filling. Red and white wine: the protocol of MIWAE (Mattei &
Frellsen 2019): standardised, half of the cells missing, mean squared error of the missing cells."""
import csv
import gzip
import json
import os
import pathlib
import tempfile
import time

import numpy as np

import program

# Types of HI-VAE's files and of elbo's own; of others elbo decides.
TYPES = {"cat": "category", "pos": "positive"}
KNOWN = ("real", "positive", "count", "ordinal", "category", "binary", "date")
CLASSES = ("cat", "category", "binary")
SEED_MASKS = 5


def run(program_path, *arguments):
    threads = os.environ.get("OMP_NUM_THREADS", "1")
    return json.loads(program.elbo(program_path, *arguments, threads=threads))


def read_table(folder):
    with open(folder / "data.csv") as file:
        rows = [row for row in csv.reader(file)]
    with open(folder / "data_types.csv") as file:
        types = [row["type"] for row in csv.DictReader(file)]
    return rows, types


def elbo_type(name):
    """As `--types` has it; "" where it is left to elbo."""
    name = TYPES.get(name, name)
    if name in KNOWN:
        return name
    print(f"  type {name!r} is unknown: inferred by elbo, judged as numbers", flush=True)
    return ""


def read_mask(path, shape):
    missing = np.zeros(shape, bool)
    with gzip.open(path, "rt") as file:
        for line in file:
            row, column = line.strip().split(",")
            missing[int(row) - 1, int(column) - 1] = True
    return missing


def write_masked(path, rows, missing):
    with open(path, "w", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow([f"c{i}" for i in range(len(rows[0]))])
        for row, holes in zip(rows, missing):
            out.writerow(["" if hole else cell for cell, hole in zip(row, holes)])


def as_numbers(path, header=True):
    with open(path) as file:
        rows = list(csv.reader(file))[1 if header else 0:]
    return np.array(rows, float)


def fill(options, rows, missing, types, folder, seed=0):
    """-> filled table, coverage of 90 % intervals per column, seconds."""
    table, out = folder / "table.csv", folder / "run"
    write_masked(table, rows, missing)
    named = ",".join(f"c{i}={kind}" for i, kind in enumerate(types) if kind)
    begin = time.time()
    extra = ["--types", named] if named else []
    run(options.program, "train", table, "--out", out, "--force", "--json", "--quiet", "--model",
        options.model, "--seed", seed, *extra, *options.train)
    run(options.program, "impute", out, table, "--out", folder / "filled.csv", "--json",
        "--interval", 0.9, "--draws", options.draws)
    return as_numbers(folder / "filled.csv"), folder / "filled.intervals.csv", time.time() - begin


def coverage(path, truth):
    inside = []
    with open(path) as file:
        for row in csv.DictReader(file):
            value = truth[int(row["line"]) - 2, int(row["column"][1:])]
            if not np.isnan(value):
                inside.append(float(row["low"]) <= value <= float(row["high"]))
    return float(np.mean(inside)) if inside else float("nan")


def errors(truth, filled, missing, types):
    found = []
    for i, kind in enumerate(types):
        holes = missing[:, i]
        a, b = truth[holes, i], filled[holes, i]
        if kind in CLASSES:
            found.append(np.mean(a != b))
        elif kind == "ordinal":
            found.append(np.mean(np.abs(a - b)) / len(np.unique(truth[:, i])))
        else:
            found.append(np.sqrt(np.mean((a - b) ** 2)) / (np.nanmax(truth[:, i]) - np.nanmin(truth[:, i])))
    return np.array(found)


def mean_mode(truth, missing, types):
    filled = truth.copy()
    for i, kind in enumerate(types):
        seen = truth[~missing[:, i] & ~np.isnan(truth[:, i]), i]
        values, counts = np.unique(seen, return_counts=True)
        whole = kind in (*CLASSES, "ordinal")
        filled[missing[:, i], i] = values[counts.argmax()] if whole else seen.mean()
    return filled


def hi_vae(options, name, folder):
    rows, types = read_table(options.data / name)
    truth = np.array(rows, float)
    absent = np.isnan(truth)
    cat = np.array([t in CLASSES for t in types])
    for share in options.shares:
        table = []
        for k in range(1, options.masks + 1):
            mask = read_mask(options.data / name / f"Missing{share}_{k}.csv.gz", truth.shape)
            mask &= ~absent  # cells that nobody knows are not judged
            filled, intervals, seconds = fill(options, rows, mask, [elbo_type(t) for t in types], folder)
            seen = ~mask & ~absent
            assert np.array_equal(filled[seen], truth[seen]), "an observed cell has changed"
            e = errors(truth, filled, mask, types)
            base = errors(truth, mean_mode(truth, mask, types), mask, types)
            table.append([e.mean(), e[cat].mean(), e[~cat].mean(), coverage(intervals, truth),
                          base.mean(), base[cat].mean(), seconds])
            if options.verbose:
                print("   ", np.round(e, 3), flush=True)
        m = np.mean(table, 0)
        print(f"{name:6} {share:3} %  error {m[0]:.4f}  categories {m[1]:.3f}  others {m[2]:.4f}  "
              f"90 % intervals cover {m[3]:.3f}  | mean/mode {m[4]:.4f} {m[5]:.3f}  | {m[6]:.0f} s",
              flush=True)


def miwae(options, colour, folder):
    rows, _ = read_table(options.data / "Wine")
    code = {"red": "1", "white": "2"}[colour]
    rows = [row[:11] for row in rows if row[12] == code]
    truth = np.array(rows, float)
    mean, deviation = truth.mean(0), truth.std(0)
    table = []
    for seed in range(min(options.masks, SEED_MASKS)):
        generator = np.random.default_rng(seed)
        mask = np.zeros(truth.size, bool)
        mask[generator.choice(truth.size, truth.size // 2, replace=False)] = True
        mask = mask.reshape(truth.shape)
        filled, intervals, seconds = fill(options, rows, mask, [""] * 11, folder)
        error = ((filled - truth) / deviation)[mask]
        base = ((np.where(mask, np.nan, truth) - mean) / deviation)
        base = (np.nanmean(base, 0) - (truth - mean) / deviation)[mask]
        table.append([np.mean(error**2), np.mean(base**2), coverage(intervals, truth), seconds])
    m, s = np.mean(table, 0), np.std(table, 0)
    print(f"{colour:6}  50 %  MSE {m[0]:.3f} ± {s[0]:.3f}  90 % intervals cover {m[2]:.3f}  "
          f"| mean {m[1]:.3f}  | {len(rows)} rows, {m[3]:.0f} s", flush=True)


def main():
    parser = program.table_arguments(__doc__)
    parser.add_argument("--only", nargs="*", default=["Wine", "Adult", "red", "white"])
    parser.add_argument("--shares", type=int, nargs="*", default=[10, 30, 50])
    parser.add_argument("--masks", type=int, default=3)
    parser.add_argument("--draws", type=int, default=200)
    parser.add_argument("--verbose", action="store_true")
    options, options.train = parser.parse_known_args()
    with tempfile.TemporaryDirectory() as folder:
        for name in options.only:
            (miwae if name in ("red", "white") else hi_vae)(options, name, pathlib.Path(folder))


if __name__ == "__main__":
    main()
