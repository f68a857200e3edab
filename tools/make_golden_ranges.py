#!/usr/bin/env python3
"""Writes tests/golden/ranges.json: volumes under range surfaces by TSB-AD's own definition
(github.com/TheDatumOrg/TSB-AD). Run from the repository root:

  python3 tools/make_golden_ranges.py CHECKOUT_OF_TSB_AD"""
import importlib.util
import json
import pathlib
import platform
import sys

import numpy as np


def peer(checkout):
    path = pathlib.Path(checkout) / "TSB_AD" / "evaluation" / "basic_metrics.py"
    spec = importlib.util.spec_from_file_location("basic_metrics", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.generate_curve


def series(rng, n, ranges):
    labels = np.zeros(n, int)
    for first, last in ranges:
        labels[first:last + 1] = 1
    late = np.roll(labels, 3)
    return labels, np.round(rng.normal(size=n) + 1.5 * late, 3)


def cases():
    rng = np.random.default_rng(3)
    some = [series(rng, 400, [(50, 70), (100, 100), (104, 120), (300, 340)]),
            series(rng, 300, [(0, 10), (290, 299)]),  # at both ends
            series(rng, 60, [(20, 22), (30, 31)]),  # fewer rows than thresholds
            series(rng, 1000, [(500, 503)])]
    for labels, scores in some:
        for window in (0, 1, 7, 40):
            yield labels, scores, window
    labels, scores = some[0]
    yield labels, np.round(scores), 20  # many ties


def main():
    curve = peer(sys.argv[1])
    surfaces = []
    for labels, scores, window in cases():
        *_, roc, pr = curve(labels, scores, window)
        surfaces.append({"labels": labels.tolist(), "scores": scores.tolist(), "window": window,
                         "vus_roc": float(roc), "vus_pr": float(pr)})
    with open("tests/golden/ranges.json", "w") as file:
        json.dump({"made_by": {"python": platform.python_version(), "numpy": np.__version__},
                   "surfaces": surfaces}, file)
        file.write("\n")


if __name__ == "__main__":
    main()
