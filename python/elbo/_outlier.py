"""elbo.OutlierDetector: anomalies among rows of numbers."""

from __future__ import annotations

import numbers
from typing import Any

import numpy as np
from sklearn.base import OutlierMixin

from ._base import Estimator, checked
from ._data import Data, from_array


class OutlierDetector(OutlierMixin, Estimator):  # type: ignore[misc]
    """Rows that a variational autoencoder finds unusual.

    scikit-learn's convention: score_samples() and decision_function() are larger for inliers,
    predict() is −1 for outliers and 1 for inliers, decision_function() = score_samples() − offset_.
    PyOD's names stand beside: decision_scores_ (of the training rows, larger = outlier), labels_ (1 =
    outlier), threshold_ (on decision_scores_) and predict_proba().

    contamination: share of the training rows beyond the threshold. criterion: likelihood (log p(x)), elbo,
    reconstruction or latent. draws: draws per row. The other parameters are those of VAE.
    """

    def __init__(
        self,
        model: str = "anomaly",
        *,
        contamination: float = 0.1,
        criterion: str = "likelihood",
        draws: int = 50,
        latent_dim: int | None = None,
        epochs: int | None = None,
        batch_size: int = 128,
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
        self.contamination = contamination
        self.criterion = criterion
        self.draws = draws

    decision_scores_: np.ndarray
    offset_: float
    threshold_: float
    labels_: np.ndarray

    def fit(self, X: Any, y: Any = None) -> "OutlierDetector":
        """Trains on X [N, D]; y is not used."""
        share = self.contamination
        if not isinstance(share, numbers.Real) or not 0 < share <= 0.5:
            raise ValueError(f"contamination: found {share!r}, allowed above 0, at most 0.5")
        array = checked(self, X, reset=True, ensure_min_samples=2, allow_nd=False)
        data = from_array(array, options={"reader": {"kind": "real"}})
        self._train(data, len(array))
        self.decision_scores_ = self._surprise(from_array(array))
        self.offset_ = float(np.percentile(-self.decision_scores_, 100 * share))
        self.threshold_ = -self.offset_
        self.labels_ = (self.decision_scores_ > self.threshold_).astype(int)
        return self

    def _surprise(self, data: Data) -> np.ndarray:
        scores: np.ndarray = self.run_.score(data, score=self.criterion, draws=self.draws)
        return scores

    def score_samples(self, X: Any) -> np.ndarray:
        """How usual each row is: the negative score, e.g. log p(x) in nats."""
        self._own_run()
        return -self._surprise(from_array(checked(self, X, reset=False, allow_nd=False)))

    def decision_function(self, X: Any) -> np.ndarray:
        """score_samples() − offset_: negative for outliers."""
        return self.score_samples(X) - self.offset_

    def predict(self, X: Any) -> np.ndarray:
        """−1 for outliers, 1 for inliers."""
        return np.where(self.decision_function(X) < 0, -1, 1)

    def predict_proba(self, X: Any) -> np.ndarray:
        """[N, 2] shares of inlier and outlier: scores scaled between the lowest and the highest of
        training, as PyOD's linear method has it."""
        scores = -self.score_samples(X)
        low, high = self.decision_scores_.min(), self.decision_scores_.max()
        share = np.clip((scores - low) / max(high - low, 1e-12), 0, 1)
        return np.stack([1 - share, share], axis=1)
