"""Every function is given what no function should be given: an exception with a sentence each time, and
the process lives on."""

import ctypes
import itertools
import os
import pathlib
import tempfile
import unittest

import numpy as np

import elbo
from elbo import _library
from support import correlated, needs, people

lib = _library.lib


def nasty():
    """What may be given in place of an array, by name."""
    x = correlated(40, 6)
    hole, infinite = x.copy(), x.copy()
    hole[3, 1], infinite[0, 0] = np.nan, np.inf
    huge = np.lib.stride_tricks.as_strided(np.zeros(1, np.float32), (1 << 40, 1 << 20), (0, 0))
    return {
        "nothing": None,
        "a number": 3.5,
        "a text": "no such file.csv",
        "an empty text": "",
        "bytes": b"\x00\xff",
        "an object": object(),
        "a function": lambda: 0,
        "an empty list": [],
        "an empty dictionary": {},
        "ragged lists": [[1, 2], [3]],
        "texts": np.array([["a", "b"]]),
        "no rows": x[:0],
        "no columns": x[:, :0],
        "one axis": x[0],
        "no axis": np.float32(1),
        "nine axes": np.zeros((1,) * 9, np.float32),
        "NaN": hole,
        "infinity": infinite,
        "all NaN": np.full((5, 6), np.nan),
        "the largest numbers": np.full((5, 6), 3e38, np.float32),
        "large float64": np.full((5, 6), 1e300),
        "complex": x.astype(complex),
        "dates": np.zeros((4, 6), "M8[s]"),
        "records": np.zeros(4, "i4,f4"),
        "objects": np.array([[object()] * 6]),
        "three columns": x[:, :3],
        "whole numbers": np.full((4, 6), -(2**63)),
        "unsigned": np.full((4, 6), 2**64 - 1, np.uint64),
        "booleans": x > 0,
        "half": x.astype(np.float16),
        "a huge shape": huge,
        "columns of other lengths": {"a": [1, 2], "b": [1, 2, 3]},
        "columns of objects": {"a": [object(), object()]},
        "a column without a name": {"": [1.0, 2.0, 3.0]},
        "a column of nothing": {"a": [None, None, None]},
        "a column with a NUL": {"a": ["x\0y", "z", "x"]},
        "lone surrogates": {"a": ["\ud800", "b", "b"]},
    }


OPTIONS = [None, True, -1, 0, 10**30, -(10**30), float("nan"), float("inf"), "", "x\0y", "\ud800", [], {}, object(),
           np.float32("nan"), b"bytes"]
# What a caller may be answered. MemoryError is elbo.OutOfMemory's base, too.
ANSWERS = (ValueError, TypeError, elbo.Error, MemoryError, OverflowError, AttributeError)


