#!/usr/bin/env python3
"""Writes tests/golden/autoencoder.json: outputs of small image autoencoders of latent diffusion in
float64, written with PyTorch's functions. Weights follow from their names' order alone, so that the
test can make them too. Run from the repository root."""
import json
import math

import torch
import torch.nn.functional as F


def shapes(side, channels, blocks, latent, attention, code_layer):
    """Names and shapes of one side's weights."""
    out = {}

    def conv(name, a, b, k):
        out[name + ".weight"], out[name + ".bias"] = (b, a, k, k), (b,)

    def norm(name, c):
        out[name + ".weight"], out[name + ".bias"] = (c,), (c,)

    def residual(name, a, b):
        norm(name + ".norm1", a), conv(name + ".conv1", a, b, 3)
        norm(name + ".norm2", b), conv(name + ".conv2", b, b, 3)
        if a != b:
            conv(name + ".conv_shortcut", a, b, 1)

    down = side == "encoder"
    order = channels if down else channels[::-1]
    ends = (3, 2 * latent) if down else (latent, 3)
    if code_layer:
        conv("quant_conv" if down else "post_quant_conv", *((ends[1],) * 2 if down else (ends[0],) * 2), 1)
    conv("conv_in", ends[0], order[0], 3)
    before = order[0]
    for i, c in enumerate(order):
        for j in range(blocks if down else blocks + 1):
            residual(f"{'down' if down else 'up'}_blocks.{i}.resnets.{j}", before, c)
            before = c
        if i + 1 < len(order):
            conv(f"{'down' if down else 'up'}_blocks.{i}.{'down' if down else 'up'}samplers.0.conv", c, c, 3)
    middle = channels[-1]
    for j in range(2):
        residual(f"mid_block.resnets.{j}", middle, middle)
    if attention:
        norm("mid_block.attentions.0.group_norm", middle)
        for part in ("to_q", "to_k", "to_v", "to_out.0"):
            name = "mid_block.attentions.0." + part
            out[name + ".weight"], out[name + ".bias"] = (middle, middle), (middle,)
    norm("conv_norm_out", order[-1])
    conv("conv_out", order[-1], ends[1], 3)
    return out


def weights(named):
    """sin(1.3 i + 0.5 k) / 4 for element i of the k-th name in their order; 1 more for factors of norms."""
    made = {}
    for k, name in enumerate(sorted(named)):
        i = torch.arange(math.prod(named[name]), dtype=torch.float64)
        plus = 1 if "norm" in name.split(".")[-2] and name.endswith("weight") else 0
        made[name] = (torch.sin(1.3 * i + 0.5 * k) / 4 + plus).reshape(named[name])
    return made


