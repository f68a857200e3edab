#!/usr/bin/env python3
"""Writes a small image autoencoder in each form that programs of latent diffusion write, and damaged ones:
autoencoder_files.py FOLDER. Without libraries: names, shapes and bytes are written out here once more."""
import json
import pathlib
import random
import struct
import sys

CHANNELS, BLOCKS, GROUPS, LATENT = [4, 8], 1, 2, 3
CONFIG = {"_class_name": "AutoencoderKL", "_diffusers_version": "0.4.2", "act_fn": "silu", "block_out_channels": CHANNELS,
          "down_block_types": ["DownEncoderBlock2D"] * 2, "in_channels": 3, "latent_channels": LATENT,
          "layers_per_block": BLOCKS, "norm_num_groups": GROUPS, "out_channels": 3, "sample_size": 16,
          "scaling_factor": 0.5, "shift_factor": 0.25, "up_block_types": ["UpDecoderBlock2D"] * 2, "of_its_own": [1, {"a": None}]}


def names():
    """(name of diffusers, name of latent diffusion, shape); * stands for weight or bias."""
    def layer(new, old, *shape):
        yield new + ".weight", old + ".weight", shape
        yield new + ".bias", old + ".bias", shape[:1]

    def residual(new, old, a, b):
        yield from layer(new + ".norm1", old + ".norm1", a)
        yield from layer(new + ".conv1", old + ".conv1", b, a, 3, 3)
        yield from layer(new + ".norm2", old + ".norm2", b)
        yield from layer(new + ".conv2", old + ".conv2", b, b, 3, 3)
        if a != b:
            yield from layer(new + ".conv_shortcut", old + ".nin_shortcut", b, a, 1, 1)

    for side, order, ends in (("encoder", CHANNELS, (3, 2 * LATENT)), ("decoder", CHANNELS[::-1], (LATENT, 3))):
        yield from layer(side + ".conv_in", side + ".conv_in", order[0], ends[0], 3, 3)
        before = order[0]
        for i, c in enumerate(order):
            way, level = ("down", i) if side == "encoder" else ("up", len(order) - 1 - i)
            for j in range(BLOCKS if way == "down" else BLOCKS + 1):
                yield from residual(f"{side}.{way}_blocks.{i}.resnets.{j}", f"{side}.{way}.{level}.block.{j}", before, c)
                before = c
            if i + 1 < len(order):
                yield from layer(f"{side}.{way}_blocks.{i}.{way}samplers.0.conv", f"{side}.{way}.{level}.{way}sample.conv", c, c, 3, 3)
        c = CHANNELS[-1]
        for j in range(2):
            yield from residual(f"{side}.mid_block.resnets.{j}", f"{side}.mid.block_{j + 1}", c, c)
        new, old = f"{side}.mid_block.attentions.0", f"{side}.mid.attn_1"
        yield from layer(new + ".group_norm", old + ".norm", c)
        for a, b in (("to_q", "q"), ("to_k", "k"), ("to_v", "v"), ("to_out.0", "proj_out")):
            yield from layer(f"{new}.{a}", f"{old}.{b}", c, c)
        yield from layer(side + ".conv_norm_out", side + ".norm_out", order[-1])
        yield from layer(side + ".conv_out", side + ".conv_out", ends[1], order[-1], 3, 3)
    yield from layer("quant_conv", "quant_conv", 2 * LATENT, 2 * LATENT, 1, 1)
    yield from layer("post_quant_conv", "post_quant_conv", LATENT, LATENT, 1, 1)


def tiny():
    """Names and shapes of a tiny autoencoder: a block at each of two resolutions, 4 channels, a code of 2."""
    block = lambda at: [(f"{at}.conv.{k}", (4, 4, 3, 3), True) for k in (0, 2, 4)]
    layers = [("encoder.layers.0", (4, 3, 3, 3), True), *block("encoder.layers.1"), ("encoder.layers.2", (4, 4, 3, 3), False),
              *block("encoder.layers.3"), ("encoder.layers.4", (2, 4, 3, 3), True),
              ("decoder.layers.0", (4, 2, 3, 3), True), *block("decoder.layers.2"), ("decoder.layers.4", (4, 4, 3, 3), False),
              *block("decoder.layers.5"), ("decoder.layers.6", (3, 4, 3, 3), True)]
    for name, shape, bias in layers:
        yield name + ".weight", shape
        if bias:
            yield name + ".bias", shape[:1]


def size(shape):
    return size(shape[1:]) * shape[0] if shape else 1


