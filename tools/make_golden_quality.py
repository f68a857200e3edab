#!/usr/bin/env python3
"""Writes tests/golden/quality.json: two tables with holes; column shapes and column pair trends as SDMetrics' quality
report defines them, nearest records, alpha-precision and beta-recall, by pandas, SciPy and plain NumPy. Where SDMetrics is
installed, its own figures are compared. Run from the repository root."""
import itertools
import json
import platform

import numpy as np
import pandas as pd
import scipy
from scipy import stats
from scipy.stats import contingency

# number, whole number, date in seconds, yes or no, word, word of many classes, constant
TYPES = ["real", "count", "date", "binary", "category", "category", "real"]
CLASSES = [0, 0, 0, 2, 4, 30, 0]
NUMBERS = [i for i, k in enumerate(CLASSES) if k == 0]
FIRST = 1.6e9  # seconds since 1970


def table(rng, n, shift):
    number = rng.normal(shift, 1, n).round(2)
    whole = rng.poisson(np.exp(0.5 * number + 1.5))
    date = FIRST + 86400 * (10 * number + rng.integers(0, 50, n)).round()
    yes = (rng.random(n) < 0.3 + 0.1 * shift).astype(float)
    word = np.clip((number + rng.normal(0, 1, n)).round() + 1, 0, 3)
    many = np.clip(rng.poisson(3 * word + 1), 0, 29)
    x = np.stack([number, whole, date, yes, word, many, np.full(n, 5.0)], 1).astype(float)
    hidden = rng.random(x.shape) < 0.08
    hidden[:, 6] = False
    x[hidden] = np.nan
    return x


def known(x):
    return x[~np.isnan(x)]


def shape(a, b, i):
    p, q = known(a[:, i]), known(b[:, i])
    if i in NUMBERS:
        return 1 - stats.ks_2samp(p, q).statistic
    share = lambda x: pd.Series(x).value_counts(normalize=True)
    return 1 - share(p).subtract(share(q), fill_value=0).abs().sum() / 2


def binned(x):
    return np.digitize(x, np.histogram_bin_edges(known(x)))


def correlation(x, i, j, rank):
    both = x[~np.isnan(x[:, i]) & ~np.isnan(x[:, j])]
    if len(np.unique(both[:, i])) == 1 or len(np.unique(both[:, j])) == 1:
        return np.nan
    return (stats.spearmanr if rank else stats.pearsonr)(both[:, i], both[:, j])[0]


def trend(a, b, i, j, rank=False):
    if i in NUMBERS and j in NUMBERS:
        return 1 - abs(correlation(a, i, j, rank) - correlation(b, i, j, rank)) / 2
    if rank:
        return np.nan
    mixed = (i in NUMBERS) != (j in NUMBERS)
    def shares(x):
        state = lambda k: binned(x[:, k]) if mixed and k in NUMBERS else x[:, k]
        return pd.DataFrame({"i": state(i), "j": state(j)}).groupby(["i", "j"], dropna=False).size() / len(x)
    # NaN is a state: it becomes a word of its own
    def named(s):
        return pd.Series(s.values, index=[" ".join(map(str, key)) for key in s.index])
    return 1 - named(shares(a)).subtract(named(shares(b)), fill_value=0).abs().sum() / 2


def related(a, i, j):
    """|r| above .5, or Cramer's V of the states above .3: the pairs that recent versions of the report count."""
    if i in NUMBERS and j in NUMBERS:
        return bool(abs(correlation(a, i, j, False)) > 0.5)
    mixed = (i in NUMBERS) != (j in NUMBERS)
    state = lambda k: binned(a[:, k]) if mixed and k in NUMBERS else np.nan_to_num(a[:, k], nan=-1)
    counts = pd.crosstab(state(i), state(j)).to_numpy()
    return bool(min(counts.shape) > 1 and contingency.association(counts, method="cramer") > 0.3)


def matrix(f):
    d = len(TYPES)
    return [[f(*sorted((i, j))) if i != j else np.nan for j in range(d)] for i in range(d)]


def record_distances(rows, others, training):
    """L1 of numbers over the range of training rows, 2 for other classes; a missing cell is as far as can be from a known one."""
    spread = np.nanmax(training, 0) - np.nanmin(training, 0)
    spread[spread == 0] = 1
    found = []
    for row in rows:
        gap = np.abs(others - row) / spread
        for i in range(len(TYPES)):
            one, other = np.isnan(row[i]), np.isnan(others[:, i])
            if i in NUMBERS:
                gap[:, i] = np.where(one & other, 0, np.where(one | other, 1, gap[:, i]))
            else:
                gap[:, i] = 2.0 * np.where(one & other, False, row[i] != others[:, i])
        found.append(gap.sum(1).min())
    return np.array(found)