class Net:
    def __init__(self, w, groups):
        self.w, self.groups = w, groups

    def conv(self, name, x, stride=1):
        w = self.w[name + ".weight"]
        return F.conv2d(x, w, self.w[name + ".bias"], stride, w.shape[-1] // 2 if stride == 1 else 0)

    def norm(self, name, x):
        return F.group_norm(x, self.groups, self.w[name + ".weight"], self.w[name + ".bias"], 1e-6)

    def residual(self, name, x):
        h = self.conv(name + ".conv1", F.silu(self.norm(name + ".norm1", x)))
        h = self.conv(name + ".conv2", F.silu(self.norm(name + ".norm2", h)))
        return h + (self.conv(name + ".conv_shortcut", x) if name + ".conv_shortcut.weight" in self.w else x)

    def middle(self, x):
        x = self.residual("mid_block.resnets.0", x)
        name = "mid_block.attentions.0."
        if name + "to_q.weight" in self.w:
            t = self.norm(name + "group_norm", x).flatten(2).transpose(1, 2)
            q, k, v = (F.linear(t, self.w[name + p + ".weight"], self.w[name + p + ".bias"])
                       for p in ("to_q", "to_k", "to_v"))
            h = torch.softmax(q @ k.transpose(1, 2) / math.sqrt(q.shape[-1]), -1) @ v
            h = F.linear(h, self.w[name + "to_out.0.weight"], self.w[name + "to_out.0.bias"])
            x = x + h.transpose(1, 2).reshape(x.shape)
        return self.residual("mid_block.resnets.1", x)

    def levels(self, side, x):
        i = 0
        while f"{side}_blocks.{i}.resnets.0.conv1.weight" in self.w:
            j = 0
            while f"{side}_blocks.{i}.resnets.{j}.conv1.weight" in self.w:
                x = self.residual(f"{side}_blocks.{i}.resnets.{j}", x)
                j += 1
            name = f"{side}_blocks.{i}.{side}samplers.0.conv"
            if name + ".weight" in self.w and side == "down":
                x = self.conv(name, F.pad(x, (0, 1, 0, 1)), 2)
            elif name + ".weight" in self.w:
                x = self.conv(name, F.interpolate(x, scale_factor=2.0, mode="nearest"))
            i += 1
        return x

    def end(self, x):
        return self.conv("conv_out", F.silu(self.norm("conv_norm_out", x)))

    def encode(self, x):
        x = self.end(self.middle(self.levels("down", self.conv("conv_in", 2 * x - 1))))
        return self.conv("quant_conv", x) if "quant_conv.weight" in self.w else x

    def decode(self, z):
        if "post_quant_conv.weight" in self.w:
            z = self.conv("post_quant_conv", z)
        return self.end(self.levels("up", self.middle(self.conv("conv_in", z)))) / 2 + 0.5


def case(channels, blocks, groups, latent, attention, code_layer, size):
    args = channels, blocks, latent, attention, code_layer
    steps = 2 ** (len(channels) - 1)
    x = torch.sin(torch.arange(2 * 3 * size[0] * size[1], dtype=torch.float64)).reshape(2, 3, *size) / 2 + 0.5
    h = Net(weights(shapes("encoder", *args)), groups).encode(x)
    z = torch.cos(torch.arange(2 * latent * size[0] * size[1] // steps ** 2, dtype=torch.float64))
    z = z.reshape(2, latent, size[0] // steps, size[1] // steps)
    y = Net(weights(shapes("decoder", *args)), groups).decode(z)
    flat = lambda t: [float(f"{v:.10g}") for v in t.flatten().tolist()]
    return {"channels": channels, "blocks": blocks, "groups": groups, "latent": latent, "attention": attention,
            "code_layer": code_layer, "size": size, "encoded": flat(h), "decoded": flat(y)}


def tiny_shapes(channels, blocks, ends, down):
    out, place = {}, 0

    def conv(a, b, bias=True):
        nonlocal place
        out[f"layers.{place}.weight"] = (b, a, 3, 3)
        if bias:
            out[f"layers.{place}.bias"] = (b,)
        place += 1

    def residuals(n):
        nonlocal place
        for _ in range(n):
            for k in (0, 2, 4):
                out[f"layers.{place}.conv.{k}.weight"] = (channels, channels, 3, 3)
                out[f"layers.{place}.conv.{k}.bias"] = (channels,)
            place += 1
    if down:
        for i, n in enumerate(blocks):
            conv(channels if i else ends[0], channels, i == 0)
            residuals(n)
        conv(channels, ends[1])
        return out
    conv(ends[0], channels)
    place += 1
    for i, n in enumerate(blocks):
        residuals(n)
        last = i + 1 == len(blocks)
        place += not last
        conv(channels, ends[1] if last else channels, last)
    return out


def tiny(w, x, down):
    """By the order of places: a layer without a bias halves in the encoder, doubles before it in the decoder."""
    places = sorted({int(name.split(".")[1]) for name in w})
    if not down:
        x = 3 * torch.tanh(x / 3)
    for place in places:
        name = f"layers.{place}"
        if name + ".weight" not in w:
            h = F.conv2d(x, w[name + ".conv.0.weight"], w[name + ".conv.0.bias"], padding=1)
            for k in (2, 4):
                h = F.conv2d(F.relu(h), w[f"{name}.conv.{k}.weight"], w[f"{name}.conv.{k}.bias"], padding=1)
            x = F.relu(x + h)
            continue
        bias, last = w.get(name + ".bias"), place == places[-1]
        if not down and bias is None:
            x = F.interpolate(x, scale_factor=2.0, mode="nearest")
        x = F.conv2d(x, w[name + ".weight"], bias, 2 if down and bias is None else 1, 1)
        if not down and place == 0:
            x = F.relu(x)
    return x


def tiny_case(channels, encoder_blocks, decoder_blocks, latent, size):
    steps = 2 ** (len(encoder_blocks) - 1)
    x = torch.sin(torch.arange(2 * 3 * size[0] * size[1], dtype=torch.float64)).reshape(2, 3, *size) / 2 + 0.5
    h = tiny(weights(tiny_shapes(channels, encoder_blocks, (3, latent), True)), x, True)
    z = 4 * torch.cos(torch.arange(2 * latent * size[0] * size[1] // steps ** 2, dtype=torch.float64))
    y = tiny(weights(tiny_shapes(channels, decoder_blocks, (latent, 3), False)),
             z.reshape(2, latent, size[0] // steps, size[1] // steps), False)
    flat = lambda t: [float(f"{v:.10g}") for v in t.flatten().tolist()]
    return {"channels": channels, "encoder_blocks": encoder_blocks, "decoder_blocks": decoder_blocks, "latent": latent,
            "size": size, "encoded": flat(h), "decoded": flat(y)}


golden = {"made_by": {"torch": torch.__version__},
          "cases": [case([4, 8], 1, 2, 2, True, True, [8, 12]),
                    case([4, 6, 6], 2, 2, 3, False, False, [12, 8]),
                    case([6], 1, 3, 1, True, False, [5, 4])],
          "tiny": [tiny_case(4, [1, 2, 1], [2, 1, 1], 2, [8, 12])]}
with open("tests/golden/autoencoder.json", "w") as file:
    json.dump(golden, file)
    file.write("\n")
