import pickle
import unittest
import warnings

import numpy as np

from support import correlated, needs, people


def checks_of(estimator):
    """Pairs of an estimator and a check, in any scikit-learn from 1.2 on."""
    from sklearn.utils import estimator_checks

    if hasattr(estimator_checks, "estimator_checks_generator"):
        return estimator_checks.estimator_checks_generator(estimator)
    return estimator_checks.check_estimator(estimator, generate_only=True)


# One of its cases has the classes -1 and 1, and -1 is a row without a class here. scikit-learn spares its own
# semi-supervised estimators that case by their names.
UNLABELLED = {"check_classifiers_classes": "SelfTrainingClassifier"}


@needs("sklearn")
class Conventions(unittest.TestCase):
    """scikit-learn's own checks, all of them. The one exception stands above with its reason."""

    def check(self, estimator, as_if={}):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for one, check in checks_of(estimator):
                name = getattr(check, "func", check).__name__
                with self.subTest(f"{type(estimator).__name__}: {name}"):
                    try:
                        check.func(as_if[name], one) if name in as_if else check(one)
                    except unittest.SkipTest:
                        pass

    def test_vae(self):
        import elbo

        self.check(elbo.VAE(epochs=4, random_state=0))

    def test_outlier_detector(self):
        import elbo

        self.check(elbo.OutlierDetector(epochs=4, random_state=0))

    def test_imputer(self):
        import elbo

        self.check(elbo.Imputer(epochs=4, random_state=0, draws=5))

    def test_synthesizer(self):
        import elbo

        self.check(elbo.Synthesizer(epochs=4, random_state=0))

    def test_classifier(self):
        import elbo

        options = {"learning_rate": 3e-3, "train_options": {"steps": 400}}
        self.check(elbo.SemiSupervisedClassifier(random_state=0, **options), UNLABELLED)