def alpha_beta(real, synthetic):
    """Alaa et al. 2022, arXiv:2102.08921, without an embedding: what the field's tables call naive."""
    steps = np.linspace(0, 1, 30)
    norm = lambda x: np.sqrt((x**2).sum(-1))
    radii = np.quantile(norm(real - real.mean(0)), steps)
    precision = np.array([(norm(synthetic - real.mean(0)) <= r).mean() for r in radii])
    among = norm(real[:, None] - real[None])
    np.fill_diagonal(among, np.inf)
    across = norm(real[:, None] - synthetic[None])
    closest = across.argmin(1)
    inner = norm(synthetic[closest] - synthetic.mean(0))
    within = across.min(1) <= among.min(1)
    recall = np.array([(within & (inner <= r)).mean() for r in np.quantile(inner, steps)])
    score = lambda curve: 1 - np.abs(steps - curve).sum() / steps.sum()
    return score(precision), score(recall)


def check_sdmetrics(a, b, golden):
    try:
        from sdmetrics.reports.single_table import QualityReport
    except ImportError:
        print("SDMetrics is not installed: its own figures are not compared")
        return
    def frame(x):
        f = pd.DataFrame(x, columns=[f"c{i}" for i in range(x.shape[1])])
        f["c2"] = pd.to_datetime(f["c2"], unit="s")
        f["c3"] = f["c3"].map({0.0: False, 1.0: True})
        for c in ("c4", "c5"):
            f[c] = f[c].map(lambda v: np.nan if np.isnan(v) else f"w{v:.0f}")
        return f
    kinds = ["numerical", "numerical", "datetime", "boolean", "categorical", "categorical", "numerical"]
    columns = {f"c{i}": {"sdtype": k} for i, k in enumerate(kinds)}
    report = QualityReport()
    report.generate(frame(a), frame(b), {"columns": columns}, verbose=False)
    for _, line in report.get_details("Column Pair Trends").iterrows():
        i, j = int(line["Column 1"][1:]), int(line["Column 2"][1:])
        assert bool(line["Meets Threshold?"] is True) == golden["related"][i][j], (i, j, line)
    report = QualityReport()
    report.real_correlation_threshold = report.real_association_threshold = 0
    report.generate(frame(a), frame(b), {"columns": columns}, verbose=False)
    shapes = report.get_details("Column Shapes").set_index("Column")["Score"]
    gaps = [abs(shapes[f"c{i}"] - golden["shapes"][i]) for i in range(7)]
    for _, line in report.get_details("Column Pair Trends").iterrows():
        i, j = int(line["Column 1"][1:]), int(line["Column 2"][1:])
        ours = golden["trends"][i][j]
        assert np.isnan(line["Score"]) == np.isnan(ours), (i, j, line["Score"], ours)
        if not np.isnan(ours):
            gaps.append(abs(line["Score"] - ours))
    trend_mean = np.nanmean([golden["trends"][i][j] for i, j in itertools.combinations(range(7), 2)])
    properties = report.get_properties().set_index("Property")["Score"]
    gaps += [abs(properties["Column Shapes"] - np.mean(golden["shapes"])),
             abs(properties["Column Pair Trends"] - trend_mean)]
    print(f"SDMetrics agrees within {max(gaps):.1e}")
    assert max(gaps) < 1e-6


def cells(x):
    return [[None if np.isnan(v) else float(v) for v in row] for row in np.asarray(x)]


def main():
    rng = np.random.default_rng(0)
    a, b, c = table(rng, 80, 0.0), table(rng, 70, 0.4), table(rng, 80, 0.0)
    points, others = rng.normal(0, 1, (60, 3)), rng.normal(0.2, 0.8, (60, 3))
    others[:5] = points[:5]  # copies
    precision, recall = alpha_beta(points, others)
    to_train, to_held_out = record_distances(b, a, a), record_distances(b, c, a)
    golden = {"made_by": f"pandas {pd.__version__}, scipy {scipy.__version__}, numpy {np.__version__}, "
                         f"python {platform.python_version()}",
              "types": TYPES, "classes": CLASSES, "a": cells(a), "b": cells(b), "c": cells(c),
              "shapes": [shape(a, b, i) for i in range(len(TYPES))],
              "trends": matrix(lambda i, j: trend(a, b, i, j)),
              "rank_trends": matrix(lambda i, j: trend(a, b, i, j, True)),
              "related": [[related(a, *sorted((i, j))) if i != j else False for j in range(7)] for i in range(7)],
              "records": to_held_out.tolist(),
              "nearer": (to_train < to_held_out).mean() + 0.5 * (to_train == to_held_out).mean(),
              "points": cells(points), "others": cells(others), "alpha_precision": precision, "beta_recall": recall}
    check_sdmetrics(a, b, golden)
    for name in ("trends", "rank_trends"):
        golden[name] = cells(golden[name])
    with open("tests/golden/quality.json", "w") as file:
        json.dump(golden, file)
        file.write("\n")


if __name__ == "__main__":
    main()