def save(path, tensors, metadata={"format": "pt"}):
    """tensors: name -> (type, shape, bytes), in the order and spelling of the format's own writer."""
    header, at, data = {}, 0, b""
    if metadata:
        header["__metadata__"] = metadata
    for name in sorted(tensors):
        kind, shape, content = tensors[name]
        header[name] = {"dtype": kind, "shape": list(shape), "data_offsets": [at, at + len(content)]}
        at += len(content)
        data += content
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def folder(path, tensors, config=CONFIG):
    save(path / "diffusion_pytorch_model.safetensors", tensors)
    (path / "config.json").write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")


def main(root):
    rng = random.Random(1)
    table = list(names())
    values = {new: [rng.gauss(1 if "norm" in new and new.endswith("weight") else 0, 0.2) for _ in range(size(shape))]
              for new, _, shape in table}
    for name, numbers in values.items():
        values[name] = struct.unpack(f"<{len(numbers)}f", struct.pack(f"<{len(numbers)}f", *numbers))  # rounded once
    pack = {"F32": "f", "F16": "e"}
    made = lambda new, shape, kind="F32": (kind, shape, struct.pack(f"<{size(shape)}{pack[kind]}", *values[new]))
    now = {new: made(new, shape) for new, _, shape in table}
    folder(root / "now", now)
    folder(root / "half", {new: made(new, shape, "F16") for new, _, shape in table})
    parts = [("attentions.0.to_q", "attentions.0.query"), ("attentions.0.to_k", "attentions.0.key"),
             ("attentions.0.to_v", "attentions.0.value"), ("attentions.0.to_out.0", "attentions.0.proj_attn")]

    def old_name(name):
        for a, b in parts:
            name = name.replace(a, b)
        return name
    folder(root / "old", {old_name(n): t for n, t in now.items()})
    square = lambda old, shape: tuple(shape) + ((1, 1) if ".attn_1." in old and len(shape) == 2 else ())
    ldm = {old: (now[new][0], square(old, shape), now[new][2]) for new, old, shape in table}
    save(root / "ldm.safetensors", ldm)
    other = {"model.diffusion_model.out.2.bias": ("F32", (2,), b"\0" * 8)}
    save(root / "whole.safetensors", {**{"first_stage_model." + n: t for n, t in ldm.items()}, **other})
    folder(root / "tiny", {name: ("F32", shape, struct.pack(f"<{size(shape)}f", *(rng.gauss(0, 0.2) for _ in range(size(shape)))))
                           for name, shape in tiny()},
           {"_class_name": "AutoencoderTiny", "encoder_block_out_channels": [4, 4], "decoder_block_out_channels": [4, 4],
            "num_encoder_blocks": [1, 1], "num_decoder_blocks": [1, 1], "latent_channels": 2})
    # In two parts.
    split, index = sorted(now)[: len(now) // 2], {}
    for k, part in enumerate((split, sorted(now)[len(now) // 2:])):
        file = f"diffusion_pytorch_model-0000{k + 1}-of-00002.safetensors"
        save(root / "parts" / file, {n: now[n] for n in part})
        index.update({n: file for n in part})
    (root / "parts" / "diffusion_pytorch_model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": index}))
    (root / "parts" / "config.json").write_text(json.dumps(CONFIG))
    # Damaged.
    first = "encoder.conv_in.weight"
    folder(root / "missing", {n: t for n, t in now.items() if n != "decoder.conv_out.bias"})
    folder(root / "unknown", {**now, "encoder.down_blocks.1.attentions.0.to_q.weight": now["encoder.mid_block.attentions.0.to_q.weight"]})
    folder(root / "wide", now, {**CONFIG, "block_out_channels": [8, 8]})
    folder(root / "huge", now, {**CONFIG, "block_out_channels": [16384, 16384]})
    folder(root / "levels", now, {**CONFIG, "block_out_channels": [4] * 40})
    folder(root / "types", now, {**CONFIG, "down_block_types": ["AttnDownEncoderBlock2D"] * 2})
    infinite = struct.pack("<e", float("inf")) * size(now[first][1])
    folder(root / "infinite", {**now, first: ("F16", now[first][1], infinite)})
    folder(root / "cut", now)
    file = root / "cut" / "diffusion_pytorch_model.safetensors"
    file.write_bytes(file.read_bytes()[:-100])
    (root / "pickle").mkdir(exist_ok=True)
    (root / "pickle" / "config.json").write_text(json.dumps(CONFIG))
    (root / "pickle" / "diffusion_pytorch_model.bin").write_bytes(b"PK\3\4")
    (root / "model.ckpt").write_bytes(b"\x80\x02}q\0.")


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
