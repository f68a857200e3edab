"""The 28x28 convolutional VAE in PyTorch: rows per second as one line of JSON."""

import sys

import peer

peer.restart_tuned()

import torch
import torch.nn.functional as F
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Conv2d(1, 32, 4, 2, 1), nn.ReLU(),
            nn.Conv2d(32, 64, 4, 2, 1), nn.ReLU(),
            nn.Conv2d(64, 128, 4, 2, 1), nn.ReLU(),
            nn.Flatten(), nn.Linear(128 * 9, 40))
        self.start = nn.Linear(20, 128 * 9)
        self.decoder = nn.Sequential(
            nn.ConvTranspose2d(128, 64, 4, 2, 1, output_padding=1), nn.ReLU(),
            nn.ConvTranspose2d(64, 32, 4, 2, 1), nn.ReLU(),
            nn.ConvTranspose2d(32, 1, 4, 2, 1))

    def decode(self, z):
        return self.decoder(F.relu(self.start(z)).view(-1, 128, 3, 3))

    def layers(self, x):
        h = self.encoder(x)
        return [h, self.decode(h[:, :20])]


def loss(net, x):
    mean, log_variance = net.encoder(x).chunk(2, 1)
    z = mean + torch.randn_like(mean) * (0.5 * log_variance).exp()
    reconstruction = F.binary_cross_entropy_with_logits(net.decode(z), x, reduction="sum")
    kl = -0.5 * (1 + log_variance - mean.square() - log_variance.exp()).sum()
    return (reconstruction + kl) / x.shape[0]


batch = int(sys.argv[1]) if len(sys.argv) > 1 else 128
torch.manual_seed(0)
peer.measure(Net(), loss, batch, (1, 28, 28), [(40,), (1, 28, 28)], "conv 1-32-64-128, 28x28")
