"""elbo.Synthesizer: synthetic rows of a table."""

from __future__ import annotations

from typing import Any, Mapping

import numpy as np

from ._base import arrow_frame, as_dtype, seed_of
from ._data import is_frame
from ._table_estimator import TableEstimator


class Synthesizer(TableEstimator):
    """Learns the rows of a table and draws new ones: Synthesizer().fit(df).sample(1000).

    sample() gives what fit() was given: a data frame (pandas, polars, pyarrow), an array, or a dictionary of
    columns. Columns that tell nothing (identifiers, a single value) are left out; notes_ says which.

    types: kinds of columns in place of inferred ones, {"age": "count", "id": "ignore"}. The other
    parameters are those of VAE.
    """

    def __init__(
        self,
        model: str = "vae",
        *,
        types: Any = None,
        latent_dim: int | None = None,
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
        self.types = types

    def fit(self, X: Any, y: Any = None) -> "Synthesizer":
        """Trains on the rows of X; y is not used."""
        columns = self._columns(X, reset=True)
        self._fit_table(columns)
        self.notes_ = list(self.run_.schema["x"]["detail"].get("notes", []))
        self._array = not is_frame(X)
        self._module = type(X).__module__.split(".")[0]
        self._dtypes = {str(n): X[n].dtype for n in X.columns} if self._module == "pandas" else None
        self._schema = X.schema if self._module in ("polars", "pyarrow") else None
        return self

    def sample(
        self, n_samples: int = 1, conditions: Mapping[str, Any] | str | None = None
    ) -> Any:
        """New rows. conditions: {"city": "Rome"}, {"age": (">", 60)}, or a text like "age>60,city=Rome";
        rows that do not meet them are drawn again."""
        run = self._own_run()
        options = {"where": where_text(conditions)} if conditions else {}
        seed = seed_of(self.random_state)
        cells = run.cells(run.sample(n_samples, seed=seed, value="draw", **options))
        if self._array:
            return np.stack([np.asarray(c, dtype=np.float64) for c in cells.values()], axis=1)
        if self._schema is not None:
            return arrow_frame(self._module, self._schema, cells)
        if self._dtypes is None:
            return cells
        import pandas

        made = pandas.DataFrame(cells)
        for name in made.columns:
            made[name] = as_dtype(made[name], self._dtypes[name])
        return made


def where_text(conditions: Mapping[str, Any] | str) -> str:
    """Conditions in the program's words."""
    if isinstance(conditions, str):
        return conditions
    words = []
    for name, value in conditions.items():
        relation, value = value if isinstance(value, tuple) else ("=", value)
        words.append(f"{name}{relation}{value}")
    return ",".join(words)
