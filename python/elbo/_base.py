"""What the estimators share: scikit-learn's conventions around a run."""

from __future__ import annotations

import numbers
from typing import Any, Mapping

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from ._call import Stopped
from ._data import Data, column_names, is_frame, is_missing
from ._run import Run, train

_STEPS_AT_LEAST = 1000  # small data need more than the usual number of epochs
_EPOCHS = 30
_MOST_NUMBERS = 10**15


def checked(estimator: Any, X: Any, *, reset: bool, **settings: Any) -> np.ndarray:
    """validate_data() of any scikit-learn from 1.2 on."""
    size = getattr(X, "size", 0)
    if isinstance(size, int) and size >= _MOST_NUMBERS:  # repeated by strides of 0; it would be read for years
        raise ValueError(f"X: {size} numbers are too many")
    if "ensure_all_finite" in settings and not _has_validate_data():
        settings["force_all_finite"] = settings.pop("ensure_all_finite")
    settings = {"dtype": "numeric", "allow_nd": True, **settings}
    if _has_validate_data():
        from sklearn.utils.validation import validate_data

        array: np.ndarray = validate_data(estimator, X, reset=reset, **settings)
    else:
        array = estimator._validate_data(X, reset=reset, **settings)
    return array


def _has_validate_data() -> bool:
    import sklearn.utils.validation

    return hasattr(sklearn.utils.validation, "validate_data")


def set_feature_names(estimator: Any, X: Any) -> None:
    """n_features_in_ and feature_names_in_ of a table whose cells nobody converts."""
    names = column_names(X)
    estimator.n_features_in_ = len(names)
    if all(isinstance(name, str) for name in names):
        estimator.feature_names_in_ = np.array(names, dtype=object)
    elif hasattr(estimator, "feature_names_in_"):
        del estimator.feature_names_in_


def seed_of(random_state: Any) -> int:
    """An int stays what it is, so that the program trains the same model with the same seed."""
    if isinstance(random_state, numbers.Integral):
        return int(random_state)
    from sklearn.utils import check_random_state

    return int(check_random_state(random_state).randint(2**31 - 1))


class Estimator(BaseEstimator):  # type: ignore[misc]
    """Trains a run on what fit() is given and keeps it as `run_`."""

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
        spec: Mapping[str, Any] | None = None,
        train_options: Mapping[str, Any] | None = None,
        n_threads: int = 0,
        verbose: bool = False,
    ) -> None:
        self.model = model
        self.latent_dim = latent_dim
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.validation = validation
        self.random_state = random_state
        self.spec = spec
        self.train_options = train_options
        self.n_threads = n_threads
        self.verbose = verbose

    def _training(self, rows: int) -> dict[str, Any]:
        options = {
            "epochs": self.epochs,
            "batch": self.batch_size,
            "lr": self.learning_rate,
            "validation": self.validation,
            "seed": seed_of(self.random_state),
            # What is asked for goes before the steps that a model recommends.
            "steps": None if self.epochs is None else 0,
            **(self.train_options or {}),
        }
        batch = options.get("batch")
        if self.epochs is None and batch is not None and not options.get("steps"):
            steps = max(1, rows // max(1, int(batch)))
            options["epochs"] = max(_EPOCHS, -(-_STEPS_AT_LEAST // steps))
        return options

    def _train(
        self,
        data: Data,
        rows: int,
        defaults: Mapping[str, Any] | None = None,
        reference: Mapping[str, Any] | None = None,
    ) -> None:
        """Sets run_ and n_iter_; after Ctrl-C, too. `defaults`: options of the model where no spec is
        given. `reference`: draws of the scores that the run keeps."""
        settings = dict(defaults or {}) if self.spec is None else {}
        if self.latent_dim is not None:
            settings["latent.size"] = self.latent_dim
        try:
            run = train(
                data,
                model=self.model,
                set=settings,
                spec=self.spec,
                reference=reference,
                threads=self.n_threads,
                progress=self.verbose,
                **self._training(rows),
            )
        except (KeyboardInterrupt, Stopped) as error:
            reached = getattr(error, "run", None)
            if reached is not None:
                self._keep(reached)
            raise
        self._keep(run)

    def _keep(self, run: Run) -> None:
        run._data = None  # the estimator does not hold on to the rows that it was fitted to
        self.run_ = run
        self.n_iter_ = max([line.get("epoch", 0) for line in run.log] or [0])

    @property
    def history_(self) -> Any:
        """The log of the training as a data frame."""
        check_is_fitted(self, "run_")
        return self.run_.history

    def _own_run(self) -> Run:
        check_is_fitted(self, "run_")
        return self.run_

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "run_")


def frame_like(given: Any, columns: Mapping[str, np.ndarray]) -> Any:
    """Columns as the kind of frame that was given: pandas with its types, polars, pyarrow, else a
    dictionary."""
    module = type(given).__module__.split(".")[0]
    if module == "pandas":
        import pandas

        made = pandas.DataFrame(dict(columns), index=given.index, columns=list(given.columns))
        for name in made.columns:
            made[name] = as_dtype(made[name], given[name].dtype)
        return made
    if module in ("polars", "pyarrow"):
        return arrow_frame(module, given.schema, columns)
    return dict(columns)


def arrow_frame(module: str, schema: Any, columns: Mapping[str, np.ndarray]) -> Any:
    """A frame of polars or pyarrow with the types of `schema` where the values allow them."""
    if module == "polars":
        import polars

        return polars.DataFrame([_polars_column(name, cells, schema[name]) for name, cells in columns.items()])
    import pyarrow

    return pyarrow.table(
        {name: _arrow_column(cells, schema.field(name).type) for name, cells in columns.items()}
    )


_TRUTH = {"True": True, "False": False, "true": True, "false": False}


def _objects(cells: np.ndarray, truth: bool) -> list[Any]:
    """Python's objects, None where a cell is missing."""
    plain = [None if is_missing(cell) else cell for cell in cells.tolist()]
    return [_TRUTH.get(cell, cell) if truth and isinstance(cell, str) else cell for cell in plain]


def _arrow_column(cells: np.ndarray, kind: Any) -> Any:
    import pyarrow

    plain = pyarrow.array(_objects(cells, pyarrow.types.is_boolean(kind)))
    try:
        return plain.cast(kind)
    except pyarrow.ArrowException:
        return plain


def _polars_column(name: str, cells: np.ndarray, kind: Any) -> Any:
    import polars

    plain = polars.Series(name, _objects(cells, kind == polars.Boolean), strict=False)
    try:
        return plain.cast(kind)
    except polars.exceptions.PolarsError:
        return plain


def as_dtype(cells: Any, dtype: Any) -> Any:
    """A pandas column in the type that it had where its values allow that, else as it is."""
    import pandas

    if str(dtype) in ("bool", "boolean"):
        words = {"True": True, "False": False}
        cells = cells.map(lambda cell: words.get(cell, cell) if isinstance(cell, str) else cell)
    if str(dtype).startswith("datetime64"):
        return pandas.to_datetime(cells, errors="coerce").astype(dtype)
    try:
        return cells.astype(dtype)
    except (TypeError, ValueError):
        return cells


def is_table(X: Any) -> bool:
    return is_frame(X)
