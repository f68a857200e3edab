"""Data that the tests of the Python package make for themselves."""

import importlib.util
import unittest

import numpy as np


def correlated(rows=400, columns=6, seed=0):
    random = np.random.default_rng(seed)
    hidden = random.normal(size=(rows, 2))
    noise = 0.1 * random.normal(size=(rows, columns))
    return (hidden @ random.normal(size=(2, columns)) + noise).astype(np.float32)


def people(rows=300, seed=0):
    """Columns of several kinds with holes, as a dictionary."""
    random = np.random.default_rng(seed)
    age = random.integers(18, 80, rows).astype(float)
    size = 150 + 0.4 * age + 5 * random.normal(size=rows)
    city = np.where(size > 170, "Rome", "Oslo").astype(object)
    age[random.random(rows) < 0.1] = np.nan
    city[random.random(rows) < 0.1] = None
    return {"age": age, "size": np.round(size, 1), "city": city}


def needs(*modules):
    absent = [name for name in modules if importlib.util.find_spec(name) is None]
    return unittest.skipIf(absent, f"not installed: {', '.join(absent)}")
