"""A classifier of pictures in PyTorch, independent of the program: it judges what the program makes."""
import torch
import torch.nn.functional as F
from torch import nn


def network(channels, size, classes, dropout=0.3):
    small = size // 4
    return nn.Sequential(
        nn.Conv2d(channels, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Dropout(dropout), nn.Linear(64 * small * small, 128), nn.ReLU(),
        nn.Linear(128, classes))


def train(x, y, classes, epochs, seed, batch=128, lr=1e-3, binarize=False, weights=None):
    """x [N, C, H, W] in [0, 1], y [N]; the rate falls to 0 along a cosine."""
    torch.manual_seed(seed)
    net = network(x.shape[1], x.shape[2], classes)
    optimizer = torch.optim.Adam(net.parameters(), lr)
    steps = epochs * (len(x) // min(batch, len(x)))
    fall = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    net.train()
    for _ in range(epochs):
        for rows in torch.randperm(len(x)).split(batch)[:max(1, len(x) // batch)]:
            seen = torch.bernoulli(x[rows]) if binarize else x[rows]
            loss = F.cross_entropy(net(seen), y[rows], weight=weights)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            fall.step()
    return net.eval()


@torch.no_grad()
def classes_of(net, x, block=1000):
    return torch.cat([net(part).argmax(1) for part in x.split(block)])


def accuracy(net, x, y):
    return (classes_of(net, x) == y).double().mean().item()
