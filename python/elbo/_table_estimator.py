"""What estimators of tables share: columns of any kind, missing cells."""

from __future__ import annotations

from typing import Any

import numpy as np

from ._base import Estimator, checked, set_feature_names
from ._data import Data, column_names, from_frame, is_frame


def as_columns(array: np.ndarray, names: Any = None) -> dict[str, np.ndarray]:
    """A matrix as columns x0, x1, …"""
    if names is None:
        names = [f"x{i}" for i in range(array.shape[1])]
    return {str(name): np.ascontiguousarray(array[:, i]) for i, name in enumerate(names)}


class TableEstimator(Estimator):
    """Reads arrays [N, D] with NaN and data frames of numbers, texts, dates and missing cells."""

    types: Any = None

    def _options(self) -> dict[str, Any]:
        types = self.types
        if types is not None and not isinstance(types, str):
            types = ",".join(f"{name}={kind}" for name, kind in dict(types).items())
        return {"reader": {"types": types}} if types else {}

    def _columns(self, X: Any, *, reset: bool) -> Any:
        """A frame as it is, an array as columns; sets or checks the features' names."""
        if not is_frame(X):
            settings = {"ensure_all_finite": "allow-nan", "allow_nd": False}
            least = {"ensure_min_samples": 2} if reset else {}
            return as_columns(checked(self, X, reset=reset, **settings, **least))
        if reset:
            set_feature_names(self, X)
            return X
        return self._frame_of_before(X)

    def _frame_of_before(self, X: Any) -> Any:
        from sklearn.utils.validation import check_is_fitted

        check_is_fitted(self, "run_")
        if hasattr(self, "feature_names_in_"):
            names = [str(name) for name in column_names(X)]
            absent = [name for name in self.feature_names_in_ if name not in names]
            if absent:
                raise ValueError(f"X lacks the columns {', '.join(absent)} that fit() saw")
        return X

    def _fit_table(self, columns: Any) -> Data:
        data = from_frame(columns, self._options())
        rows = len(data)
        if rows < 2:
            raise ValueError(f"found {rows} rows, at least 2 are needed (n_samples={rows})")
        self._train(data, rows)
        self.columns_ = [column["name"] for column in self.run_.schema["x"]["detail"]["columns"]]
        return data

    def _more_tags(self) -> dict[str, Any]:
        return {"allow_nan": True}

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags
