#!/usr/bin/env python3
"""Tables: rows per second of training, beside the same net in PyTorch with its DataLoader, and of scoring.

Nothing else may run. Medians of repeats within one run of this script.
"""
import argparse
import json
import os
import pathlib
import statistics
import tempfile
import time

import numpy as np

import program

HERE = pathlib.Path(__file__).resolve().parent
NET = ["--set", "encoder.type=mlp", "--set", "encoder.hidden=[64]", "--set", "decoder.type=mlp", "--set",
       "decoder.hidden=[64]", "--set", "latent.size=8", "--set", "likelihood=normal"]


def told(*command, threads=None):
    """What a program said last, which is JSON."""
    return json.loads(program.elbo(*command, threads=threads).splitlines()[-1])


def columns(path, rows, seed):
    mixing = np.random.default_rng(0).normal(size=(6, 30))  # the same for all files
    draws = np.random.default_rng(seed)
    np.save(path, (draws.normal(size=(rows, 6)) @ mixing + 0.3 * draws.normal(size=(rows, 30))).astype(np.float32))
    return path


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", default=HERE.parent / "build/elbo")
    parser.add_argument("--rows", default=4_000_000, type=int, help="that are scored")
    parser.add_argument("--repeats", default=3, type=int)
    a = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        small = columns(folder / "small.npy", 40000, 1)
        # The peer holds no rows out: the same work is --validation 0; 0.1 is what a user gets. Threads cost a net
        # this small more than they bring: the peer is tried with one and with all. In turns, since machines change.
        held_out = {0: [], 0.1: []}
        peers = {(threads, workers): [] for threads in sorted({1, os.cpu_count()}) for workers in (0, 1)}
        for _ in range(a.repeats):
            for share, rates in held_out.items():
                rates.append(told(a.program, "train", small, "--out", folder / "run", "--force", "--json", "-q", "--epochs",
                                  40, "--validation", share, *NET)["rows_per_second"])
            for (threads, workers), rates in peers.items():
                rates.append(told("/usr/bin/python3", HERE / "peer_rows.py", 128, workers,
                                  threads=threads)["training_rows_per_s"])
        large = columns(folder / "large.npy", a.rows, 2)
        seconds = []
        for _ in range(a.repeats):
            start = time.perf_counter()
            told(a.program, "score", folder / "run", large, "--score", "elbo", "--draws", 1, "--json", "-o",
                 folder / "scores.npy")
            seconds.append(time.perf_counter() - start)
    default, train = statistics.median(held_out[0.1]), statistics.median(held_out[0])
    peers = {how: statistics.median(rates) for how, rates in peers.items()}
    peer = max(peers.values())
    print("| 30 columns, one hidden layer of 64, 8 latents | rows/s |\n| --- | --- |")
    print(f"| training, batch 128, logging on, a tenth held out and validated | {default:,.0f} |")
    print(f"| training, batch 128, logging on, nothing held out, as the peer does | {train:,.0f} |")
    for (threads, workers), rate in peers.items():
        print(f"| PyTorch, {threads} threads, DataLoader with {workers} processes | {rate:,.0f}: {train / rate:.1f} times less |")
    print(f"| the fastest of these | {train / peer:.1f} times less |")
    print(f"| scoring by the ELBO, {a.rows:,} rows from a file to a file | {a.rows / statistics.median(seconds):,.0f} |")


if __name__ == "__main__":
    main()
