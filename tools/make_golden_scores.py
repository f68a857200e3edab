#!/usr/bin/env python3
"""Writes tests/golden/scores.json: ranking metrics from scikit-learn, tails from SciPy, ranges and
conformal p-values counted by their definitions. Run from the repository root."""
import json
import platform

import numpy as np
import scipy
import sklearn
from scipy import stats
from sklearn import metrics


def ranges(labels):
    """Begin and end of each run of ones."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], labels, [0]])))
    return list(zip(edges[::2], edges[1::2]))


def composite_f1(labels, alarms):
    """Garg et al. 2021: precision of points, recall of ranges."""
    precision = metrics.precision_score(labels, alarms, zero_division=0)
    found = [alarms[a:b].any() for a, b in ranges(labels)]
    recall = np.mean(found) if found else 0
    return float(2 * precision * recall / (precision + recall)) if precision + recall else 0.0


def ranking(scores, labels, threshold):
    alarms = (scores > threshold).astype(int)
    precision, recall, f1, _ = metrics.precision_recall_fscore_support(
        labels, alarms, average="binary", zero_division=0)
    return {"scores": scores.tolist(), "labels": labels.tolist(), "threshold": threshold,
            "auroc": metrics.roc_auc_score(labels, scores),
            "average_precision": metrics.average_precision_score(labels, scores),
            "precision": precision, "recall": recall, "f1": f1,
            "f1_ranges": composite_f1(labels, alarms)}


def rankings():
    rng = np.random.default_rng(0)
    labels = (rng.random(200) < 0.15).astype(int)
    blocks = np.zeros(200, int)
    blocks[20:50] = blocks[80:83] = blocks[199:] = 1
    scores = rng.normal(size=200) + labels
    return [ranking(scores, labels, 1.0),
            ranking(np.round(scores), labels, 0.0),  # many ties
            ranking(rng.normal(size=200) + blocks, blocks, 1.5),
            ranking(-np.arange(12.0), (np.arange(12) > 8).astype(int), -3.0),
            ranking(np.ones(10), (np.arange(10) < 4).astype(int), 2.0)]


def tails():
    rng = np.random.default_rng(1)
    lists = [stats.genpareto.rvs(shape, scale=scale, size=size, random_state=rng)
             for shape, scale, size in [(0.3, 2.0, 400), (-0.2, 0.5, 300), (1.0, 10.0, 250)]]
    lists.append(rng.exponential(3.0, 200))
    out = []
    for x in lists:
        shape, _, scale = stats.genpareto.fit(x, floc=0)
        out.append({"excesses": x.tolist(), "shape": shape, "scale": scale,
                    "log_likelihood": float(stats.genpareto.logpdf(x, shape, 0, scale).sum()),
                    "exceeded_with_1e-3": float(stats.genpareto.isf(1e-3, shape, 0, scale))})
    return out


def p_values():
    rng = np.random.default_rng(2)
    reference, scores = np.round(rng.normal(size=50), 1), np.round(rng.normal(size=30) + 1, 1)
    p = [(1 + int((reference >= s).sum())) / (1 + len(reference)) for s in scores]
    return {"reference": reference.tolist(), "scores": scores.tolist(), "p": p,
            "percentile_90": float(np.percentile(reference, 90))}


golden = {"made_by": {"python": platform.python_version(), "numpy": np.__version__,
                      "scipy": scipy.__version__, "scikit-learn": sklearn.__version__},
          "rankings": rankings(), "tails": tails(), "p_values": p_values()}
with open("tests/golden/scores.json", "w") as file:
    json.dump(golden, file)
    file.write("\n")
