#!/usr/bin/env python3
"""Writes tests/golden/distributions.json: densities, moments and divergences in float64 from SciPy, PyTorch
and, where neither is exact, decimal arithmetic of 1200 digits. Run from the repository root."""
import json
import platform
from decimal import Decimal, getcontext

import numpy as np
import scipy
import torch
from scipy import special, stats

getcontext().prec = 1200  # a level's mass may be exp(-2200)
torch.set_default_dtype(torch.float64)


def entry(parameters, x, log_prob, mean=None, stddev=None):
    """log_prob[i][j]: of x[i] under parameter point j."""
    out = {"parameters": parameters, "x": x, "log_prob": np.asarray(log_prob, float).tolist()}
    if mean is not None:
        out["mean"] = np.asarray(mean, float).tolist()
    if stddev is not None:
        out["stddev"] = np.asarray(stddev, float).tolist()
    return out


def from_scipy(frozen, parameters, x, discrete=False, moments=True):
    points = [dict(zip(parameters, values)) for values in zip(*parameters.values())]
    dists = [frozen(**point) for point in points]
    density = (lambda d, v: d.logpmf(v)) if discrete else (lambda d, v: d.logpdf(v))
    return entry(parameters, x, [[density(d, v) for d in dists] for v in x],
                 [d.mean() for d in dists] if moments else None,
                 [d.std() for d in dists] if moments else None)


def sigmoid(v):
    return 1 / (1 + (-v).exp())


def level_mass(level, loc, scale):
    """Exact mass of a level: centre 2 level/255 - 1, half width 1/255, ends open."""
    centre = Decimal(2 * level) / 255 - 1
    upper = sigmoid((centre + Decimal(1) / 255 - loc) / scale) if level < 255 else Decimal(1)
    lower = sigmoid((centre - Decimal(1) / 255 - loc) / scale) if level > 0 else Decimal(0)
    return upper - lower


def discretized_logistic():
    loc, scale = [0.0, -0.7, 0.3, 1.2, 0.1], [0.5, 0.02, 0.001, 0.1, 3.0]
    levels = [0, 1, 17, 127, 128, 200, 254, 255]
    log_prob = [[float(level_mass(k, Decimal(m), Decimal(s)).ln()) for m, s in zip(loc, scale)]
                for k in levels]
    return entry({"loc": loc, "scale": scale}, [k / 255 for k in levels], log_prob)


def logistic_mixture():
    """Two components, three channels, one site; a row per x."""
    rng = np.random.default_rng(3)
    logits = rng.normal(size=2).tolist()
    loc = rng.uniform(-1, 1, size=(2, 3)).tolist()
    scale = rng.uniform(0.02, 0.5, size=(2, 3)).tolist()
    x = [[0, 128, 255], [3, 90, 201], [255, 255, 1]]
    total = sum(Decimal(v).exp() for v in logits)
    log_prob = []
    for row in x:
        mass = Decimal(0)
        for k in range(2):
            part = Decimal(logits[k]).exp() / total
            for c in range(3):
                part *= level_mass(row[c], Decimal(loc[k][c]), Decimal(scale[k][c]))
            mass += part
        log_prob.append(float(mass.ln()))
    return entry({"logits": logits, "loc": loc, "scale": scale},
                 [[v / 255 for v in row] for row in x], log_prob)


def continuous_bernoulli():
    logits = [-30.0, -3.0, -0.11, -0.09, -1e-3, 1e-6, 0.05, 0.29, 0.31, 2.0, 12.0]
    x = [0.0, 0.1, 0.5, 0.93, 1.0]
    # Density l exp(l x) / (exp(l) - 1); mean and variance are derivatives of log((exp(l) - 1) / l).
    log_prob, means, deviations = [], [], []
    for v in x:
        row = []
        for value in logits:
            l = Decimal(value)
            row.append(float(l * Decimal(v) + (l / (l.exp() - 1)).ln()))
        log_prob.append(row)
    for value in logits:
        l = Decimal(value)
        means.append(float(1 / (1 - (-l).exp()) - 1 / l))
        half = ((l / 2).exp() - (-l / 2).exp()) / 2
        deviations.append(float((1 / (l * l) - 1 / (4 * half * half)).sqrt()))
    return entry({"logits": logits}, x, log_prob, means, deviations)