class Misuse(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.x = correlated()
        cls.run_ = elbo.train(cls.x, epochs=1, seed=1, set={"latent.size": 2})
        cls.table = elbo.train(people(), model="missing_iwae", steps=5)
        cls.folder = tempfile.TemporaryDirectory()
        cls.before = pathlib.Path.cwd()
        os.chdir(cls.folder.name)  # some of what is given is the name of a file to write

    @classmethod
    def tearDownClass(cls):
        os.chdir(cls.before)
        cls.folder.cleanup()

    def survives(self, name, call):
        """An answer, or an exception of a kind that a caller expects, with a sentence of one line."""
        with self.subTest(name):
            try:
                call()
            except ANSWERS as error:
                if isinstance(error, elbo.Error):
                    self.assertRegex(str(error), r"^[^\n]{10,}$")
                    self.assertNotIn("internal error", str(error))

    def test_data(self):
        small = {"epochs": 1, "set": {"latent.size": 1}}
        for name, value in nasty().items():
            self.survives(f"train: {name}", lambda: elbo.train(value, **small))
            self.survives(f"labels: {name}", lambda: elbo.train(self.x, labels=value, **small))
            self.survives(f"as_data: {name}", lambda: elbo.as_data(value).schema)
            self.survives(f"load: {name}", lambda: elbo.load(value))
            for run in (self.run_, self.table):
                for method in ("encode", "decode", "reconstruct", "score", "evaluate", "impute", "cells"):
                    self.survives(f"{method}: {name}", lambda: getattr(run, method)(value))

    def test_tasks(self):
        """Each task on each kind of nonsense; files go to a folder of their own."""
        names = [entry["name"] for entry in elbo.choices("tasks")]
        few = {k: v for k, v in nasty().items() if k in ("nothing", "NaN", "no rows", "three columns", "a text")}
        for task, (name, value) in itertools.product(names, few.items()):
            out = pathlib.Path(self.folder.name) / f"{task}.out"
            self.survives(f"{task}: {name}", lambda: self.run_.task(task, value, out=out))
            self.survives(f"{task} as rows: {name}", lambda: self.run_.task(task, value, rows=True))
        for value in OPTIONS:
            self.survives(f"task {value!r}", lambda: self.run_.task(value))

    def test_options(self):
        x, run = self.x[:20], self.run_
        for value in OPTIONS:
            for name in ("epochs", "batch", "lr", "seed", "validation", "model", "set", "spec", "data_options", "threads",
                         "colour"):
                # A training that is asked for so many epochs is stopped.
                stopped = {"steps": 1} if name != "epochs" else {}
                self.survives(f"train({name}={value!r})", lambda: elbo.train(x, **{"epochs": 1, **stopped, name: value})
                              if not (name == "epochs" and value == 10**30) else None)
            for name in ("draws", "score", "seed", "rows"):
                self.survives(f"score({name}={value!r})", lambda: run.score(x, **{name: value}))
            for name in ("show", "seed", "where", "temperature", "condition"):
                self.survives(f"sample({name}={value!r})", lambda: run.sample(2, **{name: value}))
            self.survives(f"sample({value!r})", lambda: run.sample(value))
            self.survives(f"choices({value!r})", lambda: elbo.choices(value))
            self.survives(f"export({value!r})", lambda: run.export_onnx(value) if value else None)
            for name in ("multiple", "interval", "draws", "seed"):
                self.survives(f"impute({name}={value!r})", lambda: self.table.impute(people(20), **{name: value}))

    @needs("sklearn")
    def test_estimators(self):
        for kind in (elbo.VAE, elbo.OutlierDetector, elbo.Imputer, elbo.Synthesizer, elbo.SemiSupervisedClassifier):
            x = self.x[:60]
            labels = (np.arange(60) % 3,) if kind is elbo.SemiSupervisedClassifier else ()
            fitted = kind(epochs=1, random_state=0).fit(x, *labels)
            methods = [m for m in ("transform", "inverse_transform", "predict", "predict_proba", "score_samples",
                                   "decision_function", "sample", "intervals", "reconstruct") if hasattr(fitted, m)]
            for name, value in nasty().items():
                own = (np.arange(5) % 2,) if labels else ()
                self.survives(f"{kind.__name__}.fit: {name}", lambda: kind(epochs=1).fit(value, *own))
                for method in methods:
                    self.survives(f"{kind.__name__}.{method}: {name}", lambda: getattr(fitted, method)(value))
            for value in OPTIONS:
                for parameter in ("model", "latent_dim", "batch_size", "learning_rate", "validation", "random_state", "spec",
                                  "train_options", "n_threads"):
                    settings = {"epochs": 1, parameter: value}
                    self.survives(f"{kind.__name__}({parameter}={value!r})", lambda: kind(**settings).fit(x, *labels))


class NullPointers(unittest.TestCase):
    """The C interface with NULL and nonsense in every place that takes it."""

    def test_every_function_that_returns_a_status(self):
        for name, arguments in _library._STATUS_FUNCTIONS.items():
            function = getattr(lib, name)
            nothing = [0 if kind is ctypes.c_int64 else None for kind in arguments]
            with self.subTest(name):
                self.assertEqual(function(*nothing), _library.INVALID)
                self.assertRegex(lib.elbo_last_error().decode(), r"NULL|needs|table")

    def test_texts_that_are_not_options(self):
        run = elbo.train(correlated(), epochs=1)
        rows = elbo.as_data(correlated())
        out = ctypes.create_string_buffer(1 << 20)
        for text in (b"{", b"[]", b"7", b"\xff\xfe", b'{"a": 1e999}', b"{" * 100_000, b'{"seed": {}}', b'{"seed": -1}'):
            for call in (
                lambda: lib.elbo_encode(run._pointer, rows.pointer, text, out, None, None),
                lambda: lib.elbo_score(run._pointer, rows.pointer, text, out, None),
                lambda: lib.elbo_sample(run._pointer, 3, text, out, None),
                lambda: lib.elbo_evaluate(run._pointer, rows.pointer, text, None, ctypes.byref(ctypes.c_void_p())),
                lambda: lib.elbo_data_open(b"builtin:digits", text, ctypes.byref(ctypes.c_void_p())),
                lambda: lib.elbo_resume(run._pointer, rows.pointer, text, None),
            ):
                with self.subTest(text[:20]):
                    self.assertEqual(call(), _library.INVALID, lib.elbo_last_error())

    def test_what_is_null_may_be_freed(self):
        for name, (_, arguments) in _library._OTHER_FUNCTIONS.items():
            if arguments:
                getattr(lib, name)(*(0 if kind is ctypes.c_int64 else None for kind in arguments))


if __name__ == "__main__":
    unittest.main()
