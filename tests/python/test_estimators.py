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