def classes():
    logits = [[0.1, -2.0, 1.3], [5.0, 5.0, -40.0], [0.0, 0.0, 0.0]]
    log_p = special.log_softmax(np.array(logits), axis=-1)
    return entry({"logits": logits}, [0, 1, 2], log_p.T)


def normal_mixture():
    """One-dimensional, K = 3, at two parameter points."""
    logits = np.array([[0.5, -1.0, 2.0], [0.0, 0.0, 0.0]])
    loc = np.array([[-2.0, 0.0, 3.0], [1.0, 1.5, -4.0]])
    scale = np.array([[0.5, 1.0, 0.3], [2.0, 0.1, 1.0]])
    x = [-4.0, -1.0, 0.0, 1.49, 3.2]
    weights = special.softmax(logits, axis=-1)
    log_prob = [special.logsumexp(np.log(weights) + stats.norm.logpdf(v, loc, scale), axis=-1)
                for v in x]
    mean = (weights * loc).sum(-1)
    variance = (weights * (scale**2 + loc**2)).sum(-1) - mean**2
    return entry({"logits": logits.tolist(), "loc": loc.tolist(), "scale": scale.tolist()}, x,
                 log_prob, mean, np.sqrt(variance))


def rounded_logistic():
    """Exact masses of whole numbers; all below 1/2 is 0."""
    loc, scale = [3.0, 0.2, 60.0, -2.0], [1.5, 0.05, 8.0, 0.7]
    counts = [0, 1, 2, 7, 40, 90]

    def mass(k, m, s):
        lower = sigmoid((Decimal(k) - Decimal("0.5") - m) / s) if k > 0 else Decimal(0)
        return sigmoid((Decimal(k) + Decimal("0.5") - m) / s) - lower
    log_prob = [[float(mass(k, Decimal(m), Decimal(s)).ln()) for m, s in zip(loc, scale)]
                for k in counts]
    return entry({"loc": loc, "scale": scale}, counts, log_prob)


def zero_inflated(negative, parameters, counts):
    """More zeros than a negative binomial has."""
    logits = [-2.0, 0.3, 1.5]
    p = special.expit(logits)
    log_prob = [[np.log(share * (k == 0) + (1 - share) * d.pmf(k))
                 for share, d in zip(p, negative)] for k in counts]
    mean = [(1 - share) * d.mean() for share, d in zip(p, negative)]
    square = [(1 - share) * (d.var() + d.mean()**2) for share, d in zip(p, negative)]
    return entry({"logits": logits, **parameters}, counts, log_prob, mean,
                 np.sqrt(np.array(square) - np.array(mean)**2))


def distributions():
    real = [-7.5, -1.0, -0.25, 0.0, 0.6, 3.0, 11.0]
    loc, scale = [0.0, -1.5, 2.0, 0.3], [1.0, 0.2, 3.0, 0.05]
    pair = {"loc": loc, "scale": scale}
    unit = [0.001, 0.2, 0.5, 0.77, 0.999]
    counts = [0, 1, 2, 7, 40, 900]
    bits = {"logits": [-20.0, -1.2, 0.0, 0.7, 35.0]}
    p = special.expit(bits["logits"])
    bit_log_prob = [special.log_expit(-np.array(bits["logits"])),
                    special.log_expit(np.array(bits["logits"]))]
    means, totals = [0.2, 5.0, 120.0], [0.5, 3.0, 40.0]
    negative = [stats.nbinom(n=r, p=r / (r + m)) for m, r in zip(means, totals)]
    return {
        "normal": from_scipy(stats.norm, pair, real),
        "laplace": from_scipy(stats.laplace, pair, real),
        "logistic": from_scipy(stats.logistic, pair, real),
        "student": from_scipy(stats.t, {"df": [2.5, 3.0, 30.0, 7.0], **pair}, real),
        "uniform": from_scipy(lambda low, high: stats.uniform(low, high - low),
                              {"low": [-1.0, 0.0, -0.5], "high": [1.0, 2.0, 7.0]},
                              [0.1, 0.3, 0.999]),
        "beta": from_scipy(lambda alpha, beta: stats.beta(alpha, beta),
                           {"alpha": [1.0, 0.5, 7.0, 30.0], "beta": [1.0, 0.5, 2.0, 0.8]}, unit),
        "gamma": from_scipy(lambda concentration, rate: stats.gamma(concentration, scale=1 / rate),
                            {"concentration": [1.0, 0.3, 8.0], "rate": [1.0, 2.0, 0.5]},
                            [1e-3, 0.4, 1.0, 5.0, 33.0]),
        "bernoulli": entry(bits, [0, 1], bit_log_prob, p,
                           np.sqrt(p * special.expit(-np.array(bits["logits"])))),
        "continuous_bernoulli": continuous_bernoulli(),
        "categorical": classes(),
        "poisson": from_scipy(lambda rate: stats.poisson(rate), {"rate": [0.05, 1.0, 6.5, 200.0]},
                              counts, discrete=True),
        "negative_binomial": entry({"mean": means, "total": totals}, counts,
                                   [[d.logpmf(k) for d in negative] for k in counts],
                                   [d.mean() for d in negative], [d.std() for d in negative]),
        "zero_negative_binomial": zero_inflated(negative, {"mean": means, "total": totals},
                                                [0, 1, 2, 7, 40, 150]),
        "log_normal": from_scipy(
            lambda loc, scale: stats.lognorm(s=scale, scale=np.exp(loc)),
            {"loc": [0.0, -1.0, 2.5], "scale": [1.0, 0.3, 0.5]}, [1e-3, 0.4, 1.0, 5.0, 33.0]),
        "rounded_logistic": rounded_logistic(),
        "discretized_logistic": discretized_logistic(),
        "logistic_mixture": logistic_mixture(),
        "mixture": normal_mixture(),
    }


