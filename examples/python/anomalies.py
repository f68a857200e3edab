"""Anomalies in a pipeline: the size of the code is found by GridSearchCV."""

import sys

import numpy as np
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import elbo

epochs = int(sys.argv[1]) if len(sys.argv) > 1 else 40

random = np.random.default_rng(0)
mixing = random.normal(size=(2, 8))


def rows(n: int) -> np.ndarray:
    return (random.normal(size=(n, 2)) @ mixing + 0.1 * random.normal(size=(n, 8))).astype(np.float32)


usual, new = rows(600), rows(200)
# Every column of an odd row is usual by itself; together they are not.
odd = np.column_stack([random.permutation(column) for column in rows(200).T])

search = GridSearchCV(
    make_pipeline(StandardScaler(), elbo.VAE(epochs=epochs, random_state=0)),
    {"vae__latent_dim": [1, 2]},
    cv=2,
).fit(usual)  # judged by score(): mean log p(x) of the rows left out
size = search.best_params_["vae__latent_dim"]
print("size of the code:", size)

detector = make_pipeline(
    StandardScaler(), elbo.OutlierDetector(latent_dim=size, epochs=epochs, random_state=0)
).fit(usual)
truth = np.r_[np.ones(200), -np.ones(200)]
shown = np.r_[new, odd]
print("outliers among new and odd rows:", (detector.predict(shown) == -1).reshape(2, -1).mean(1))
print("area under the curve:", round(roc_auc_score(truth, detector.decision_function(shown)), 3))
