#!/usr/bin/env python3
"""Hidden cells of ADBench's tables, filled with posteriors from the encoder alone and with posteriors improved
for each row (impute --refine): errors of both, one model each.

The first half of the normal rows trains, complete; of up to 2,000 other normal rows 30 % of the cells are hidden.
Errors are root mean squares in standard deviations of the training rows; the noise of a difference is that of
resampled rows. A set is better or worse where the difference is beyond twice its noise."""
import argparse
import pathlib
import tempfile
import time

import numpy as np

import program


def tables(path, hidden, most):
    """Training rows, whole rows to judge and a mask of their cells, standardized."""
    data = np.load(path, allow_pickle=True)
    x = data["X"].astype(np.float64)[data["y"] == 0]
    half = len(x) // 2
    scale = x[:half].std(0)
    x = ((x - x[:half].mean(0)) / np.where(scale > 1e-9, scale, 1))[:, scale > 1e-9].astype(np.float32)
    rest = x[half:half + most]
    return x[:half], rest, np.random.default_rng(0).random(rest.shape) < hidden


def write(path, rows, hidden=None):
    """A CSV file; hidden cells are empty."""
    hidden = np.zeros(rows.shape, bool) if hidden is None else hidden
    with open(path, "w") as file:
        file.write(",".join(f"c{i}" for i in range(rows.shape[1])) + "\n")
        for row, holes in zip(rows, hidden):
            file.write(",".join("" if h else f"{v:.7g}" for v, h in zip(row, holes)) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default="build/elbo")
    parser.add_argument("--data", type=pathlib.Path, default=pathlib.Path("../shared/data/adbench"))
    parser.add_argument("--model", default="missing_iwae")
    parser.add_argument("--refine", type=int, default=100)
    parser.add_argument("--hidden", type=float, default=0.3)
    parser.add_argument("--rows", type=int, default=2000)
    parser.add_argument("--train", nargs="*", default=[], help="more options of elbo train")
    parser.add_argument("--impute", nargs="*", default=[], help="more options of elbo impute")
    a = parser.parse_args()
    print(f"| set | rows | columns | column means | encoder | --refine {a.refine} | difference | |\n" + "|" + " --- |" * 8)
    counts = {"better": 0, "alike": 0, "worse": 0}
    seconds = [0.0, 0.0]
    for path in sorted(a.data.glob("*.npz")):
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            train, whole, mask = tables(path, a.hidden, a.rows)
            write(folder / "train.csv", train)
            write(folder / "holes.csv", whole, mask)
            program.elbo(a.program, "train", folder / "train.csv", "--model", a.model, "-q", "--seed", 0, "--out",
                         folder / "run", *a.train, threads=1)
            squares = []
            for i, steps in enumerate((0, a.refine)):
                began = time.monotonic()
                program.elbo(a.program, "impute", folder / "run", folder / "holes.csv", "--refine", steps, "-q", "-o",
                             folder / "full.csv", *a.impute, threads=1)
                seconds[i] += time.monotonic() - began
                error = np.where(mask, np.loadtxt(folder / "full.csv", delimiter=",", skiprows=1) - whole, 0)
                squares.append((error**2).sum(1))
            plain, refined = squares
            cells = mask.sum(1)
            rms = lambda s, rows=slice(None): np.sqrt(s[rows].sum() / cells[rows].sum())
            draws = np.random.default_rng(1).integers(0, len(plain), (200, len(plain)))
            noise = np.std([rms(refined, d) - rms(plain, d) for d in draws])
            apart = rms(refined) - rms(plain)
            verdict = "better" if apart < -2 * noise else "worse" if apart > 2 * noise else "alike"
            counts[verdict] += 1
            print(f"| {path.stem} | {len(whole)} | {whole.shape[1]} | {rms((np.where(mask, whole, 0)**2).sum(1)):.3f} | {rms(plain):.3f} | "
                  f"{rms(refined):.3f} | {apart:+.4f} ± {noise:.4f} | {verdict} |", flush=True)
    print(", ".join(f"{n} {verdict}" for verdict, n in counts.items()) + f"; filling took {seconds[0]:.0f} and {seconds[1]:.0f} s")


if __name__ == "__main__":
    main()
