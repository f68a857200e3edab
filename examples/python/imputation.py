"""A data frame with holes: expected values, several completions, intervals."""

import sys

import numpy as np
import pandas

import elbo

steps = int(sys.argv[1]) if len(sys.argv) > 1 else 1500

random = np.random.default_rng(0)
age = random.integers(18, 80, 1000)
income = np.round(900 * np.sqrt(age) + 400 * random.normal(size=1000))
region = np.where(income + 500 * random.normal(size=1000) > 6000, "north", "south")
truth = pandas.DataFrame({"age": age, "income": income, "region": pandas.Categorical(region)})
frame = truth.mask(random.random(truth.shape) < 0.15)
print(frame.head(4), "\n")

imputer = elbo.Imputer(random_state=0, train_options={"steps": steps})
filled = imputer.fit_transform(frame)
print(filled.head(4), "\n")
assert not filled.isna().any().any()

holes = frame["income"].isna()
error = (filled["income"] - truth["income"])[holes].abs().mean()
naive = (frame["income"].mean() - truth["income"])[holes].abs().mean()
print(f"income: mean error {error:.0f}, of the column's mean {naive:.0f}")

ends = imputer.intervals(frame, mass=0.9)
low, high = ends["low"]["income"], ends["high"]["income"]
inside = ((low <= truth["income"]) & (truth["income"] <= high))[holes].mean()
print(f"90 % intervals hold the true income in {100 * inside:.0f} % of the holes")

completions = imputer.transform(frame, multiple=5)
means = [one["income"].mean() for one in completions]
print("mean income of five completions:", np.round(means))
