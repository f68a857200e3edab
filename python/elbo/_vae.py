"""elbo.VAE: a transformer and a density."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin

from ._base import Estimator, checked, seed_of
from ._data import Data, from_array


class VAE(ClassNamePrefixFeaturesOutMixin, TransformerMixin, Estimator):  # type: ignore[misc]
    """A variational autoencoder of numbers or pictures.

    Rows [N, D] are real numbers; bytes [N, H, W], [N, C, H, W] and [N, H, W, C] are pictures (`layout`
    says which of the last two). float32 and uint8 in C order are not copied.

    Parameters
    ----------
    model: a model of the zoo (elbo.choices("models")), or a JSON file.
    latent_dim: size of the code (None = chosen by the data).
    epochs: passes over the rows (None = 30, and as many as make 1000 steps).
    batch_size, learning_rate, validation: as of elbo train. batch_size=None with epochs=None: both as the model recommends,
    or as elbo train chooses by the number of rows.
    random_state: an int is the seed that elbo train would be given.
    kind: "auto", or "real" for pictures of floats that are no shares.
    layout: "auto", "NCHW" or "NHWC".
    draws: draws per row of score_samples().
    spec: patch of the model's spec; train_options: further options of elbo train.
    n_threads: threads (0 = as many as torch uses). verbose: show a progress bar.

    Attributes
    ----------
    run_: the elbo.Run. history_, n_iter_, n_features_in_, feature_names_in_.
    """

    def __init__(
        self,
        model: str = "vae",
        *,
        latent_dim: int | None = None,
        epochs: int | None = None,
        batch_size: int | None = 128,
        learning_rate: float | None = None,
        validation: float = 0.1,
        random_state: Any = None,
        kind: str = "auto",
        layout: str = "auto",
        draws: int = 50,
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
        self.kind = kind
        self.layout = layout
        self.draws = draws

    def fit(self, X: Any, y: Any = None) -> "VAE":
        """Trains on X [N, …]; y is not used."""
        array = checked(self, X, reset=True, ensure_min_samples=2)
        real = self.kind == "real" or (self.kind == "auto" and array.ndim == 2)
        options = {"reader": {"kind": "real"}} if real else {}
        self._train(from_array(self._laid_out(array), options=options), len(array))
        self._n_features_out = self.run_.code_size
        return self

    def transform(self, X: Any) -> np.ndarray:
        """Posterior means [N, latent_dim]."""
        codes: np.ndarray = self._own_run().encode(self._rows(X))
        return codes

    def inverse_transform(self, X: Any) -> np.ndarray:
        """Means of p(x | code) for codes [N, latent_dim]."""
        run = self._own_run()
        rows = run.decode(np.asarray(X))
        return self._as_given(rows)

    def sample(self, n_samples: int = 1) -> np.ndarray:
        """New rows, drawn from the prior and the likelihood (of pictures its mean)."""
        run = self._own_run()
        return self._as_given(run.sample(n_samples, seed=seed_of(self.random_state)))

    def score_samples(self, X: Any) -> np.ndarray:
        """log p(x) of each row in nats, importance-sampled by `draws` draws."""
        run = self._own_run()
        return -np.asarray(run.score(self._rows(X), score="likelihood", draws=self.draws))

    def score(self, X: Any, y: Any = None) -> float:
        """Mean log p(x)."""
        return float(np.mean(self.score_samples(X)))

    def reconstruct(self, X: Any) -> np.ndarray:
        """Means of p(x | posterior mean)."""
        return self._as_given(self._own_run().reconstruct(self._rows(X)))

    def _rows(self, X: Any) -> Data:
        self._own_run()
        return from_array(self._laid_out(checked(self, X, reset=False)))

    def _laid_out(self, array: np.ndarray) -> np.ndarray:
        if self.layout not in ("auto", "NCHW", "NHWC"):
            raise ValueError(f"layout: found {self.layout!r}, allowed auto, NCHW, NHWC")
        last = self.layout == "NHWC" and array.ndim == 4
        return np.moveaxis(array, 3, 1) if last else array

    def _as_given(self, rows: np.ndarray) -> np.ndarray:
        last = self.layout == "NHWC" and rows.ndim == 4
        return np.moveaxis(rows, 1, 3) if last else rows

    def _more_tags(self) -> dict[str, Any]:
        return {"preserves_dtype": [np.float32]}

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags
