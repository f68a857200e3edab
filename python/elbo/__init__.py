"""Variational autoencoders: elbo's native library behind NumPy, pandas and scikit-learn's names.

    run = elbo.train(x, model="beta_vae", set={"objective.beta": 4}, epochs=20)
    run.encode(x); run.sample(64); run.evaluate()

    elbo.VAE(latent_dim=8).fit_transform(x)
    elbo.OutlierDetector().fit(x).predict(new)
    elbo.Imputer().fit_transform(frame)
    elbo.Synthesizer().fit(frame).sample(1000)
    elbo.SemiSupervisedClassifier().fit(x, y).predict(new)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._call import Error, InputError, OutOfMemory, Stopped, json_of
from ._data import Data, as_data
from ._library import lib
from ._run import Run, load, train

if TYPE_CHECKING:
    from ._classifier import SemiSupervisedClassifier as SemiSupervisedClassifier
    from ._imputer import Imputer as Imputer
    from ._outlier import OutlierDetector as OutlierDetector
    from ._synthesizer import Synthesizer as Synthesizer
    from ._vae import VAE as VAE

__version__: str = lib.elbo_version().decode()
__all__ = [
    "Data",
    "Error",
    "Imputer",
    "InputError",
    "OutOfMemory",
    "OutlierDetector",
    "Run",
    "SemiSupervisedClassifier",
    "Stopped",
    "Synthesizer",
    "VAE",
    "about",
    "as_data",
    "choices",
    "load",
    "train",
]

# Loaded when they are first asked for: scikit-learn takes a second.
_ESTIMATORS = {
    "VAE": "_vae",
    "OutlierDetector": "_outlier",
    "Imputer": "_imputer",
    "Synthesizer": "_synthesizer",
    "SemiSupervisedClassifier": "_classifier",
}


def about() -> dict[str, Any]:
    """Version, libtorch, devices and optional parts of the library."""
    facts: dict[str, Any] = json_of(lib.elbo_about)
    return facts


def choices(what: str = "models") -> list[dict[str, Any]]:
    """What elbo list shows: models, tasks, metrics, data, builtin, heads, networks, latents, objectives, or
    the options of train."""
    found: list[dict[str, Any]] = json_of(lib.elbo_list, what.encode())
    return found


def __getattr__(name: str) -> Any:
    if name not in _ESTIMATORS:
        raise AttributeError(f"module 'elbo' has no attribute {name!r}")
    import importlib

    try:
        module = importlib.import_module("." + _ESTIMATORS[name], __name__)
    except ModuleNotFoundError as missing:
        if missing.name and missing.name.split(".")[0] == "sklearn":
            raise ModuleNotFoundError(
                f"elbo.{name} needs scikit-learn (pip install scikit-learn); elbo.train and elbo.load do not",
                name=missing.name,
            ) from None
        raise
    return getattr(module, name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_ESTIMATORS])
