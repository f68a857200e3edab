"""A VAE of 30 real columns in PyTorch, fed by its DataLoader: rows per second as one line of JSON."""

import json
import statistics
import sys
import time

import peer

peer.restart_tuned()

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def loss(encoder, decoder, x):
    mean, log_variance = encoder(x).chunk(2, 1)
    z = mean + torch.randn_like(mean) * (0.5 * log_variance).exp()
    loc, log_scale = decoder(z).chunk(2, 1)
    reconstruction = (log_scale + 0.5 * ((x - loc) * (-log_scale).exp()).square()).sum()
    kl = -0.5 * (1 + log_variance - mean.square() - log_variance.exp()).sum()
    return (reconstruction + kl) / x.shape[0]


def main():
    batch, workers = int(sys.argv[1]), int(sys.argv[2])
    torch.manual_seed(0)
    torch.set_flush_denormal(True)
    encoder = nn.Sequential(nn.Linear(30, 64), nn.ReLU(), nn.Linear(64, 16))
    decoder = nn.Sequential(nn.Linear(8, 64), nn.ReLU(), nn.Linear(64, 60))
    optimizer = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], lr=1e-3)
    rows = DataLoader(TensorDataset(torch.randn(40000, 30)), batch, shuffle=True, num_workers=workers,
                      persistent_workers=workers > 0)
    rates = []
    for _ in range(4):
        start, count = time.perf_counter(), 0
        for (x,) in rows:
            optimizer.zero_grad(set_to_none=False)
            loss(encoder, decoder, x).backward()
            optimizer.step()
            count += len(x)
        rates.append(count / (time.perf_counter() - start))
    print(json.dumps({"program": "pytorch " + torch.__version__, "batch": batch, "workers": workers,
                      "training_rows_per_s": round(statistics.median(rates[1:]))}))


if __name__ == "__main__":
    main()
