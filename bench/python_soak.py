#!/usr/bin/env python3
"""Thousands of fits and transforms of tiny models in one process: does its memory stay?

  PYTHONPATH=python ELBO_LIBRARY=build/libelbo.so python3 bench/python_soak.py [--fits 10000]

Prints the resident megabytes along the way; ends with 1 where those of the last quarter are more than --most above
those of the first (medians, from the hundredth fit on). Files, threads and temporary folders must stay."""
import argparse
import gc
import os
import pathlib
import statistics
import tempfile
import time

import numpy as np

import elbo

PAGE = os.sysconf("SC_PAGE_SIZE")


def held():
    """Resident megabytes, open files, threads, temporary folders of runs."""
    gc.collect()
    resident = int(pathlib.Path("/proc/self/statm").read_text().split()[1]) * PAGE / 2**20
    own = pathlib.Path("/proc/self")
    folders = len(list(pathlib.Path(tempfile.gettempdir()).glob("elbo-run-*")))
    return resident, len(os.listdir(own / "fd")), len(os.listdir(own / "task")), folders


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fits", default=10_000, type=int)
    parser.add_argument("--most", default=2.0, type=float, help="megabytes")
    a = parser.parse_args()
    x = np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32)
    start, seen = time.time(), []
    with tempfile.TemporaryDirectory() as folder:
        tempfile.tempdir = folder  # runs of other processes are not counted
        for i in range(1, a.fits + 1):
            model = elbo.VAE(latent_dim=1, epochs=1, random_state=i).fit(x)
            assert np.isfinite(model.transform(x)).all()
            if i % max(1, a.fits // 100) == 0:
                seen.append(held())
            if i % max(1, a.fits // 10) == 0:
                print(f"{i:6} fits, {time.time() - start:6.0f} s: {seen[-1][0]:.1f} MB, {seen[-1][1]} files, {seen[-1][2]} "
                      f"threads, {seen[-1][3]} folders", flush=True)
    quarter = max(1, len(seen) // 4)
    early, late = ([one[0] for one in part] for part in (seen[:quarter], seen[-quarter:]))
    grown = statistics.median(late) - statistics.median(early)
    print(f"{a.fits} fits and transforms: median of the first quarter {statistics.median(early):.1f} MB, of the last "
          f"{statistics.median(late):.1f} MB, {grown:+.1f} MB; all between {min(seen)[0]:.1f} and {max(seen)[0]:.1f} MB")
    raise SystemExit(grown > a.most or seen[-1][1:] != seen[0][1:])


if __name__ == "__main__":
    main()
