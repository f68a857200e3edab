"""Synthetic rows of a table, also ones that meet a condition."""

import sys

import numpy as np
import pandas

import elbo

steps = int(sys.argv[1]) if len(sys.argv) > 1 else 1500

random = np.random.default_rng(0)
age = random.integers(18, 80, 1000)
married = random.random(1000) < age / 100
hours = np.where(married, 38, 42) + random.integers(-4, 5, 1000)
frame = pandas.DataFrame({"age": age, "married": married, "hours": hours, "id": np.arange(1000)})

model = elbo.Synthesizer(
    random_state=0, types={"id": "ignore"}, train_options={"steps": steps}
).fit(frame)
print("left out:", model.notes_)

drawn = model.sample(1000)
print(drawn.head(4), "\n")
for table, name in ((frame, "data"), (drawn, "synthetic")):
    print(f"{name:10}", table.groupby("married")["hours"].mean().round(1).to_dict())

older = model.sample(50, conditions={"age": (">", 60), "married": "True"})
assert (older["age"] > 60).all() and older["married"].all()
print("married and older than 60:", len(older), "rows, mean age", round(older["age"].mean(), 1))
