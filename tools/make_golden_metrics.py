#!/usr/bin/env python3
"""Writes tests/golden/metrics.json: what scikit-learn, SciPy and plain NumPy say about fixed arrays.
Run from the repository root."""
import json
import platform
import warnings

import numpy as np
import scipy
import sklearn
from scipy import linalg, ndimage, special
from sklearn import metrics
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier, NearestNeighbors
from sklearn.svm import LinearSVC

warnings.filterwarnings("ignore")


def rounded(a):
    """What the file holds is what the figures are computed from."""
    return np.round(np.asarray(a, float), 4)


def samples():
    rng = np.random.default_rng(1)
    x = rounded(rng.normal(size=(60, 5)) @ rng.normal(size=(5, 5)))
    y = rounded(rng.normal(size=(50, 5)) @ rng.normal(size=(5, 5)) + 0.3)
    root = linalg.sqrtm(np.cov(x.T) @ np.cov(y.T)).real
    frechet = np.sum((x.mean(0) - y.mean(0))**2) + np.trace(np.cov(x.T) + np.cov(y.T) - 2 * root)
    k = lambda a, b: metrics.pairwise.polynomial_kernel(a, b, degree=3, gamma=1 / 5, coef0=1)
    off = lambda m: (m.sum() - np.trace(m)) / (len(m) * (len(m) - 1))
    kernel = off(k(x, x)) + off(k(y, y)) - 2 * k(x, y).mean()

    def radii(a, k):
        return NearestNeighbors(n_neighbors=k + 1).fit(a).kneighbors(a)[0][:, -1]

    pairs = metrics.pairwise_distances(x, y)
    in_x, in_y = pairs < radii(x, 3)[:, None], pairs < radii(y, 3)[None]
    return {"x": x.tolist(), "y": y.tolist(), "k": 3, "frechet": frechet, "kernel": kernel,
            "precision": in_x.any(0).mean(), "recall": in_y.any(1).mean(),
            "density": in_x.sum(0).mean() / 3,
            "coverage": (pairs.min(1) < radii(x, 3)).mean()}


def waves(height, width):
    """Two pictures that a formula makes, too large to keep: the test makes them again."""
    i, j = np.mgrid[:height, :width].astype(float)
    x = 0.5 + 0.3 * np.sin(0.013 * i * j) + 0.2 * np.cos(0.4 * i - 0.09 * j)
    return x, x + 0.1 * np.sin(1.7 * i + 2.3 * j) * np.cos(0.02 * i)


