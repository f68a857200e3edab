#!/usr/bin/env python3
"""Hides cells of five tables at random, fills them with 90 % intervals, and prints how many of the hidden
numbers these cover.

  python3 bench/calibration.py --program build/elbo [--only diabetes] [--models missing_iwae vae]

Two ways for each table: `complete` trains on four fifths of the rows as they are and fills the others, of
which a share of the cells (--share) is hidden; `holes` hides cells of all rows, trains on that table and
fills it. diabetes, breast_cancer and wine are scikit-learn's; wine_quality and adult (its first 8,000 rows)
are in --data, HI-VAE's copies. Types are named for the tables that HI-VAE names them for, else inferred.
Small tables are tried with more seeds (--cells, the least number of hidden numbers)."""
import csv
import json
import pathlib
import tempfile
import time

import numpy as np

import program

LEVEL = 0.9
TYPES = {"count": "count", "cat": "category", "pos": "positive", "ordinal": "ordinal", "real": "real"}


def of_sklearn(name):
    from sklearn import datasets
    data = getattr(datasets, f"load_{name}")()
    values = np.column_stack([data.data, data.target])
    values = values[:, values.std(0) > 0]
    # As many digits as the source has: a table of text is not written with float64's last bits.
    return [[f"{v:.6g}" for v in row] for row in values], None


def of_hi_vae(folder, most=8000):
    with open(folder / "data.csv") as file:
        rows = list(csv.reader(file))
    with open(folder / "data_types.csv") as file:
        types = [TYPES[row["type"]] for row in csv.DictReader(file)]
    return rows[:most], types


def table(name, data):
    if name in ("wine_quality", "adult"):
        return of_hi_vae(data / name.split("_")[0].capitalize())
    return of_sklearn(name)


def write(path, rows, hidden=None):
    with open(path, "w", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow([f"c{i}" for i in range(len(rows[0]))])
        for r, row in enumerate(rows):
            out.writerow(["" if hidden is not None and hidden[r, i] else cell for i, cell in enumerate(row)])


def covered(path, truth):
    """-> whether each filled number lies inside, and widths over those of the column's own interval."""
    inside, widths = [], []
    outside = (1 - LEVEL) / 2
    low, high = (np.nanquantile(truth, q, axis=0) for q in (outside, 1 - outside))
    with open(path) as file:
        for row in csv.DictReader(file):
            i = int(row["column"][1:])
            value = truth[int(row["line"]) - 2, i]
            if np.isnan(value):
                continue
            inside.append(float(row["low"]) <= value <= float(row["high"]))
            if high[i] > low[i]:
                widths.append((float(row["high"]) - float(row["low"])) / (high[i] - low[i]))
    return inside, widths


def one(options, model, name, way, seed, folder):
    rows, types = table(name, options.data)
    generator = np.random.default_rng(seed)
    order = generator.permutation(len(rows))
    rows = [rows[k] for k in order]
    truth = np.array([[float(cell) if cell not in ("", "nan") else np.nan for cell in row] for row in rows])
    train, fill = folder / "train.csv", folder / "fill.csv"
    if way == "complete":
        cut = len(rows) * 4 // 5
        write(train, rows[:cut])
        rows, truth = rows[cut:], truth[cut:]
    hidden = generator.random(truth.shape) < options.share
    write(fill, rows, hidden)
    if way == "holes":
        train = fill
    named = ["--types", ",".join(f"c{i}={kind}" for i, kind in enumerate(types))] if types else []
    begin = time.time()
    program.elbo(options.program, "train", train, "--out", folder / "run", "--force", "--quiet", "--model", model,
                 "--seed", seed, *named, *options.train, threads=1)
    said = json.loads(program.elbo(options.program, "impute", folder / "run", fill, "--out", folder / "out.csv",
                                   "--interval", LEVEL, "--json", threads=1))
    inside, widths = covered(folder / "out.intervals.csv", truth)
    return inside, widths, said["effective_draws"], time.time() - begin


def main():
    parser = program.table_arguments(__doc__)
    parser.add_argument("--only", nargs="*", default=["diabetes", "breast_cancer", "wine", "wine_quality", "adult"])
    parser.add_argument("--ways", nargs="*", default=["complete", "holes"])
    parser.add_argument("--models", nargs="*", default=["missing_iwae"])
    parser.add_argument("--share", type=float, default=0.3)
    parser.add_argument("--cells", type=int, default=700)
    options, options.train = parser.parse_known_args()
    print("model         table          trained on   90 % intervals cover   cells   width   effective draws     s")
    with tempfile.TemporaryDirectory() as folder:
        for model in options.models:
            for name in options.only:
                for way in options.ways:
                    all_inside, all_widths, draws, seconds = [], [], [], 0
                    while len(all_inside) < options.cells:
                        seed = len(draws)
                        inside, widths, effective, spent = one(options, model, name, way, seed,
                                                               pathlib.Path(folder))
                        all_inside += inside
                        all_widths += widths
                        draws.append(effective)
                        seconds += spent
                    print(f"{model:13} {name:14} {way:12} {np.mean(all_inside):20.3f} {len(all_inside):7} "
                          f"{np.mean(all_widths):7.2f} {np.mean(draws):17.0f} {seconds:5.0f}", flush=True)


if __name__ == "__main__":
    main()
