"""Pictures: train, look at reconstructions, draw new ones."""

import sys

import numpy as np

import elbo

epochs = int(sys.argv[1]) if len(sys.argv) > 1 else 10

# DATA of the program by its name; an array of bytes [N, H, W] works as well.
run = elbo.train("builtin:digits", model="vae", epochs=epochs, seed=0, data_options={"rows": 2000})
print(run)

digits = elbo.as_data("builtin:digits", options={"rows": 200})
codes, deviations = run.encode(digits, deviations=True)
pictures = run.decode(codes)
print("codes", codes.shape, "mean deviation", round(float(deviations.mean()), 3))
print("reconstructions", pictures.shape, "in [0, 1]:", bool((pictures >= 0).all() and (pictures <= 1).all()))

samples = run.sample(16, seed=1)
print("samples", samples.shape)

figures = run.evaluate(draws=10, rows=200)
print("negative ELBO", round(figures["negative_elbo"], 2), "nats;", figures["protocol"]["split"], "rows")
for finding in figures["diagnosis"]:
    print("finding:", finding["says"])
assert np.isfinite(samples).all()