def divergences():
    """KL(q || p) by PyTorch's closed forms."""
    d, t = torch.distributions, torch.tensor
    table = [
        ("normal", {"loc": [0.3, -2.0], "scale": [0.5, 1.0]},
         {"loc": [-1.0, 0.0], "scale": [2.0, 0.7]}, lambda loc, scale: d.Normal(loc, scale)),
        ("laplace", {"loc": [0.3, -2.0], "scale": [0.5, 1.0]},
         {"loc": [-1.0, 0.0], "scale": [2.0, 0.7]}, lambda loc, scale: d.Laplace(loc, scale)),
        ("uniform", {"low": [0.0, -1.0], "high": [1.0, 0.5]},
         {"low": [-1.0, -1.0], "high": [1.5, 2.0]}, lambda low, high: d.Uniform(low, high)),
        ("beta", {"alpha": [0.7, 3.0], "beta": [2.0, 5.0]},
         {"alpha": [1.5, 1.0], "beta": [1.0, 9.0]}, lambda alpha, beta: d.Beta(alpha, beta)),
        ("gamma", {"concentration": [0.7, 3.0], "rate": [2.0, 5.0]},
         {"concentration": [1.5, 1.0], "rate": [1.0, 9.0]},
         lambda concentration, rate: d.Gamma(concentration, rate)),
        ("bernoulli", {"logits": [0.3, -3.0]}, {"logits": [-1.0, 2.0]},
         lambda logits: d.Bernoulli(logits=logits)),
        ("categorical", {"logits": [[0.3, -3.0, 1.0], [0.0, 1.0, 2.0]]},
         {"logits": [[-1.0, 2.0, 0.0], [0.0, 0.0, 0.0]]},
         lambda logits: d.Categorical(logits=logits)),
        ("one_hot", {"logits": [[0.3, -3.0, 1.0], [0.0, 1.0, 2.0]]},
         {"logits": [[-1.0, 2.0, 0.0], [0.0, 0.0, 0.0]]},
         lambda logits: d.Categorical(logits=logits)),
        ("poisson", {"rate": [0.3, 7.0]}, {"rate": [1.0, 5.0]}, lambda rate: d.Poisson(rate)),
    ]
    out = []
    for name, q, p, make in table:
        tensors = [{k: t(v) for k, v in point.items()} for point in (q, p)]
        value = d.kl_divergence(make(**tensors[0]), make(**tensors[1]))
        out.append({"type": name, "q": q, "p": p, "kl": value.tolist()})
    return out


def main():
    text = json.dumps({
        "versions": {"python": platform.python_version(), "numpy": np.__version__,
                     "scipy": scipy.__version__, "torch": torch.__version__},
        "distributions": distributions(),
        "kl": divergences(),
    }, indent=1)
    assert "NaN" not in text and "Infinity" not in text
    with open("tests/golden/distributions.json", "w") as file:
        file.write(text + "\n")


if __name__ == "__main__":
    main()
