#!/usr/bin/env python3
"""Writes tests/golden/tables.json: two tables with holes, the distances of their columns and the
associations of one by SciPy, closest rows by Gower's definition. Run from the repository root."""
import json
import platform

import numpy as np
import scipy
from scipy import stats
from scipy.stats import contingency

KINDS = ["real", "category", "ordinal", "real", "binary"]
CLASSES = [0, 4, 5, 0, 2]


def table(rng, n, shift):
    number = rng.normal(shift, 1, n)
    word = np.clip((number + rng.normal(0, 1, n)).round() + 1, 0, 3)
    grade = rng.integers(0, 5, n)
    other = 3 * number + grade + rng.normal(0, 1, n)
    yes = (rng.random(n) < 0.2 + 0.15 * word).astype(float)
    x = np.stack([number, word, grade, other, yes], 1).astype(np.float32).astype(float)
    x[rng.random(x.shape) < 0.1] = np.nan
    return x


def known(column):
    return column[~np.isnan(column)]


def marginal(a, b, i):
    if not CLASSES[i]:
        return stats.ks_2samp(known(a[:, i]), known(b[:, i])).statistic
    share = lambda x: np.bincount(known(x[:, i]).astype(int), minlength=CLASSES[i]) / len(known(x[:, i]))
    return np.abs(share(a) - share(b)).sum() / 2


def correlation_ratio(number, word):
    means = [(number[word == k].mean() - number.mean()) ** 2 * (word == k).sum() for k in np.unique(word)]
    return np.sqrt(np.sum(means) / ((number - number.mean()) ** 2).sum())


def association(x, i, j):
    both = x[~np.isnan(x[:, i]) & ~np.isnan(x[:, j])]
    a, b = both[:, i], both[:, j]
    if CLASSES[i] and CLASSES[j]:
        counts = contingency.crosstab(a, b)[1]
        return contingency.association(counts, method="cramer")
    if CLASSES[i] or CLASSES[j]:
        return correlation_ratio(b, a) if CLASSES[i] else correlation_ratio(a, b)
    return stats.pearsonr(a, b)[0]


def closest(rows, others):
    spread = np.nanmax(others, 0) - np.nanmin(others, 0)
    found = []
    for row in rows:
        gaps = np.abs(others - row) / spread
        for i, kind in enumerate(KINDS):
            if kind in ("category", "binary"):
                gaps[:, i] = np.where(np.isnan(gaps[:, i]), np.nan, gaps[:, i] > 0)
        found.append(np.nanmean(gaps, 1).min())
    return found


def cells(x):
    return [[None if np.isnan(v) else v for v in row] for row in x]


def main():
    rng = np.random.default_rng(0)
    a, b = table(rng, 60, 0.0), table(rng, 45, 0.5)
    width = range(len(KINDS))
    golden = {"made_by": f"scipy {scipy.__version__}, numpy {np.__version__}, "
                         f"python {platform.python_version()}",
              "types": KINDS, "classes": CLASSES, "a": cells(a), "b": cells(b),
              "marginals": [marginal(a, b, i) for i in width],
              "associations": [[association(a, i, j) if i != j else 1.0 for j in width] for i in width],
              "closest": closest(a, b)}
    with open("tests/golden/tables.json", "w") as file:
        json.dump(golden, file)
        file.write("\n")


if __name__ == "__main__":
    main()