@needs("sklearn")
class Estimators(unittest.TestCase):
    def test_vae(self):
        import elbo

        x = correlated()
        model = elbo.VAE(latent_dim=2, epochs=30, random_state=0).fit(x)
        self.assertEqual(model.transform(x).shape, (400, 2))
        self.assertEqual(list(model.get_feature_names_out()), ["vae0", "vae1"])
        explained = 1 - np.mean((model.reconstruct(x) - x) ** 2) / x.var()
        self.assertGreater(explained, 0.8)
        self.assertEqual(model.sample(5).shape, (5, 6))
        np.testing.assert_array_equal(model.sample(5), model.sample(5))
        self.assertLess(model.score(x + 3), model.score(x))
        other = pickle.loads(pickle.dumps(model))
        np.testing.assert_array_equal(other.transform(x), model.transform(x))

    def test_a_row_s_results_do_not_depend_on_the_others(self):
        import elbo

        x = correlated(50)
        for model in (elbo.VAE(epochs=3), elbo.OutlierDetector(epochs=3)):
            model.fit(x)
            for name in ("transform", "score_samples", "decision_function"):
                if not hasattr(model, name):
                    continue
                f = getattr(model, name)
                alone = np.concatenate([f(row[None]) for row in x])
                np.testing.assert_allclose(alone, f(x), rtol=1e-7, atol=1e-7)

    def test_pictures(self):
        import elbo

        x = np.random.default_rng(0).integers(0, 256, (60, 8, 8, 3)).astype(np.uint8)
        model = elbo.VAE(epochs=1, layout="NHWC", random_state=0).fit(x)
        self.assertEqual(model.inverse_transform(model.transform(x)).shape, x.shape)
        self.assertEqual(model.sample(2).shape, (2, 8, 8, 3))
        with self.assertRaisesRegex(ValueError, "layout"):
            elbo.VAE(layout="HW").fit(x)

    def test_outliers(self):
        import elbo
        from sklearn.metrics import roc_auc_score

        x = correlated(600)
        odd = np.random.default_rng(1).normal(scale=x.std(0), size=(60, 6)).astype(np.float32)
        found = elbo.OutlierDetector(contamination=0.05, random_state=0).fit(x)
        self.assertAlmostEqual((found.predict(x) == -1).mean(), 0.05, delta=0.01)
        truth = np.r_[np.ones(600), -np.ones(60)]
        self.assertGreater(roc_auc_score(truth, found.decision_function(np.r_[x, odd])), 0.8)
        self.assertEqual(found.labels_.sum(), 30)
        shares = found.predict_proba(odd)
        np.testing.assert_allclose(shares.sum(1), 1)

    def test_the_detector_is_the_program_s(self):
        import elbo

        x, new = correlated(200), correlated(40, seed=3)
        for model, purpose in (("anomaly", "anomalies"), ("outlier", "outliers")):
            found = elbo.OutlierDetector(model, random_state=2, draws=6).fit(x)
            run = elbo.train(x, purpose=purpose, seed=2, reference={"draws": 6})
            for name in ("train", "spec"):
                self.assertEqual(found.run_.facts[name], run.facts[name])
            np.testing.assert_array_equal(found.score_samples(new), -run.score(new, draws=6))
            np.testing.assert_array_equal(found.decision_scores_, run.score(x, draws=6))
            np.testing.assert_array_equal(found.score_samples(x[:3]), -found.decision_scores_[:3])
            other = pickle.loads(pickle.dumps(found))
            np.testing.assert_array_equal(other.decision_function(new), found.decision_function(new))
        alone = elbo.OutlierDetector(criterion="likelihood", epochs=2, random_state=0).fit(x)
        np.testing.assert_array_equal(alone.score_samples(new), -alone.run_.score(new, score="likelihood"))

    @needs("pandas")
    def test_outliers_of_a_frame_of_several_kinds(self):
        import elbo
        import pandas

        frame = pandas.DataFrame(people(400))
        found = elbo.OutlierDetector(random_state=0, contamination=0.05).fit(frame)
        self.assertEqual(list(found.feature_names_in_), ["age", "size", "city"])
        odd = frame[frame["city"] == "Oslo"].head(20).assign(size=190.0)  # the size of those of Rome
        usual = pandas.DataFrame(people(200, seed=5))
        self.assertGreater(np.median(found.decision_function(usual)), 0)
        self.assertGreater((found.predict(odd) == -1).mean(), 0.8)
        word = usual.head(4).assign(city=["Rome", "Oslo", "Bonn", "Bonn"])
        self.assertEqual(list(found.predict(word))[2:], [-1, -1])
        self.assertLess(found.score_samples(word)[2:].max(), found.decision_scores_.max() * -1)
        with self.assertRaisesRegex(ValueError, "Bonn"):
            found.run_.score(word, strict=True)
        for mistake in (np.zeros((2, 3)), frame.drop(columns="city")):
            with self.assertRaises(ValueError):
                found.predict(mistake)
        numbers = frame[["size"]]
        by_frame, by_array = (elbo.OutlierDetector(epochs=2, random_state=0).fit(x) for x in (numbers, numbers.to_numpy()))
        np.testing.assert_array_equal(by_frame.decision_scores_, by_array.decision_scores_)

    def test_outliers_within_the_training_rows(self):
        import elbo
        from sklearn.metrics import roc_auc_score

        random = np.random.default_rng(1)
        x = np.r_[correlated(400), correlated(1) + [0, 3, 0, -3, 0, 0] + 0.1 * random.normal(size=(16, 6))]
        found = elbo.OutlierDetector("outlier", contamination=0.04, random_state=0).fit(x)
        truth = np.r_[np.zeros(400), np.ones(16)]
        self.assertGreater(roc_auc_score(truth, found.decision_scores_), 0.9)
        self.assertEqual(found.labels_.sum(), 17)

    @needs("polars", "pyarrow")
    def test_imputer_keeps_frames_of_arrow(self):
        import datetime

        import elbo
        import polars
        import pyarrow

        columns = {name: [None if c != c else c for c in cells] for name, cells in people(120).items()}
        columns["flag"] = [True, None, False] * 40
        columns["day"] = [None, *(datetime.date(2024, 1, 1) + datetime.timedelta(days=i) for i in range(119))]
        columns["count"] = [None if i % 7 == 2 else i % 5 for i in range(120)]
        for frame in (polars.DataFrame(columns), pyarrow.table(columns)):
            filled = elbo.Imputer(random_state=0, train_options={"steps": 50}).fit_transform(frame)
            self.assertIs(type(filled), type(frame))
            self.assertEqual(filled.schema, frame.schema)
            for name in columns:
                cells, before = list(filled[name].to_pylist() if hasattr(filled[name], "to_pylist") else filled[name]), columns[name]
                self.assertNotIn(None, cells, name)
                self.assertEqual([c for c, b in zip(cells, before) if b is not None], [b for b in before if b is not None])

    def test_a_pipeline_is_searched(self):
        import elbo
        from sklearn.model_selection import GridSearchCV
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        pipe = make_pipeline(StandardScaler(), elbo.VAE(epochs=5, random_state=0))
        search = GridSearchCV(pipe, {"vae__latent_dim": [1, 2]}, cv=2).fit(correlated())
        self.assertIn(search.best_params_["vae__latent_dim"], (1, 2))

    @needs("pandas")
    def test_imputer_keeps_a_frame(self):
        import elbo
        import pandas

        frame = pandas.DataFrame(people())
        frame["size"] = frame["size"].astype("float32")
        frame["flag"] = pandas.array([True, None, False] * 100, dtype="boolean")
        frame["same"] = ["one", None, "one"] * 100
        frame.index = range(5, 305)
        imputer = elbo.Imputer(random_state=0, train_options={"steps": 300})
        filled = imputer.fit_transform(frame)
        self.assertFalse(filled.isna().any().any())
        self.assertEqual(list(filled.dtypes), list(frame.dtypes))
        seen = frame["age"].notna()
        self.assertTrue((filled["age"][seen] == frame["age"][seen]).all())
        self.assertTrue(filled.index.equals(frame.index))
        both = imputer.transform(frame, multiple=3)
        self.assertEqual(len(both), 3)
        ends = imputer.intervals(frame, 0.8)
        self.assertTrue((ends["low"]["age"] <= ends["high"]["age"])[~seen].all())
        with self.assertRaisesRegex(ValueError, "city"):
            imputer.transform(frame.drop(columns="city"))

    def test_imputer_beats_the_mean(self):
        import elbo

        x = correlated(800)
        holes = np.random.default_rng(2).random(x.shape) < 0.2
        given = np.where(holes, np.nan, x).astype(np.float32)
        filled = elbo.Imputer(random_state=0, train_options={"steps": 1500}).fit_transform(given)
        self.assertEqual(filled.dtype, np.float32)
        error = np.mean((filled - x)[holes] ** 2)
        mean = np.mean((np.nanmean(given, 0) - x)[holes.nonzero()[0], :].ravel() ** 2)
        self.assertLess(error, 0.5 * mean)

    @needs("pandas")
    def test_synthesizer(self):
        import elbo
        import pandas

        frame = pandas.DataFrame(people())
        frame["number"] = frame["age"].fillna(0).astype("int64")
        model = elbo.Synthesizer(random_state=0, train_options={"steps": 500}).fit(frame)
        drawn = model.sample(200)
        self.assertEqual(list(drawn.columns), list(frame.columns))
        self.assertEqual(drawn["number"].dtype, np.int64)
        self.assertLessEqual(set(drawn["city"]), {"Rome", "Oslo"})
        old = model.sample(20, conditions={"age": (">", 50), "city": "Rome"})
        self.assertTrue((old["age"] > 50).all() and (old["city"] == "Rome").all())
        with self.assertRaisesRegex(ValueError, "town"):
            model.sample(2, conditions={"town": "Rome"})
        self.assertEqual(elbo.Synthesizer(epochs=1).fit(correlated()).sample(3).shape, (3, 6))

    def test_few_labels(self):
        import elbo

        random = np.random.default_rng(0)
        truth = random.integers(0, 3, 600)
        x = (4 * np.eye(3)[truth] + random.normal(size=(600, 3))).astype(np.float32)
        y = np.where(np.arange(600) < 30, truth, -1)
        model = elbo.SemiSupervisedClassifier(random_state=0, validation=0).fit(x, y)
        self.assertGreater((model.predict(x) == truth).mean(), 0.85)
        self.assertEqual(list(model.classes_), [0, 1, 2])
        np.testing.assert_allclose(model.predict_proba(x).sum(1), 1)


if __name__ == "__main__":
    unittest.main()
