import copy
import json
import logging
import os
import pathlib
import pickle
import signal
import subprocess
import sys
import tempfile
import threading
import unittest

import numpy as np

import elbo
from support import correlated, needs, people

REAL = {"reader": {"kind": "real"}}


class Runs(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.x = correlated()
        cls.run_ = elbo.train(cls.x, epochs=3, seed=1, set={"latent.size": 2})

    def test_the_program_trains_the_same_model(self):
        program = os.environ.get("ELBO_PROGRAM")
        if not program:
            self.skipTest("ELBO_PROGRAM names no program")
        random = np.random.default_rng(0)
        pictures = random.integers(0, 256, (200, 8, 8)).astype(np.uint8)
        with tempfile.TemporaryDirectory() as folder:
            for name, data in (("rows", self.x), ("pictures", pictures)):
                path = pathlib.Path(folder) / f"{name}.npy"
                np.save(path, data)
                for model in ("vae", "vq_vae"):
                    theirs, ours = f"{folder}/{name}_{model}_p", f"{folder}/{name}_{model}_y"
                    words = ["--model", model, "--epochs", "2", "--seed", "5", "--out", theirs, "-q"]
                    threads = dict(os.environ, OMP_NUM_THREADS="1")
                    subprocess.run([program, "train", path, *words], check=True, env=threads)
                    elbo.train(data, model=model, epochs=2, seed=5, out=ours, threads=1)
                    weights = [
                        (pathlib.Path(f) / "weights.safetensors").read_bytes() for f in (theirs, ours)
                    ]
                    self.assertEqual(weights[0], weights[1], f"{model} on {name}")

    def test_the_program_scores_alike(self):
        program = os.environ.get("ELBO_PROGRAM")
        if not program:
            self.skipTest("ELBO_PROGRAM names no program")
        new = correlated(150, seed=3)
        with tempfile.TemporaryDirectory() as folder:
            np.save(f"{folder}/x.npy", self.x)
            np.save(f"{folder}/new.npy", new)
            theirs, ours = f"{folder}/p", f"{folder}/y"

            def elbo_program(*words):
                subprocess.run([program, *words], check=True, capture_output=True, env=dict(os.environ, OMP_NUM_THREADS="1"))

            elbo_program("train", f"{folder}/x.npy", "--for", "anomalies", "--epochs", "3", "--seed", "5", "--out", theirs)
            run = elbo.train(self.x, purpose="anomalies", epochs=3, seed=5, out=ours, threads=1)
            for name in ("weights", "kept"):
                files = [(pathlib.Path(f) / f"{name}.safetensors").read_bytes() for f in (theirs, ours)]
                tensors = [content[8 + int.from_bytes(content[:8], "little") :] for content in files]
                self.assertEqual(tensors[0], tensors[1], name)
            for name, rows in (("x", self.x), ("new", new)):
                for folder_of_run in (theirs, ours):
                    out = f"{folder}/{name}.csv"
                    elbo_program("score", folder_of_run, f"{folder}/{name}.npy", "-o", out)
                    said = np.genfromtxt(out, delimiter=",", names=True, usecols=("score",))["score"]
                    np.testing.assert_allclose(run.score(rows, noise="placed"), said, rtol=1e-5)

    def test_scores_of_normal_rows_stay_with_the_run(self):
        run = elbo.train(self.x, purpose="anomalies", epochs=2, reference={"draws": 7})
        run._data = None
        new = correlated(20, seed=3)
        expected = run.score(new, draws=7)
        self.assertTrue(np.isfinite(expected).all())
        np.testing.assert_array_equal(pickle.loads(pickle.dumps(run)).score(new, draws=7), expected)
        # A row of the training is judged by the others, where the caller says that it may be one.
        alone, seen = (run.score(self.x[:20], draws=7, seen=word) for word in ("no", "yes"))
        self.assertTrue((seen >= alone).all() and (seen > alone).mean() > 0.5)
        np.testing.assert_array_equal(run.score(new, draws=7, seen="yes"), expected)
        with self.assertRaisesRegex(ValueError, "reference scores of 7 draws"):
            run.score(new, draws=9)
        self.assertTrue(np.isfinite(run.score(new, score="likelihood", draws=9)).all())
        # Goes on with the same draws.
        again = elbo.train(self.x, purpose="anomalies", epochs=1, reference={"draws": 7})
        again.resume(epochs=2)
        np.testing.assert_array_equal(again.score(new, draws=7), expected)

    def test_the_program_reads_a_run_of_python(self):
        program = os.environ.get("ELBO_PROGRAM")
        if not program:
            self.skipTest("ELBO_PROGRAM names no program")
        with tempfile.TemporaryDirectory() as folder:
            np.save(f"{folder}/x.npy", self.x)
            words = [program, "encode", self.run_.path, f"{folder}/x.npy", "-o", f"{folder}/c.npy", "-q"]
            subprocess.run(words, check=True, stdout=subprocess.DEVNULL)
            np.testing.assert_allclose(np.load(f"{folder}/c.npy"), self.run_.encode(self.x), atol=1e-5)
            # Its rows are gone with the process: the figures of the end of the training are there.
            words = [program, "evaluate", self.run_.path, "--json"]
            figures = json.loads(subprocess.run(words, check=True, capture_output=True, text=True).stdout)
            self.assertEqual(figures["protocol"]["split"], "validation")
            script = "import elbo, json, sys; print(json.dumps(elbo.load(sys.argv[1]).evaluate()))"
            done = subprocess.run([sys.executable, "-c", script, self.run_.path], check=True, capture_output=True, text=True)
            self.assertEqual(json.loads(done.stdout), figures)
            failed = subprocess.run([*words, "--draws", "7"], capture_output=True, text=True)
            self.assertIn("give DATA of the same form", failed.stderr)

    def test_shapes_and_finite_numbers(self):
        run = self.run_
        means, spread = run.encode(self.x, deviations=True)
        self.assertEqual(means.shape, (400, 2))
        self.assertTrue((spread > 0).all())
        self.assertEqual(run.decode(means).shape, (400, 6))
        np.testing.assert_allclose(run.decode(means), run.reconstruct(self.x), atol=1e-5)
        self.assertEqual(run.sample(3).shape, (3, 6))
        self.assertEqual(run.row_shape, (6,))
        self.assertTrue(np.isfinite(run.score(self.x)).all())

    def test_figures_and_tasks(self):
        figures = self.run_.evaluate(draws=5)
        self.assertTrue(np.isfinite(figures["negative_elbo"]))
        self.assertEqual(figures["protocol"]["split"], "validation")
        result, rows = self.run_.task("denoise", self.x, rows=True)
        self.assertEqual(rows.shape, self.x.shape)
        self.assertIn("denoise", dir(self.run_))
        with self.assertRaises(AttributeError):
            self.run_.fly
        self.assertEqual(len(self.run_.log), 3)
        self.assertIn("vae", repr(self.run_))
        self.assertIn("<table>", self.run_._repr_html_())

    def test_copies_go_through_the_folder_s_files(self):
        other = pickle.loads(pickle.dumps(self.run_))
        self.assertNotEqual(other.path, self.run_.path)
        np.testing.assert_array_equal(other.encode(self.x), self.run_.encode(self.x))
        np.testing.assert_array_equal(copy.deepcopy(other).encode(self.x), other.encode(self.x))
        folder = other.path
        del other
        self.assertFalse(folder.exists())

    def test_a_pickle_writes_no_other_files(self):
        state = {"files": {"../outside": b""}}
        with self.assertRaisesRegex(ValueError, "not a file of a run"):
            elbo.Run.__new__(elbo.Run).__setstate__(state)

    def test_arrays_that_are_not_in_order_are_read_right(self):
        expected = self.run_.encode(self.x)
        for other in (
            np.asfortranarray(self.x),
            self.x.astype(np.float64),
            self.x[::-1][::-1],
            self.x.astype(">f4"),
            np.repeat(self.x, 2, axis=1)[:, ::2],
        ):
            np.testing.assert_allclose(self.run_.encode(other), expected, atol=1e-5)
        np.testing.assert_allclose(self.run_.encode(self.x[::-1]), expected[::-1], atol=1e-5)

    def test_fit_takes_no_copy_of_float32(self):
        import resource

        rows = np.zeros((2_000_000, 32), dtype=np.float32)  # 256 MB
        rows[::2] = 1
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        elbo.train(rows, steps=2, validation=0, data_options=REAL, set={"latent.size": 2})
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        self.assertLess(grown / 1024, 200, "megabytes")

    def test_resume(self):
        run = elbo.train(self.x, epochs=1, seed=1)
        run.resume(epochs=2)
        self.assertEqual(run.log[-1]["epoch"], 2)
        whole = elbo.train(self.x, epochs=2, seed=1)
        np.testing.assert_array_equal(run.encode(self.x), whole.encode(self.x))

    def test_torch_s_generator_does_not_matter_and_threads_train_beside_each_other(self):
        runs = [None] * 3

        def work(i):
            runs[i] = elbo.train(self.x, epochs=2, seed=7)

        threads = [threading.Thread(target=work, args=(i,)) for i in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for run in runs[1:]:
            np.testing.assert_array_equal(run.encode(self.x), runs[0].encode(self.x))

    def test_log_and_nothing_on_standard_output(self):
        script = (
            "import elbo, numpy as np, sys; "
            "r = elbo.train(np.ones((40, 3), 'f4') * np.arange(40)[:, None], epochs=1); "
            "r.evaluate(draws=2); r.sample(2)"
        )
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))
        with self.assertLogs("elbo", logging.INFO) as seen:
            elbo.train(self.x, epochs=1)
        self.assertIn("validation", seen.output[0])

    def test_ctrl_c_stops_and_leaves_a_run(self):
        timer = threading.Timer(0.5, signal.raise_signal, [signal.SIGINT])
        timer.start()
        try:
            with self.assertRaises(KeyboardInterrupt) as stopped:
                elbo.train(self.x, epochs=1_000_000)
        finally:
            timer.cancel()
        self.assertEqual(stopped.exception.run.encode(self.x).shape[0], 400)

    def test_a_forked_process_is_refused(self):
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                self.run_.encode(self.x)
                os.write(writer, b"worked")
            except elbo.Error as error:
                os.write(writer, str(error).encode())
            finally:
                os._exit(0)
        os.close(writer)
        os.waitpid(child, 0)
        with os.fdopen(reader) as said:
            self.assertIn("forked", said.read())

    def test_mistakes_are_value_errors(self):
        run, x = self.run_, self.x
        hole = x.copy()
        hole[3, 1] = np.nan
        for words, mistake in {
            "shape 3": lambda: run.encode(x[:, :3]),
            "row 3, column 1": lambda: run.encode(hole),
            "holds no rows": lambda: run.encode(x[:0]),
            "not numbers": lambda: run.encode(np.array([["a"]])),
            "complex": lambda: run.encode(x.astype(complex)),
            "dimensions": lambda: run.encode(np.float32(3)),
            "rows of 2": lambda: run.decode(x),
            "codes": lambda: run.decode(np.full((2, 2), np.nan)),
            "n: found": lambda: run.sample(0),
            "draws": lambda: run.score(x, draws=0),
            "score": lambda: run.score(x, score="beauty"),
            "epochs": lambda: elbo.train(x, epochs=-1),
            "unknown": lambda: elbo.train(x, colour="red"),
            "no_such": lambda: elbo.train(x, model="no_such"),
            "no such": lambda: elbo.train("/nowhere.csv"),
            "no such folder": lambda: elbo.load("/nowhere"),
            "table": lambda: run.impute(x),
            "labels": lambda: elbo.train(x, labels=[1, 2, 3]),
        }.items():
            with self.subTest(words), self.assertRaisesRegex(ValueError, words):
                mistake()

    def test_lists(self):
        self.assertIn("vae", [entry["name"] for entry in elbo.choices("models")])
        self.assertIn("libtorch", elbo.about())
        self.assertEqual(len(elbo.as_data("builtin:digits", options={"rows": 50})), 50)


