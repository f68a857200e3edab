"""elbo.Imputer: missing cells filled by a model of the whole row."""

from __future__ import annotations

import datetime
from typing import Any

import numpy as np
from sklearn.base import OneToOneFeatureMixin, TransformerMixin

from ._base import frame_like, seed_of
from ._data import column_names, from_frame, is_frame, is_missing, plain_cells
from ._table_estimator import TableEstimator


def _absent(cells: np.ndarray) -> np.ndarray:
    if cells.dtype.kind in "fiu":
        return np.isnan(cells) if cells.dtype.kind == "f" else np.zeros(len(cells), dtype=bool)
    return np.array([is_missing(cell) for cell in cells], dtype=bool)


class Imputer(OneToOneFeatureMixin, TransformerMixin, TableEstimator):  # type: ignore[misc]
    """Fills missing cells by what a variational autoencoder expects given the others.

    Takes arrays with NaN and data frames with columns of any kind; gives back the same. Columns that
    tell nothing (a single value) are filled with that value; a column without any value stays as it is.

    types: kinds of columns in place of inferred ones, {"age": "count", "id": "ignore"}. draws: draws
    of the latent variables per row. The other parameters are those of VAE.
    """

    def __init__(
        self,
        model: str = "missing_iwae",
        *,
        types: Any = None,
        draws: int = 100,
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
        self.draws = draws

    def fit(self, X: Any, y: Any = None) -> "Imputer":
        """Trains on X [N, D], whose cells may be missing; y is not used."""
        columns = self._columns(X, reset=True)
        self._fit_table(columns)
        self.constants_ = {}
        for name in column_names(columns):
            if str(name) in self.columns_:
                continue
            cells = plain_cells(columns[name])
            seen = cells[~_absent(cells)]
            if len(seen) and all(cell == seen[0] for cell in seen):
                self.constants_[str(name)] = seen[0]
        return self

    def transform(self, X: Any, multiple: int = 1) -> Any:
        """X with its missing cells at their expected values; with `multiple` a list of that many
        completions, each an independent draw."""
        columns = self._columns(X, reset=False)
        run = self._own_run()
        found = run.impute(
            from_frame(columns), multiple=multiple, draws=self.draws, seed=self._seed()
        )
        values = found["draws"] if multiple > 1 else found["value"][None]
        made = [self._completed(X, columns, one) for one in values]
        return made if multiple > 1 else made[0]

    def intervals(self, X: Any, mass: float = 0.9) -> dict[str, Any]:
        """Ends of the central intervals of the missing numbers, {"low", "high"}: shaped like X, NaN or
        None where a cell is not missing or not a number."""
        columns = self._columns(X, reset=False)
        run = self._own_run()
        found = run.impute(from_frame(columns), interval=mass, draws=self.draws, seed=self._seed())
        numeric = {c["name"] for c in run.schema["x"]["detail"]["columns"] if not c.get("classes")}
        ends = {}
        for end in ("low", "high"):
            cells = run.cells(found[end])
            rows = len(found[end])
            nothing = np.full(rows, np.nan)
            shown = {
                str(name): cells[str(name)] if str(name) in numeric else nothing
                for name in column_names(columns)
            }
            ends[end] = shown if is_frame(X) else np.stack(list(shown.values()), axis=1)
        return ends

    def _seed(self) -> int:
        return seed_of(self.random_state) if self.random_state is not None else 0

    def _completed(self, X: Any, columns: Any, values: np.ndarray) -> Any:
        filled = self.run_.cells(values)
        made: dict[str, np.ndarray] = {}
        for name in column_names(columns):
            cells = plain_cells(columns[name])
            absent = _absent(cells)
            if absent.any():
                cells = _with(cells, absent, filled.get(str(name)), self.constants_.get(str(name)))
            made[name if is_frame(X) else str(name)] = cells
        if is_frame(X):
            return frame_like(X, made)
        kind = np.asarray(X).dtype
        out = np.stack([np.asarray(cells, dtype=np.float64) for cells in made.values()], axis=1)
        return out.astype(kind) if kind.kind == "f" else out


def _with(cells: np.ndarray, absent: np.ndarray, found: Any, constant: Any) -> np.ndarray:
    """Cells with the absent ones as the model found them, or the one value that the column has."""
    cells = cells.copy()
    if found is None:
        if constant is not None:
            cells[absent] = constant
        return cells
    if cells.dtype.kind in "fiu" and found.dtype.kind == "O":  # classes that are numbers
        found = np.array([np.nan if cell is None else float(cell) for cell in found])
    seen = cells[~absent]
    cells[absent] = found[absent] if cells.dtype.kind in "fiu" else _like(seen, found[absent])
    return cells


def _like(seen: np.ndarray, found: np.ndarray) -> np.ndarray:
    """Texts as the kind of object that the column holds: truth values, dates, times."""
    kind: Any = type(seen[0]) if len(seen) else str
    if kind in (bool, np.bool_):
        words = {"True": True, "False": False}
        return np.array([words.get(str(cell), cell) for cell in found], dtype=object)
    if kind in (datetime.date, datetime.datetime):
        return np.array([cell if cell is None else kind.fromisoformat(str(cell)) for cell in found], dtype=object)
    return found
