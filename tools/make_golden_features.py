#!/usr/bin/env python3
"""Writes tests/golden/features.safetensors, a small network written by python/elbo_features, and features.json, what
PyTorch says about distances in its layers. Needs torch and safetensors; run from the repository root."""
import json
import pathlib
import sys

import torch
from torch import nn

sys.path.insert(0, "python")
import elbo_features  # noqa: E402

GOLDEN = pathlib.Path("tests/golden")


class Fire(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.squeeze = nn.Sequential(nn.Conv2d(channels, 4, 1), nn.ReLU(inplace=True))
        self.left, self.right = nn.Conv2d(4, 6, 1), nn.Conv2d(4, 6, 3, padding=1)

    def forward(self, x):
        x = self.squeeze(x)
        return torch.cat([torch.relu(self.left(x)), torch.relu(self.right(x))], 1)


class Every(nn.Module):
    """One of each step."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.ZeroPad2d((0, 1, 0, 1)), nn.Conv2d(3, 8, 3, stride=2, bias=False),
                                  nn.BatchNorm2d(8), nn.ReLU6())
        self.wide = nn.Sequential(nn.Conv2d(8, 8, 5, padding=2, groups=8, bias=False), nn.BatchNorm2d(8), nn.SiLU(),
                                  nn.Conv2d(8, 8, 1, bias=False), nn.BatchNorm2d(8))
        self.pool = nn.MaxPool2d(3, 2, ceil_mode=True)
        self.fire = Fire(8)
        self.last = nn.Sequential(nn.Conv2d(12, 10, 3, stride=2, padding=1), nn.MaxPool2d(3, 2, padding=1))

    def forward(self, x):
        first = self.stem(x)
        second = torch.relu(first + self.wide(first))
        third = self.fire(self.pool(second))
        return first, second, third, self.last(third)


def wave(n, channels, height, width, phase):
    """A formula, so that the test makes the same pictures."""
    i = torch.arange(n * channels * height * width, dtype=torch.float64)
    return (0.5 + 0.5 * torch.sin(0.7 * i + phase + 0.003 * i * torch.cos(0.01 * i))).view(n, channels, height, width)


def main():
    torch.manual_seed(1)
    net = Every()
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.3)
            module.running_var.uniform_(0.5, 2)
            nn.init.uniform_(module.weight, 0.5, 4)
            nn.init.normal_(module.bias)
    net.eval()
    weights = [torch.rand(c) for c in (8, 8, 12, 10)]
    shift, scale = [0.4, 0.5, 0.6], [0.2, 0.25, 0.3]
    elbo_features.write(net, str(GOLDEN / "features.safetensors"), name="one of each step", shift=shift, scale=scale,
                        weights=weights)
    net.double()
    golden = {"torch": torch.__version__, "cases": []}
    for channels, height, width in ((3, 17, 22), (1, 24, 16)):
        x, y = (wave(3, channels, height, width, phase) for phase in (0, 0.4))
        with torch.no_grad():
            seen = [(t.expand(-1, 3, -1, -1) - torch.tensor(shift).view(3, 1, 1).double())
                    / torch.tensor(scale).view(3, 1, 1).double() for t in (x, y)]
            unit = lambda h: h / (h.square().sum(1, True) + 1e-10).sqrt()
            layers = [net(t) for t in seen]
            apart = sum(((unit(a) - unit(b)).square() * w.double().view(-1, 1, 1)).sum(1).mean((1, 2))
                        for a, b, w in zip(*layers, weights))
            pooled = [torch.cat([torch.cat([h.mean((2, 3)), h.std((2, 3), unbiased=False)], 1)
                                 for h in layers[0][1:]], 1)]
        golden["cases"].append({"channels": channels, "height": height, "width": width,
                                "distance": apart.tolist(), "pooled": pooled[0].tolist()})
    (GOLDEN / "features.json").write_text(json.dumps(golden))


main()
