"""Runs: trained models in their folders."""

from __future__ import annotations

import ctypes
import json
import os
import pathlib
import shutil
import tempfile
import weakref
from typing import Any, Callable, Mapping

import numpy as np

from ._call import Calls, InputError, Stopped, call, interruptible, json_of, options_text, take_text
from ._data import Data, as_array, as_data, cells_of, view_of
from ._library import MOST_DIMENSIONS, Array, lib
from ._looks import as_html, as_text
from ._progress import bar

_FILES = (
    "spec.json",
    "schema.json",
    "weights.safetensors",
    "kept.safetensors",
    "log.jsonl",
    "features.safetensors",
)


class Run:
    """A trained model. Every task of the program is a method: `run.interpolate(data, out="walk.png")`;
    arguments by name are the task's options."""

    def __init__(self, pointer: ctypes.c_void_p, keep: Data | None = None) -> None:
        self._pointer, self._data = pointer, keep
        self._cleanup: Any = None

    def __del__(self) -> None:
        if getattr(self, "_pointer", None):
            lib.elbo_run_free(self._pointer)
            self._pointer = ctypes.c_void_p()

    # ---- What it is

    @property
    def path(self) -> pathlib.Path:
        """Its folder, which the program reads, too."""
        return pathlib.Path(lib.elbo_run_path(self._pointer).decode())

    @property
    def facts(self) -> dict[str, Any]:
        """spec.json: model, spec, train, data, rows."""
        facts: dict[str, Any] = json_of(lib.elbo_run_facts, self._pointer)
        return facts

    @property
    def schema(self) -> dict[str, Any]:
        """schema.json: what its data look like."""
        schema: dict[str, Any] = json_of(lib.elbo_run_schema, self._pointer)
        return schema

    @property
    def log(self) -> list[dict[str, Any]]:
        """The lines of log.jsonl."""
        lines: list[dict[str, Any]] = json_of(lib.elbo_run_history, self._pointer)
        return lines

    @property
    def history(self) -> Any:
        """The log as a data frame, train_loss, validation_loss … as columns; a list where pandas is not
        installed."""
        rows = []
        for line in self.log:
            row = {k: v for k, v in line.items() if not isinstance(v, dict)}
            for part in ("train", "validation"):
                for name, value in line.get(part, {}).items():
                    row[f"{part}_{name}"] = value
            rows.append(row)
        try:
            import pandas
        except ImportError:
            return rows
        return pandas.DataFrame(rows)

    @property
    def code_size(self) -> int:
        """Numbers of one code."""
        size = ctypes.c_int64()
        call(lib.elbo_run_code_size, self._pointer, ctypes.byref(size))
        return size.value

    @property
    def row_shape(self) -> tuple[int, ...]:
        shape, dimensions = (ctypes.c_int64 * MOST_DIMENSIONS)(), ctypes.c_int32()
        call(lib.elbo_run_row_shape, self._pointer, shape, ctypes.byref(dimensions))
        return tuple(shape[: dimensions.value])

    @property
    def parameters(self) -> int:
        """Trained parameters."""
        count = ctypes.c_int64()
        call(lib.elbo_run_parameters, self._pointer, ctypes.byref(count))
        return count.value

    # ---- What it does

    def encode(self, data: Any, *, deviations: bool = False, seed: int = 0) -> Any:
        """Posterior means [N, code_size]; with `deviations` a pair of means and deviations."""
        given = as_data(data)
        means = np.empty((len(given), self.code_size), dtype=np.float32)
        spread = np.empty_like(means) if deviations else None
        at = spread.ctypes.data if spread is not None else None
        options = options_text({"seed": seed}) if seed else None
        call(lib.elbo_encode, self._pointer, given.pointer, options, means.ctypes.data, at, None)
        return means if spread is None else (means, spread)

    def decode(
        self, codes: Any, *, value: str = "mean", seed: int = 0, show: str | None = None, **options: Any
    ) -> np.ndarray:
        """Means of p(x | code), or draws (value="draw"; show is its old name), [N, …]."""
        array = as_array(codes, "codes")
        rows = np.empty((len(array), *self.row_shape), dtype=np.float32)
        view = ctypes.byref(view_of(array))
        text = options_text({"value": value if show is None else show, "seed": seed, **options})
        call(lib.elbo_decode, self._pointer, view, text, rows.ctypes.data, None)
        return rows

    def reconstruct(self, data: Any, *, seed: int = 0) -> np.ndarray:
        """Means of p(x | posterior mean), [N, …]."""
        given = as_data(data)
        rows = np.empty((len(given), *self.row_shape), dtype=np.float32)
        text = options_text({"seed": seed})
        call(lib.elbo_reconstruct, self._pointer, given.pointer, text, rows.ctypes.data, None)
        return rows

    def sample(self, n: int = 64, *, seed: int = 0, **options: Any) -> np.ndarray:
        """New rows [n, …] from the prior; options value, condition, fix, where, temperature."""
        if isinstance(n, bool) or int(n) != n or not 1 <= n <= 10**8:
            raise InputError(f"[sample] n: found {n}, allowed 1 to 1e+08")
        rows = np.empty((int(n), *self.row_shape), dtype=np.float32)
        text = options_text({"seed": seed, **options})
        call(lib.elbo_sample, self._pointer, int(n), text, rows.ctypes.data, None)
        return rows

    def score(
        self,
        data: Any,
        *,
        score: str = "auto",
        draws: int = 50,
        seed: int = 0,
        noise: str = "shared",
        seen: str = "auto",
        strict: bool = False,
    ) -> Any:
        """How unusual each row is, [N], higher = more: likelihood (−log p(x) in nats), elbo, reconstruction,
        latent or ensemble (beside the densities of a model for anomalies); auto as elbo score has it.
        noise: shared (a score does not depend on the other rows) or placed (the scores of elbo score).
        seen: whether rows may be among those of the training, each of which is then judged by the others
        (auto: where they are all of them). strict: refuse cells of a table that training has not seen, whose
        rows else are beyond all normal ones."""
        given = as_data(data)
        scores = np.empty(len(given), dtype=np.float64)
        text = options_text(
            {"score": score, "draws": draws, "seed": seed, "noise": noise, "seen": seen, "strict": strict}
        )
        call(lib.elbo_score, self._pointer, given.pointer, text, scores.ctypes.data, None)
        return scores

    def evaluate(self, data: Any = None, *, progress: bool = False, **options: Any) -> dict[str, Any]:
        """Figures of elbo evaluate: negative ELBO, log-likelihood, diagnosis; metrics="all" for more.
        Without data those that were held out."""
        given = None if data is None else as_data(data)
        result: list[str] = []
        with bar(progress, "evaluate") as update:
            calls = Calls(update)

            def work() -> None:
                out = ctypes.c_void_p()
                pointer = given.pointer if given is not None else None
                text = options_text(options)
                call(lib.elbo_evaluate, self._pointer, pointer, text, calls.reference, ctypes.byref(out))
                result.append(take_text(out))

            interruptible(calls, work)
        figures: dict[str, Any] = json.loads(result[0])
        return figures

    def impute(
        self, data: Any, *, multiple: int = 1, interval: float = 0, draws: int = 100, seed: int = 0
    ) -> dict[str, np.ndarray]:
        """What the model says about the missing cells of a table, NaN elsewhere: "value" [N, columns], and
        where asked for "draws" [multiple, N, columns], "low" and "high". cells() spells them."""
        given = as_data(data)
        shape = (len(given), *self.row_shape)
        found = {"value": np.empty(shape, dtype=np.float32)}
        if multiple > 1:
            found["draws"] = np.empty((multiple, *shape), dtype=np.float32)
        if interval > 0:
            found["low"], found["high"] = np.empty_like(found["value"]), np.empty_like(found["value"])
        text = options_text({"m": multiple, "interval": interval, "draws": draws, "seed": seed})
        at = [found[k].ctypes.data if k in found else None for k in ("value", "draws", "low", "high")]
        call(lib.elbo_impute, self._pointer, given.pointer, text, *at, None)
        return found

    def cells(self, values: Any) -> dict[str, np.ndarray]:
        """Values of a table's model [N, columns] as cells, as its training data spell them."""
        array = as_array(values, "values")
        out = ctypes.c_void_p()
        call(lib.elbo_run_cells, self._pointer, ctypes.byref(view_of(array)), ctypes.byref(out))
        try:
            return cells_of(out)
        finally:
            lib.elbo_table_free(out)

    def export_onnx(self, folder: str | os.PathLike[str]) -> dict[str, Any]:
        """Writes encoder.onnx, decoder.onnx and sampler.onnx."""
        result: dict[str, Any] = json_of(
            lib.elbo_export_onnx, self._pointer, os.fspath(folder).encode()
        )
        return result

    def task(
        self,
        name: str,
        data: Any = None,
        *,
        out: str | os.PathLike[str] | None = None,
        rows: bool = False,
        progress: bool = False,
        **options: Any,
    ) -> Any:
        """A task of elbo list tasks: its result as a dictionary; files go to `out`. With `rows` a pair of
        the result and of the numbers that the file would hold, and no file is written."""
        given = None if data is None else as_data(data)
        arrays, texts = ctypes.c_void_p(), ctypes.c_void_p()
        with bar(progress, name) as update:
            calls = Calls(update)

            def work() -> None:
                call(
                    lib.elbo_run_task,
                    self._pointer,
                    name.encode(),
                    given.pointer if given is not None else None,
                    options_text(options),
                    os.fspath(out).encode() if out is not None else None,
                    calls.reference,
                    ctypes.byref(arrays) if rows else None,
                    ctypes.byref(texts),
                )

            interruptible(calls, work)
        result = json.loads(take_text(texts))
        return (result, _take_rows(arrays)) if rows else result

    def resume(self, *, data: Any = None, progress: bool = False, **options: Any) -> "Run":
        """Goes on with the training: epochs, steps, patience, lr may change."""
        given = self._data if data is None else as_data(data)
        with bar(progress, "train") as update:
            calls = Calls(update)

            def work() -> None:
                pointer = given.pointer if given is not None else None
                call(lib.elbo_resume, self._pointer, pointer, options_text(options), calls.reference)

            interruptible(calls, work)
        return self

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith("_") or name not in task_names():
            raise AttributeError(f"Run has no attribute {name!r}")

        def method(data: Any = None, **options: Any) -> Any:
            return self.task(name, data, **options)

        method.__name__ = name
        method.__doc__ = task_names()[name]
        return method

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *task_names()]

    # ---- Copies and looks

    def __getstate__(self) -> dict[str, Any]:
        folder = self.path
        return {
            "files": {n: (folder / n).read_bytes() for n in _FILES if (folder / n).exists()},
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        folder = temporary_folder()
        for name, content in state["files"].items():
            if name not in _FILES:
                raise InputError(f"[run] {name}: not a file of a run")
            (folder / name).write_bytes(content)
        Run.__init__(self, _open(folder))
        remove_with(self, folder)

    def __copy__(self) -> "Run":
        return self  # nothing of it changes but by resume()

    def __repr__(self) -> str:
        return as_text(self)

    def _repr_html_(self) -> str:
        return as_html(self)


def _take_rows(pointer: ctypes.c_void_p) -> np.ndarray:
    view = Array()
    try:
        call(lib.elbo_rows_view, pointer, ctypes.byref(view))
        shape = tuple(view.shape[: view.dimensions])
        start = ctypes.cast(view.data, ctypes.POINTER(ctypes.c_float))
        return np.ctypeslib.as_array(start, shape).copy()
    finally:
        lib.elbo_rows_free(pointer)


_tasks: dict[str, str] = {}


def task_names() -> dict[str, str]:
    """Tasks and what they do."""
    if not _tasks:
        _tasks.update({e["name"]: e["about"] for e in json_of(lib.elbo_list, b"tasks")})
    return _tasks


def temporary_folder() -> pathlib.Path:
    return pathlib.Path(tempfile.mkdtemp(prefix="elbo-run-"))


def remove_with(run: Run, folder: pathlib.Path) -> None:
    """Removes a temporary folder when the run goes."""
    run._cleanup = weakref.finalize(run, shutil.rmtree, str(folder), ignore_errors=True)


def _open(path: str | os.PathLike[str]) -> ctypes.c_void_p:
    out = ctypes.c_void_p()
    call(lib.elbo_run_open, os.fspath(path).encode(), ctypes.byref(out))
    return out


def load(path: str | os.PathLike[str]) -> Run:
    """The run in a folder, trained here or by the program. Loading never executes anything."""
    return Run(_open(path))


def train(
    data: Any,
    *,
    model: str = "auto",
    purpose: str | None = None,
    out: str | os.PathLike[str] | None = None,
    labels: Any = None,
    set: Mapping[str, Any] | None = None,
    spec: Mapping[str, Any] | None = None,
    data_options: Mapping[str, Any] | None = None,
    reference: Mapping[str, Any] | None = None,
    force: bool = False,
    threads: int = 0,
    progress: bool = False,
    on_log: Callable[[dict[str, Any]], None] | None = None,
    **options: Any,
) -> Run:
    """Trains a model on data: an array, a data frame, or DATA of the program (a path, "builtin:digits").

    model: a name of the zoo, or a JSON file; purpose: "anomalies" or "outliers" in its place. set: options of the model by dotted name,
    {"objective.beta": 4}. spec: a patch of the model as nested dictionaries. data_options: those of
    `elbo train` about data, {"reader": {"types": "age=count"}}. reference: draws and seed of the
    scores of normal rows that the run keeps. out: the folder of the run; None = a
    temporary one, removed with the run. Other arguments are training options: epochs, batch, lr, seed …
    Ctrl-C stops at the next step and raises KeyboardInterrupt; the run is its `run` attribute.
    """
    rows = as_data(data, labels, dict(data_options) if data_options else None)
    folder = temporary_folder() if out is None else pathlib.Path(out)
    request = {
        "model": os.fspath(model),
        **({} if purpose is None else {"for": purpose}),
        "reference": dict(reference or {}),
        "set": dict(set or {}),
        "spec": dict(spec or {}),
        "train": {name: value for name, value in options.items() if value is not None},
        "force": force,
        "threads": threads,
    }
    pointer = ctypes.c_void_p()

    def made() -> Run:
        # Tasks without data of their own read those of the training.
        run = Run(pointer, rows)
        if out is None:
            remove_with(run, folder)
        return run

    try:
        with bar(progress, "train") as update:
            calls = Calls(update, on_log)

            def work() -> None:
                text = options_text(request)
                at = os.fspath(folder).encode()
                call(lib.elbo_train, rows.pointer, text, at, calls.reference, ctypes.byref(pointer))

            interruptible(calls, work)
    except (KeyboardInterrupt, Stopped) as error:
        if pointer:
            error.run = made()  # type: ignore[union-attr]
        raise
    except BaseException:
        if out is None:
            shutil.rmtree(folder, ignore_errors=True)
        raise
    return made()