class Tables(unittest.TestCase):
    def test_a_dictionary_of_columns(self):
        columns = people()
        run = elbo.train(columns, model="missing_iwae", steps=200)
        kinds = {c["name"]: c["type"] for c in run.schema["x"]["detail"]["columns"]}
        self.assertEqual(kinds["city"], "binary")
        found = run.impute(columns, interval=0.9, multiple=2)
        gone = np.isnan(columns["age"])
        np.testing.assert_array_equal(np.isfinite(found["value"][:, 0]), gone)
        self.assertTrue((found["low"] <= found["high"])[gone, 0].all())
        cells = run.cells(found["draws"][0])
        self.assertLessEqual({c for c in cells["city"] if c is not None}, {"Rome", "Oslo"})

    @needs("pandas", "pyarrow", "polars")
    def test_frames_of_all_kinds_are_read_alike(self):
        import pandas
        import polars
        import pyarrow

        columns = people()
        columns["day"] = np.array("2024-01-01", "M8[D]") + np.arange(300)
        frame = pandas.DataFrame(columns)
        frame["city"] = frame["city"].astype("category")
        expected = elbo.as_data(columns).schema
        self.assertEqual([c["type"] for c in expected["detail"]["columns"]][2:], ["binary", "date"])
        texts = {**columns, "day": [str(day) for day in columns["day"]]}
        lists = {
            name: [None if c is None or c != c else c for c in cells] for name, cells in texts.items()
        }
        for other in (frame, polars.DataFrame(lists), pyarrow.table(lists), pyarrow.table(lists)[:]):
            self.assertEqual(elbo.as_data(other).schema, expected, type(other))
        coded = pyarrow.table({**lists, "city": pyarrow.array(lists["city"]).dictionary_encode()})
        self.assertEqual(elbo.as_data(coded).schema, expected)

    @needs("pandas", "pyarrow", "polars")
    def test_types_of_arrow(self):
        import datetime
        import decimal

        import pandas
        import polars
        import pyarrow

        rows = 90
        day = [datetime.date(1960, 1, 30) + datetime.timedelta(days=97 * i) for i in range(rows)]
        time = [datetime.datetime(2024, 2, 28, 23, 59, 30) + datetime.timedelta(minutes=7 * i) for i in range(rows)]
        city = ["Rome", "a city with a name that is long", None][:3] * (rows // 3)
        flag, money = [True, False, None] * (rows // 3), [decimal.Decimal(i % 40 * 25 - 300).scaleb(-2) for i in range(rows)]
        x = [float(i % 11) / 4 for i in range(rows)]
        columns = {"day": day, "time": time, "city": city, "flag": flag, "money": money, "x": x}
        as_csv = pandas.DataFrame({**columns, "money": [float(m) for m in money]})
        with tempfile.TemporaryDirectory() as folder:
            as_csv.to_csv(f"{folder}/x.csv", index=False)
            expected = elbo.as_data(f"{folder}/x.csv").schema
        table = pyarrow.table({**columns, "x": pyarrow.array(x, pyarrow.float64())})
        views = table.set_column(2, "city", table["city"].cast(pyarrow.string_view()))
        half = table.set_column(5, "x", pyarrow.array(np.array(x, np.float16)))
        frame = polars.DataFrame({**columns, "city": polars.Series(city, dtype=polars.Categorical)})
        pieces = pyarrow.concat_tables([table[:17], table[17:50], table[50:]])
        for name, other in {"table": table, "views": views, "halves": half, "pieces": pieces, "polars": frame,
                            "slices": pieces[:60].slice(0, 60), "batches": pieces.to_reader()}.items():
            with self.subTest(name):
                found = elbo.as_data(other).schema
                kinds = [[(c["name"], c["type"]) for c in schema["detail"]["columns"]] for schema in (found, expected)]
                self.assertEqual(*kinds)
        with self.assertRaisesRegex(ValueError, "[Ll]ist|format"):
            elbo.as_data(polars.DataFrame({"a": [[1, 2], [3]]}))


if __name__ == "__main__":
    unittest.main()
