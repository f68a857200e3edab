"""elbo.OutlierDetector: anomalies among rows of numbers."""

from __future__ import annotations

import numbers
from typing import Any

import numpy as np
from sklearn.base import OutlierMixin

from ._base import checked, set_feature_names
from ._data import Data, from_array, from_frame, is_frame, is_plain_frame
from ._table_estimator import TableEstimator


class OutlierDetector(OutlierMixin, TableEstimator):  # type: ignore[misc]
    """Rows that a variational autoencoder and densities beside it find unusual, as elbo train --for anomalies and
    elbo score do.

    scikit-learn's convention: score_samples() and decision_function() are larger for inliers,
    predict() is −1 for outliers and 1 for inliers, decision_function() = score_samples() − offset_.
    PyOD's names stand beside: decision_scores_ (of the training rows, larger = outlier), labels_ (1 =
    outlier), threshold_ (on decision_scores_) and predict_proba().

    model: "anomaly" (training rows are normal), "outlier" (they hold the outliers to be found) or any other.
    contamination: share of the training rows beyond the threshold.
    criterion: auto (ensemble of the model and its densities where it has some, else likelihood), ensemble, likelihood
    (log p(x)), elbo, reconstruction or latent. draws: draws per row.
    epochs, batch_size: None = as elbo train chooses by the number of rows. The other parameters are those of VAE.

    Data frames may have columns of texts, categories, dates and missing cells; a row with a word that training has not
    seen is an outlier. types: kinds of such columns in place of inferred ones, {"age": "count", "id": "ignore"}.
    A row that is a copy of a training row is judged by the other training rows.
    """

    def __init__(
        self,
        model: str = "anomaly",
        *,
        types: Any = None,
        contamination: float = 0.1,
        criterion: str = "auto",
        draws: int = 50,
        latent_dim: int | None = None,
        epochs: int | None = None,
        batch_size: int | None = None,
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
        self.types = types
        self.contamination = contamination
        self.criterion = criterion
        self.draws = draws

    decision_scores_: np.ndarray
    offset_: float
    threshold_: float
    labels_: np.ndarray
    _mixed: bool  # fitted to a table with columns of several kinds

    def fit(self, X: Any, y: Any = None) -> "OutlierDetector":
        """Trains on X, an array [N, D] or a data frame; y is not used."""
        share = self.contamination
        if not isinstance(share, numbers.Real) or not 0 < share <= 0.5:
            raise ValueError(f"contamination: found {share!r}, allowed above 0, at most 0.5")
        self._mixed = is_frame(X) and not is_plain_frame(X)
        if self._mixed:
            set_feature_names(self, X)
            self.decision_scores_ = self._surprise(self._fit_table(X))
        else:
            array = checked(self, X, reset=True, ensure_min_samples=2, allow_nd=False)
            self._train(from_array(array, options={"reader": {"kind": "real"}}), len(array))
            self.decision_scores_ = self._surprise(from_array(array))
        self.offset_ = float(np.percentile(-self.decision_scores_, 100 * share))
        self.threshold_ = -self.offset_
        self.labels_ = (self.decision_scores_ > self.threshold_).astype(int)
        return self

    def _train(self, data: Data, rows: int, defaults: Any = None, reference: Any = None) -> None:
        super()._train(data, rows, defaults, {"draws": self.draws})

    def _surprise(self, data: Data) -> np.ndarray:
        scores: np.ndarray = self.run_.score(
            data, score=self.criterion, draws=self.draws, seen="yes"
        )
        return scores

    def _rows(self, X: Any) -> Data:
        self._own_run()
        if not self._mixed:
            return from_array(checked(self, X, reset=False, allow_nd=False))
        if not is_frame(X):
            raise ValueError("X: an array, and fit() was given a table with columns of several kinds")
        return from_frame(self._frame_of_before(X))

    def score_samples(self, X: Any) -> np.ndarray:
        """How usual each row is: the negative score, of criterion="likelihood" log p(x) in nats."""
        return -self._surprise(self._rows(X))

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

    def _more_tags(self) -> dict[str, Any]:
        return {"allow_nan": False}  # in arrays

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = False
        return tags