def pictures():
    rng = np.random.default_rng(2)
    x = rounded(ndimage.gaussian_filter(rng.uniform(size=(3, 1, 24, 20)), (0, 0, 1.5, 1.5)))
    x = rounded((x - x.min()) / (x.max() - x.min()))
    y = rounded(np.clip(x + 0.1 * rng.normal(size=x.shape), 0, 1))

    def blurred(a):
        radius = 5
        full = ndimage.gaussian_filter(a, 1.5, truncate=radius / 1.5)
        return full[radius:-radius, radius:-radius]

    def similarity(a, b, luminance=True):
        ma, mb = blurred(a), blurred(b)
        va, vb, cov = blurred(a * a) - ma**2, blurred(b * b) - mb**2, blurred(a * b) - ma * mb
        c1, c2 = 1e-4, 9e-4
        first = (2 * ma * mb + c1) / (ma**2 + mb**2 + c1) if luminance else 1
        return np.mean(first * (2 * cov + c2) / (va + vb + c2))

    def multi_scale(a, b):
        """Wang, Simoncelli and Bovik 2003, as usual: luminance at the coarsest scale alone."""
        product = 1
        for scale, weight in enumerate((0.0448, 0.2856, 0.3001, 0.2363, 0.1333)):
            if scale > 0:
                a, b = (m.reshape(len(m) // 2, 2, -1, 2).mean((1, 3)) for m in (a, b))
            product *= similarity(a, b, luminance=scale == 4)**weight
        return product

    large = waves(176, 208)
    squared = ((x - y)**2).mean((1, 2, 3))
    gradient = (np.diff(x, axis=2)**2).mean((1, 2, 3)) + (np.diff(x, axis=3)**2).mean((1, 2, 3))
    return {"x": x.tolist(), "y": y.tolist(), "squared": squared.tolist(),
            "peak_ratio": (-10 * np.log10(squared)).tolist(),
            "similarity": [similarity(a[0], b[0]) for a, b in zip(x, y)],
            "gradient": gradient.tolist(),
            "waves": {"height": 176, "width": 208, "similarity": similarity(*large),
                      "multi_scale": multi_scale(*large)}}


def normal_log(z, mean, deviation):
    return -0.5 * ((z - mean) / deviation)**2 - np.log(deviation) - 0.5 * np.log(2 * np.pi)


def information():
    rng = np.random.default_rng(3)
    mean = rounded(rng.normal(size=(40, 3)) * [2, 1, 0.05])
    deviation = rounded(rng.uniform(0.1, 1, size=(40, 3)))
    z = rounded(mean + deviation * rng.normal(size=mean.shape))
    own = normal_log(z, mean, deviation)
    pairs = normal_log(z[:, None], mean[None], deviation[None])
    joint = special.logsumexp(pairs.sum(2), axis=1) - np.log(40)
    each = special.logsumexp(pairs, axis=1) - np.log(40)
    prior = normal_log(z, 0, 1)
    return {"mean": mean.tolist(), "deviation": deviation.tolist(), "z": z.tolist(),
            "information": np.mean(own.sum(1) - joint), "gap": np.mean(joint - prior.sum(1)),
            "total_correlation": np.mean(joint - each.sum(1)),
            "dimension_information": (own - each).mean(0).tolist(),
            "dimension_gap": (each - prior).mean(0).tolist()}


def probes():
    rng = np.random.default_rng(4)
    centres = rng.normal(size=(3, 4))
    y, test_y = rng.integers(3, size=90), rng.integers(3, size=60)
    x = rounded(centres[y] + rng.normal(size=(90, 4)))
    test_x = rounded(centres[test_y] + rng.normal(size=(60, 4)))
    logistic = LogisticRegression(tol=1e-12, max_iter=100000).fit(x, y)
    near = KNeighborsClassifier(5).fit(x, y)
    line = LinearSVC(C=0.01, class_weight="balanced", dual=False, tol=1e-12, max_iter=100000)
    return {"x": x.tolist(), "y": y.tolist(), "test_x": test_x.tolist(), "test_y": test_y.tolist(),
            "probabilities": logistic.predict_proba(test_x).tolist(),
            "nearest": near.predict(test_x).tolist(),
            "svm": [line.fit(x[:, [j]], y).predict(test_x[:, [j]]).tolist() for j in range(4)],
            "svm_two": line.fit(x[:, [0]], y > 0).predict(test_x[:, [0]]).astype(int).tolist()}


# Disentanglement, as disentanglement_lib computes it.


def in_bins(codes):
    out = np.zeros_like(codes)
    for j, column in enumerate(codes.T):
        out[:, j] = np.digitize(column, np.histogram(column, 20)[1][:-1])
    return out


def code_information(codes, factors):
    bins = in_bins(codes)
    return np.array([[metrics.mutual_info_score(f, b) for f in factors.T] for b in bins.T])


def mig(codes, factors):
    m = np.sort(code_information(codes, factors), axis=0)[::-1]
    entropy = np.array([metrics.mutual_info_score(f, f) for f in factors.T])
    return np.mean((m[0] - m[1]) / entropy)


def modularity(codes, factors):
    squared = code_information(codes, factors)**2
    largest = squared.max(1)
    score = 1 - (squared.sum(1) - largest) / (largest * (squared.shape[1] - 1))
    return np.mean(np.where(largest == 0, 0, score))


def irs(codes, factors):
    codes = codes[:, codes.std(0) > 0]
    widest = np.abs(codes - codes.mean(0)).max(0)
    scores = []
    for f in factors.T:
        deviation = 0
        for value in np.unique(f):
            here = codes[f == value]
            deviation = deviation + np.percentile(np.abs(here - here.mean(0)), 99, axis=0)
        scores.append(1 - deviation / len(np.unique(f)) / widest)
    return np.average(np.max(scores, axis=0), weights=widest)


def explicitness(train, test):
    scores = []
    for f, truth in zip(train[1].T, test[1].T):
        model = LogisticRegression(tol=1e-12, max_iter=100000, multi_class="multinomial")
        p = model.fit(train[0], f).predict_proba(test[0])
        scores.append(np.mean([metrics.roc_auc_score(truth == c, p[:, c])
                               for c in range(p.shape[1])]))
    return np.mean(scores)


def sap(train, test):
    score = np.zeros((train[0].shape[1], train[1].shape[1]))
    for j in range(score.shape[0]):
        for k in range(score.shape[1]):
            if train[0][:, j].var() <= 1e-12:
                continue
            line = LinearSVC(C=0.01, class_weight="balanced", dual=False, tol=1e-12,
                             max_iter=100000)
            line.fit(train[0][:, [j]], train[1][:, k])
            score[j, k] = np.mean(line.predict(test[0][:, [j]]) == test[1][:, k])
    ordered = np.sort(score, axis=0)
    return np.mean(ordered[-1] - ordered[-2])


def dci_of(importance):
    def score(rows):
        p = (rows + 1e-11) / (rows + 1e-11).sum(1, keepdims=True)
        return np.sum((1 + (p * np.log(p)).sum(1) / np.log(rows.shape[1])) * rows.sum(1) /
                      rows.sum())

    return score(importance), score(importance.T)


def dci(rng):
    """On codes of few values with noisy factors: else small nodes of trees can be parted alike by
    several columns, and scikit-learn's random state chooses."""

    def arrays(n):
        factors = np.stack([rng.integers(3, size=n), rng.integers(2, size=n)], axis=1)
        mixed = np.stack([2 * factors[:, 0], factors[:, 0] + factors[:, 1], 2 * factors[:, 1],
                          0 * factors[:, 0]], axis=1)
        return np.round(mixed + rng.normal(size=mixed.shape)).clip(0, 3), factors

    train, test = arrays(3000), arrays(500)

    def once(state):
        columns, accuracy = [], []
        for f, truth in zip(train[1].T, test[1].T):
            trees = GradientBoostingClassifier(random_state=state).fit(train[0], f)
            columns.append(trees.feature_importances_)
            accuracy.append(np.mean(trees.predict(test[0]) == truth))
        return np.array(columns).T, np.mean(accuracy)

    importance, accuracy = once(0)
    for state in (1, 2):
        other, same = once(state)
        print("importances of another random state differ by", np.abs(other - importance).max())
        assert np.abs(other - importance).max() < 1e-5 and same == accuracy
    disentangled, complete = dci_of(importance)
    return {"codes": train[0].astype(int).tolist(), "factors": train[1].tolist(),
            "test_codes": test[0].astype(int).tolist(), "test_factors": test[1].tolist(),
            "importance": importance.tolist(), "disentanglement": disentangled,
            "completeness": complete, "informativeness": accuracy}


def groups(rng, factors, count, batch, pairs):
    factor = rng.integers(factors.shape[1], size=count)
    rows = []
    for k in factor:
        first = rng.integers(len(factors))
        group = []
        for _ in range(batch):
            if pairs:
                first = rng.integers(len(factors))
            other = rng.choice(np.flatnonzero(factors[:, k] == factors[first, k]))
            group.append([int(first), int(other)] if pairs else int(other))
        rows.append(group)
    return {"rows": rows, "factor": factor.tolist()}


def factor_vae(codes, train, test, factors):
    variance = codes.var(0, ddof=1)
    active = np.flatnonzero(np.sqrt(variance) >= 0.05)

    def votes(g):
        table = np.zeros((len(active), factors), int)
        for rows, k in zip(g["rows"], g["factor"]):
            local = codes[rows].var(0, ddof=1)[active] / variance[active]
            table[np.argmin(local), k] += 1
        return table

    meaning, judged = np.argmax(votes(train), axis=1), votes(test)
    return judged[np.arange(len(active)), meaning].sum() / judged.sum()


def beta_vae(codes, train, test):
    def features(g):
        pairs = codes[np.array(g["rows"])]
        return np.abs(pairs[:, :, 0] - pairs[:, :, 1]).mean(1)

    model = LogisticRegression(tol=1e-12, max_iter=100000)
    model.fit(features(train), train["factor"])
    return np.mean(model.predict(features(test)) == test["factor"])


def disentanglement():
    rng = np.random.default_rng(5)

    def arrays(n):
        factors = np.stack([rng.integers(3, size=n), rng.integers(4, size=n),
                            rng.integers(2, size=n)], axis=1)
        mixed = factors @ np.array([[1, 0.2, 0, 0.5], [0, 1, 0.1, 0.5], [0.3, 0, 1, 0]])
        codes = np.concatenate([mixed + 0.5 * rng.normal(size=mixed.shape),
                                0.01 * rng.normal(size=(n, 1))], axis=1)
        return rounded(codes), factors

    train, test = arrays(400), arrays(150)
    out = {"codes": train[0].tolist(), "factors": train[1].tolist(),
           "test_codes": test[0].tolist(), "test_factors": test[1].tolist(),
           "information": code_information(*train).tolist(), "mig": mig(*train),
           "modularity": modularity(*train), "irs": irs(*train),
           "explicitness": explicitness(train, test), "sap": sap(train, test),
           "dci": dci(rng)}
    for pairs in (False, True):
        g = [groups(rng, train[1], count, 8, pairs) for count in (60, 40)]
        score = beta_vae(train[0], *g) if pairs else factor_vae(train[0], *g, 3)
        out["beta_vae" if pairs else "factor_vae"] = {"train": g[0], "test": g[1], "score": score}
    return out


def main():
    data = {"versions": {"python": platform.python_version(), "numpy": np.__version__,
                         "scipy": scipy.__version__, "scikit-learn": sklearn.__version__},
            "samples": samples(), "pictures": pictures(), "information": information(),
            "probes": probes(), "disentanglement": disentanglement()}
    with open("tests/golden/metrics.json", "w") as file:
        json.dump(data, file)
        file.write("\n")


if __name__ == "__main__":
    main()
