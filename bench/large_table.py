#!/usr/bin/env python3
"""A large CSV, made here: minutes and largest resident memory of `elbo train` on it.

Its rows are drawn from 20,000 different ones: numbers, a count and a category each.
"""
import argparse
import pathlib
import resource
import tempfile
import time

import numpy as np

import program

HERE = pathlib.Path(__file__).resolve().parent
BLOCK = 50000  # rows written at once


def made_rows(count, seed):
    draws = np.random.default_rng(seed)
    numbers = draws.normal(size=(count, 6)) @ draws.normal(size=(6, 28)) + 0.3 * draws.normal(size=(count, 28))
    counts, places = draws.poisson(20, count), draws.choice(["north", "south", "east", "west"], count)
    return [",".join([*(f"{v:.5f}" for v in row), str(n), place]) + "\n"
            for row, n, place in zip(numbers, counts, places)]


def write(path, size, seed=0):
    """A file of so many bytes or a few more; its rows."""
    pool = np.array(made_rows(20000, seed), object)
    draws, rows = np.random.default_rng(seed + 1), 0
    with open(path, "w", encoding="ascii") as file:
        file.write(",".join([*(f"x{i}" for i in range(28)), "n", "place"]) + "\n")
        while file.tell() < size:
            file.write("".join(pool[draws.integers(len(pool), size=BLOCK)]))
            rows += BLOCK
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", default=HERE.parent / "build/elbo")
    parser.add_argument("--gigabytes", default=5.0, type=float)
    parser.add_argument("--steps", default=20000, type=int)
    a = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "large.csv"
        rows = write(path, a.gigabytes * 1e9)
        size, start = path.stat().st_size, time.perf_counter()
        program.elbo(a.program, "train", path, "--out", f"{folder}/run", "-q", "--steps", a.steps)
        resident = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        print(f"{size / 1e9:.2f} GB of CSV, {rows:,} rows: {(time.perf_counter() - start) / 60:.1f} minutes, "
              f"{a.steps:,} steps, largest resident set {resident:,.0f} MB")


if __name__ == "__main__":
    main()
