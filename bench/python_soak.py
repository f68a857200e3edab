#!/usr/bin/env python3
"""Thousands of fits and transforms of tiny models in one process: does its memory stay?

  PYTHONPATH=python ELBO_LIBRARY=build/libelbo.so python3 bench/python_soak.py [--fits 10000]

Prints the resident megabytes along the way; ends with 1 where they have grown by more than --most
since the hundredth fit. Files, threads and temporary folders are counted, too."""
import argparse
import gc
import os
import pathlib
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
    parser.add_argument("--most", default=1.0, type=float, help="megabytes of growth after the hundredth fit")
    a = parser.parse_args()
    x = np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32)
    start, at_hundred = time.time(), None
    with tempfile.TemporaryDirectory() as folder:
        tempfile.tempdir = folder  # runs of other processes are not counted
        for i in range(1, a.fits + 1):
            model = elbo.VAE(latent_dim=1, epochs=1, random_state=i).fit(x)
            assert np.isfinite(model.transform(x)).all()
            if i == 100 or i % max(1, a.fits // 20) == 0:
                now = held()
                at_hundred = at_hundred or now
                print(f"{i:6} fits, {time.time() - start:6.0f} s: {now[0]:.1f} MB, {now[1]} files, {now[2]} threads, "
                      f"{now[3]} folders", flush=True)
        del model
        grown = held()[0] - at_hundred[0]
    print(f"{a.fits} fits and transforms: {grown:+.1f} MB since the hundredth")
    raise SystemExit(grown > a.most or now[1:] != at_hundred[1:])


if __name__ == "__main__":
    main()
