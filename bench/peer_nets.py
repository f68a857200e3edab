#!/usr/bin/env python3
"""The nets of bench/peers.py in PyTorch: a process that measures as often as it is asked to.

  peer_nets.py LINE eager|compile [--batch N] [--precision fp32|bf16] [--once]

For each line on standard input, a number of seconds, it prints rows per second of whole training
steps, which do what those of `elbo train` do: the next rows of a shuffle out of memory, binarized
afresh where they are pictures, loss, gradients, Adam (fused, where PyTorch has it)."""
import argparse
import sys
import time

import torch
import torch.nn.functional as F
from torch import nn


def stack(*sizes, activation=nn.ReLU):
    layers = []
    for i, (a, b) in enumerate(zip(sizes, sizes[1:])):
        layers += [nn.Linear(a, b)] + ([activation()] if i + 2 < len(sizes) else [])
    return nn.Sequential(*layers)


def draw(h):
    mean, log_variance = h.float().chunk(2, -1)
    kl = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum(-1)
    return mean + torch.randn_like(mean) * (0.5 * log_variance).exp(), kl


class Pictures(nn.Module):
    """A Bernoulli VAE of pictures in bytes."""

    def __init__(self, encoder, decoder, shape):
        super().__init__()
        self.encoder, self.decoder, self.shape = encoder, decoder, shape

    def rows(self, n):
        return ((torch.rand(n, *self.shape) < 0.2) * 255).to(torch.uint8)

    def forward(self, rows):
        x = torch.bernoulli(rows.float() * (1 / 255))
        z, kl = draw(self.encoder(x))
        logits = self.decoder(z).float()
        return (F.binary_cross_entropy_with_logits(logits, x, reduction="sum") + kl.sum()) / len(x)


class Weighted(Pictures):
    """The importance-weighted bound of 50 draws."""

    draws = 50

    def forward(self, rows):
        x = torch.bernoulli(rows.float() * (1 / 255))
        mean, log_variance = self.encoder(x).float().chunk(2, -1)
        noise = torch.randn(self.draws, *mean.shape, device=mean.device)
        z = mean + noise * (0.5 * log_variance).exp()
        logits = self.decoder(z).float()
        fit = -F.binary_cross_entropy_with_logits(logits, x.expand_as(logits), reduction="none").sum(-1)
        ratio = 0.5 * (noise.square() + log_variance - z.square()).sum(-1)
        return -torch.logsumexp(fit + ratio, 0).mean()


class Columns(nn.Module):
    """A VAE of real columns, then of columns with classes."""

    def __init__(self, inputs, hidden, latent, numbers, classes):
        super().__init__()
        self.inputs, self.numbers, self.classes = inputs, numbers, classes
        self.encoder = stack(inputs, *hidden, 2 * latent)
        self.decoder = stack(latent, *hidden, 2 * numbers + sum(classes))

    def rows(self, n):
        numbers = torch.randn(n, self.inputs - len(self.classes))
        return torch.cat([numbers] + [torch.randint(0, k, (n, 1)).float() for k in self.classes], 1)

    def forward(self, rows):
        # Classes stand behind the numbers and padding, and are read as one of k.
        known = rows[:, :self.numbers]
        ids = [rows[:, i - len(self.classes)].long() for i in range(len(self.classes))]
        read = [known] + [F.one_hot(v, k).float() for v, k in zip(ids, self.classes)]
        width = sum(r.shape[1] for r in read)
        read.append(rows.new_ones(len(rows), self.inputs - width))
        z, kl = draw(self.encoder(torch.cat(read, 1)))
        y = self.decoder(z).float()
        mean, log_scale = y[:, :2 * self.numbers].chunk(2, 1)
        loss = (log_scale + 0.5 * ((known - mean) * (-log_scale).exp()).square()).sum() + kl.sum()
        at = 2 * self.numbers
        for v, k in zip(ids, self.classes):
            loss = loss + F.cross_entropy(y[:, at:at + k], v, reduction="sum")
            at += k
        return loss / len(rows)


