"""elbo.SemiSupervisedClassifier: classes from few labels."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import column_or_1d

from ._base import Estimator, checked
from ._data import from_array


# What m2 has for pictures is slow and no better for rows of numbers.
_SMALL = {
    "latent.features": 64,
    "encoder": {"type": "mlp", "hidden": [64, 64]},
    "decoder": {"type": "mlp", "hidden": [64, 64]},
}


class SemiSupervisedClassifier(ClassifierMixin, Estimator):  # type: ignore[misc]
    """Learns classes from rows of which few are labelled (Kingma et al. 2014): in fit(X, y), −1 in y is a
    row whose class is not known, as scikit-learn's semi-supervised estimators have it.

    Rows of numbers are learned by smaller networks than the program's m2 has; `spec` goes before them.
    The parameters are those of VAE.
    """

    def __init__(
        self,
        model: str = "m2",
        *,
        latent_dim: int | None = 8,
        epochs: int | None = None,
        batch_size: int | None = 128,
        learning_rate: float | None = None,
        validation: float = 0.1,
        random_state: Any = None,
        spec: Any = None,
        train_options: Any = None,
        n_threads: int = 0,
        verbose: bool = False,
    ) -> None:
        super().__init__(
            model,
            latent_dim=latent_dim,
            epochs=epochs,
            batch_size=batch_size,
            learning_rate=learning_rate,
            validation=validation,
            random_state=random_state,
            spec=spec,
            train_options=train_options,
            n_threads=n_threads,
            verbose=verbose,
        )

    def fit(self, X: Any, y: Any) -> "SemiSupervisedClassifier":
        """Trains on X [N, …] and y [N], −1 = not known."""
        if y is None:
            raise ValueError(
                "SemiSupervisedClassifier requires y to be passed, but the target y is None"
            )
        array = checked(self, X, reset=True, ensure_min_samples=2)
        given = column_or_1d(y, warn=True)
        if len(given) != len(array):
            raise ValueError(f"y: {len(given)} labels, X has {len(array)} rows")
        check_classification_targets(given)
        known = given != -1 if given.dtype.kind in "iuf" else np.array([v != -1 for v in given])
        self.classes_, places = np.unique(given[known], return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(f"y: found {len(self.classes_)} class, at least 2 are needed (1 class)")
        labels = np.full(len(array), -1, dtype=np.int64)
        labels[known] = places
        real = array.ndim == 2
        options = {"reader": {"kind": "real"}} if real else {}
        self._train(from_array(array, labels, options), len(array), _SMALL if real else {})
        return self

    def predict_proba(self, X: Any) -> np.ndarray:
        """[N, classes]."""
        run = self._own_run()
        data = from_array(checked(self, X, reset=False))
        _, rows = run.task("classify", data, rows=True)
        shares: np.ndarray = rows[:, 1:].astype(np.float64)
        shares /= shares.sum(axis=1, keepdims=True)
        return shares

    def predict(self, X: Any) -> np.ndarray:
        shares = self.predict_proba(X)  # first: it says where fit() was not called
        classes: np.ndarray = self.classes_[shares.argmax(axis=1)]
        return classes
