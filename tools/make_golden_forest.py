#!/usr/bin/env python3
"""Writes tests/golden/forest.json: two tables, the AUC of XGBoost between them in three given folds, and what it predicts of
classes and numbers, by XGBoost's own Python package. Run from the repository root where xgboost and scikit-learn are."""
import json
import platform

import numpy as np
import sklearn
import xgboost
from sklearn.metrics import r2_score, roc_auc_score

SETTING = dict(n_estimators=100, max_depth=6, learning_rate=0.3, tree_method="hist", n_jobs=1, random_state=0)


def table(rng, n, dependence):
    """A number, a whole number and a number that depend on each other, classes one-hot; some cells are missing."""
    first = rng.normal(0, 1, n)
    second = rng.poisson(np.exp(0.4 * dependence * first + 1))
    third = dependence * first + rng.normal(0, 1, n)
    word = np.clip((first + rng.normal(0, 1, n)).round() + 1, 0, 2).astype(int)
    x = np.concatenate([np.stack([first, second, third], 1).round(2), np.eye(3)[word]], 1).astype(np.float32)
    x[rng.random(n) < 0.05, 2] = np.nan
    return x


def main():
    rng = np.random.default_rng(0)
    real, synthetic, test = table(rng, 450, 1.0), table(rng, 450, 0.1), table(rng, 300, 1.0)
    x = np.concatenate([real, synthetic])
    y = np.r_[np.ones(450, int), np.zeros(450, int)]
    folds = rng.permutation(np.arange(900) % 3)
    aucs = []
    for fold in range(3):
        fit, judged = folds != fold, folds == fold
        model = xgboost.XGBClassifier(base_score=0.5, **SETTING).fit(x[fit], y[fit])
        aucs.append(roc_auc_score(y[judged], model.predict_proba(x[judged])[:, 1]))
    binary = xgboost.XGBClassifier(base_score=0.5, **SETTING).fit(synthetic[:, 1:], synthetic[:, 0] > 0)
    several = xgboost.XGBClassifier(base_score=0.5, **SETTING).fit(synthetic[:, :3], synthetic[:, 3:].argmax(1))
    numbers = xgboost.XGBRegressor(base_score=float(synthetic[:, 0].mean()), **SETTING)
    numbers.fit(synthetic[:, 1:], synthetic[:, 0])
    listed = lambda t: [[None if np.isnan(v) else round(float(v), 2) for v in row] for row in t]
    golden = {"made_by": f"xgboost {xgboost.__version__}, scikit-learn {sklearn.__version__}, numpy {np.__version__}, "
                         f"python {platform.python_version()}",
              "real": listed(real), "synthetic": listed(synthetic), "test": listed(test), "folds": folds.tolist(),
              "auc": float(np.mean(aucs)), "c2st": 2 * (1 - max(float(np.mean(aucs)), 0.5)),
              "binary_auc": roc_auc_score(test[:, 0] > 0, binary.predict_proba(test[:, 1:])[:, 1]),
              "classes_auc": roc_auc_score(test[:, 3:].argmax(1), several.predict_proba(test[:, :3]), multi_class="ovr"),
              "r2": r2_score(test[:, 0], numbers.predict(test[:, 1:]))}
    print({k: v for k, v in golden.items() if isinstance(v, float)})
    with open("tests/golden/forest.json", "w") as file:
        json.dump(golden, file)
        file.write("\n")


if __name__ == "__main__":
    main()
