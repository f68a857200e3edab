"""The 784-400-20-400-784 Bernoulli VAE in PyTorch: rows per second as one line of JSON."""

import sys

import peer

peer.restart_tuned()

import torch
import torch.nn.functional as F
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(784, 400), nn.ReLU(), nn.Linear(400, 40))
        self.decoder = nn.Sequential(nn.Linear(20, 400), nn.ReLU(), nn.Linear(400, 784))

    def layers(self, x):
        h = self.encoder(x)
        return [h, self.decoder(h[:, :20])]


def loss(net, x):
    mean, log_variance = net.encoder(x).chunk(2, 1)
    z = mean + torch.randn_like(mean) * (0.5 * log_variance).exp()
    reconstruction = F.binary_cross_entropy_with_logits(net.decoder(z), x, reduction="sum")
    kl = -0.5 * (1 + log_variance - mean.square() - log_variance.exp()).sum()
    return (reconstruction + kl) / x.shape[0]


batch = int(sys.argv[1]) if len(sys.argv) > 1 else 128
torch.manual_seed(0)
peer.measure(Net(), loss, batch, (784,), [(40,), (784,)], "mlp 784-400-20-400-784")