class Tokens(nn.Module):
    """A bidirectional GRU that reads, and one that writes, told the code at every token."""

    def __init__(self, words, length, embedding, reads, latent, context, writes):
        super().__init__()
        self.words, self.length = words, length
        self.seen, self.told = nn.Embedding(words, embedding), nn.Embedding(words, embedding)
        self.reader = nn.GRU(embedding, reads, batch_first=True, bidirectional=True)
        self.code, self.context = nn.Linear(2 * reads, 2 * latent), nn.Linear(latent, context)
        self.start = nn.Linear(context, writes)
        self.writer = nn.GRU(embedding + context, writes, batch_first=True)
        self.out = nn.Linear(writes, words)

    def rows(self, n):
        return torch.randint(0, self.words, (n, self.length))

    def forward(self, rows):
        _, last = self.reader(self.seen(rows))
        z, kl = draw(self.code(last.transpose(0, 1).flatten(1)))
        context = self.context(z)
        told = self.told(F.pad(rows[:, :-1], (1, 0)))
        told = torch.cat([told, context.unsqueeze(1).expand(-1, self.length, -1)], 2)
        h, _ = self.writer(told, self.start(context).tanh().unsqueeze(0))
        return (F.cross_entropy(self.out(h).float().flatten(0, 1), rows.flatten(), reduction="sum")
                + kl.sum()) / len(rows)


def convolutions(channels, size, latent):
    down, up, sizes = [], [], [size]
    for a, b in zip([1] + channels, channels):
        down += [nn.Conv2d(a, b, 4, 2, 1), nn.ReLU()]
        sizes.append(sizes[-1] // 2)
    last = sizes[-1]
    for i in range(len(channels) - 1, -1, -1):
        below = channels[i - 1] if i > 0 else 1
        odd = sizes[i] - 2 * sizes[i + 1]
        up += [nn.ConvTranspose2d(channels[i], below, 4, 2, 1, output_padding=odd)] + ([nn.ReLU()] if i else [])
    wide = channels[-1] * last * last
    encoder = nn.Sequential(*down, nn.Flatten(), nn.Linear(wide, 2 * latent))
    decoder = nn.Sequential(nn.Linear(latent, wide), nn.ReLU(), nn.Unflatten(1, (channels[-1], last, last)), *up)
    return Pictures(encoder, decoder, (1, size, size))


NETS = {
    "dense": lambda: Pictures(stack(784, 400, 40), stack(20, 400, 784), (784,)),
    "conv28": lambda: convolutions([32, 64, 128], 28, 20),
    "conv64": lambda: convolutions([32, 64, 128, 256], 64, 32),
    "columns": lambda: Columns(30, [64], 8, 30, []),
    "classes": lambda: Columns(32, [128, 128], 5, 4, [2, 3, 4, 5, 5]),
    "text": lambda: Tokens(32, 9, 128, 256, 32, 64, 256),
    "weighted": lambda: Weighted(stack(784, 200, 200, 100), stack(50, 200, 200, 784), (784,)),
}


def training(net, batch, mode, precision, device):
    if any(isinstance(part, nn.Conv2d) for part in net.modules()):
        net = net.to(memory_format=torch.channels_last)
    rows, net = net.rows(20000 if batch > 64 else 8000).to(device), net.to(device)
    try:
        optimizer = torch.optim.Adam(net.parameters(), lr=1e-3, fused=True)
    except (RuntimeError, TypeError):
        optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)

    def loss_of(rows):
        with torch.autocast(device, torch.bfloat16, enabled=precision == "bf16"):
            return net(rows)

    loss = torch.compile(loss_of) if mode == "compile" else loss_of
    state = {"order": torch.randperm(len(rows), device=device), "at": 0}

    def step():
        if state["at"] + batch > len(rows):
            state.update(order=torch.randperm(len(rows), device=device), at=0)
        chosen = rows[state["order"][state["at"]:state["at"] + batch]]
        state["at"] += batch
        optimizer.zero_grad(set_to_none=True)
        loss(chosen).backward()
        optimizer.step()

    return step


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("line", choices=NETS)
    parser.add_argument("mode", choices=["eager", "compile"])
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--precision", default="fp32")
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    parser.add_argument("--once", action="store_true", help="one step, then end: for start and memory")
    a = parser.parse_args()
    torch.manual_seed(0)
    torch.set_flush_denormal(True)
    step = training(NETS[a.line](), a.batch, a.mode, a.precision, a.device)
    step()
    if a.once:
        return
    for _ in range(10):
        step()
    print(f"ready {torch.__version__} {torch.get_num_threads()}", flush=True)
    for line in sys.stdin:
        start, count, seconds = time.perf_counter(), 0, float(line)
        while time.perf_counter() - start < seconds:
            step()
            count += 1
        if a.device == "cuda":
            torch.cuda.synchronize()
        print(count * a.batch / (time.perf_counter() - start), flush=True)


if __name__ == "__main__":
    main()
