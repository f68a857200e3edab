#!/usr/bin/env python3
"""Image autoencoders of the published shapes with random weights, here and in diffusers: what each reads and writes
of the other, and how far apart their numbers are. Prints a table; exits with 1 where a row fails.

usage: bench/latent_diffusion.py --program build/elbo [--side 64] [--only NAME] [--large 1024 [--memory 2G]]
       [--speed 512] [--train 64]
needs: diffusers, torch, safetensors, pillow, numpy"""
import argparse
import filecmp
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

import numpy as np
import torch
from diffusers import AutoencoderKL
from PIL import Image
from safetensors.torch import load_file

WIDE = dict(block_out_channels=(128, 256, 512, 512), layers_per_block=2, down_block_types=("DownEncoderBlock2D",) * 4,
            up_block_types=("UpDecoderBlock2D",) * 4)
SHAPES = {"SD 1.5": dict(WIDE, sample_size=512),
          "SDXL": dict(WIDE, sample_size=1024, scaling_factor=0.13025),
          "SD3": dict(WIDE, latent_channels=16, scaling_factor=1.5305, shift_factor=0.0609, use_quant_conv=False,
                      use_post_quant_conv=False),
          "FLUX.1": dict(WIDE, latent_channels=16, scaling_factor=0.3611, shift_factor=0.1159, use_quant_conv=False,
                         use_post_quant_conv=False),
          "FLUX.2": dict(WIDE, latent_channels=32), "TAESD": {}}
TENSORS = {"SD 1.5": 248, "SDXL": 248, "SD3": 244, "FLUX.1": 244, "FLUX.2": 251, "TAESD": 134}
ALLOWED = 1e-5


def model_of(name):
    torch.manual_seed(len(name))
    if name == "TAESD":
        from diffusers import AutoencoderTiny
        return AutoencoderTiny().eval()
    if name != "FLUX.2":
        return AutoencoderKL(**SHAPES[name]).eval()
    from diffusers import AutoencoderKLFlux2
    model = AutoencoderKLFlux2(**SHAPES[name]).eval()
    model.bn.running_mean.normal_()
    model.bn.running_var.uniform_(0.5, 2)
    return model


def latents_of(model, mode):
    if hasattr(model, "bn"):
        b, c, h, w = mode.shape
        packed = mode.view(b, c, h // 2, 2, w // 2, 2).permute(0, 1, 3, 5, 2, 4).reshape(b, 4 * c, h // 2, w // 2)
        shape = (1, -1, 1, 1)
        return (packed - model.bn.running_mean.view(shape)) / (model.bn.running_var.view(shape) + 1e-4).sqrt()
    return (mode - (model.config.shift_factor or 0)) * model.config.scaling_factor


def relative(a, b):
    return float(np.abs(a - b).max() / np.abs(b).max())


def check(program, name, side, folder):
    run = lambda *words: subprocess.run([program, *map(str, words)], check=True, capture_output=True, text=True).stdout
    model = model_of(name)
    theirs, mine, ldm = folder / "theirs", folder / "mine", folder / "ldm.safetensors"
    model.save_pretrained(theirs)
    info = json.loads(run("import", theirs, "--out", folder / "run", "--json"))
    written = json.loads(run("export", folder / "run", "--diffusers", mine, "--json"))
    weights = "diffusion_pytorch_model.safetensors"
    same = filecmp.cmp(theirs / weights, mine / weights, False) and filecmp.cmp(theirs / "config.json",
                                                                               mine / "config.json", False)
    again = type(model).from_pretrained(mine)
    taken = all(torch.equal(a, b) for a, b in zip(model.state_dict().values(), again.state_dict().values()))
    if name == "TAESD":
        run("export", folder / "run", "--diffusers", folder / "back")
    else:
        run("export", folder / "run", "--ldm", ldm)
        run("import", ldm, "--config", theirs / "config.json", "--out", folder / "ldm_run")
        run("export", folder / "ldm_run", "--diffusers", folder / "back")
    there_and_back = filecmp.cmp(theirs / weights, folder / "back" / weights, False)

    pixels = (np.random.default_rng(1).random((side, side, 3)) * 255).astype(np.uint8)
    Image.fromarray(pixels).save(folder / "x.png")
    run("encode", folder / "run", folder / "x.png", "--latents", "mean", "-o", folder / "z.npy")
    with torch.no_grad():
        x = torch.tensor(pixels).permute(2, 0, 1)[None].float() / 255
        coded = model.encode(2 * x - 1)
        mode = coded.latents if name == "TAESD" else coded.latent_dist.mode()
        expected = latents_of(model, mode)
        np.save(folder / "same.npy", expected.numpy())
        run("decode", folder / "run", folder / "same.npy", "--latents", "-o", folder / "y.npy")
        y = model.decode(mode).sample / 2 + 0.5
    encoded = relative(np.load(folder / "z.npy"), expected.numpy())
    decoded = relative(np.load(folder / "y.npy"), y.numpy())
    good = (same and taken and there_and_back and written["tensors"] == TENSORS[name] and max(encoded, decoded) < ALLOWED)
    word = lambda b: "equal" if b else "DIFFER"
    print(f"| {name} | {info['parameters']:,} | {written['tensors']} | {word(same)} | {word(taken)} | "
          f"{word(there_and_back)} | {encoded:.1e} | {decoded:.1e} |", flush=True)
    return good


def measured(command):
    """Seconds of a clock, seconds of all cores, and the peak of memory in MB of a command."""
    began = time.monotonic()
    process = subprocess.Popen([str(word) for word in command], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"failed: {command}")
    return time.monotonic() - began, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def seams(picture, rows):
    """The mean step between neighbouring rows at the edges of bands, as a share of it elsewhere."""
    steps = np.abs(np.diff(picture.astype(np.float64), axis=-2)).mean(axis=tuple(range(picture.ndim - 2)) + (picture.ndim - 1,))
    edges = np.zeros(len(steps), bool)
    edges[rows - 1::rows] = True
    return steps[edges].mean() / steps[~edges].mean()


def large(program, side, width, folder, memory):
    """A picture as a whole and in bands: memory, time, difference, and steps at every eighth row, where bands may end."""
    AutoencoderKL(**dict(SHAPES["SD 1.5"], block_out_channels=(width, 2 * width, 4 * width, 4 * width))).save_pretrained(folder / "theirs")
    print(f"channels from {width}")
    subprocess.run([program, "import", folder / "theirs", "--out", folder / "run", "-q"], check=True, stdout=subprocess.DEVNULL)
    pixels = np.random.default_rng(2).random((side // 8, side // 8, 3)) * 255
    Image.fromarray(pixels.astype(np.uint8)).resize((side, side), Image.BICUBIC).save(folder / "x.png")
    print("| what | as a whole | in bands | share of memory | largest difference, relative | steps at edges, share of others |")
    print("|" + " --- |" * 6)
    good = True
    for task, data, out in (("encode", "x.png", "z"), ("decode", "z-whole.npy", "y")):
        words = [program, task, folder / "run", folder / data, "-q", "--latents"] + (["mean"] if task == "encode" else [])
        seconds, _, whole = measured(words + ["--memory", "900G", "-o", folder / f"{out}-whole.npy"])
        bound = memory or f"{int(whole / 4)}M"
        slower, _, banded = measured(words + ["--memory", bound, "-o", folder / f"{out}-bands.npy"])
        a, b = np.load(folder / f"{out}-bands.npy"), np.load(folder / f"{out}-whole.npy")
        error = relative(a, b)
        good = good and error < 1e-4 and (memory or banded <= whole / 4 * 1.02)
        print(f"| {task} {side} x {side} | {whole:,.0f} MB, {seconds:.0f} s | {banded:,.0f} MB (--memory {bound}), {slower:.0f} s | "
              f"{banded / whole:.2f} | {error:.1e} | {seams(a, 8):.4f} (whole {seams(b, 8):.4f}) |", flush=True)
    return good


def speed(program, side, folder, pairs):
    """Seconds of a clock and of all cores that a decode takes, here and in PyTorch, in turns; starts are taken off."""
    model = model_of("SD 1.5")
    model.save_pretrained(folder / "theirs")
    subprocess.run([program, "import", folder / "theirs", "--out", folder / "run", "-q"], check=True, stdout=subprocess.DEVNULL)

    def here(n):
        np.save(folder / "z.npy", np.random.default_rng(n).normal(size=(1, 4, n, n)).astype(np.float32))
        return np.array(measured([program, "decode", folder / "run", folder / "z.npy", "--latents", "-q", "-o", folder / "y.npy"])[:2])

    def there(n):
        began = np.array([time.monotonic(), time.process_time()])
        with torch.no_grad():
            model.decode(torch.randn(1, 4, n, n))
        return np.array([time.monotonic(), time.process_time()]) - began
    there(side // 8)
    start = min((here(4) for _ in range(3)), key=lambda t: t[0])
    runs = np.array([(here(side // 8) - start, there(side // 8)) for _ in range(pairs)])  # [pairs, who, clock]
    for name, mine, theirs in zip(("seconds", "processor seconds"), *runs.transpose(1, 2, 0)):
        ratios = theirs / mine
        print(f"decode {side} x {side}, {name}: elbo {np.median(mine):.1f}, PyTorch {torch.__version__} (eager) {np.median(theirs):.1f}, "
              f"{np.median(ratios):.2f} times ({ratios.min():.2f} to {ratios.max():.2f}), {torch.get_num_threads()} threads", flush=True)
    return True


def peer_training(side, width, batch, memory_format):
    """One step of the f8 net of image_vae, pixels and codes, in diffusers' classes."""
    model = AutoencoderKL(block_out_channels=(width, 2 * width, 4 * width, 4 * width), layers_per_block=1, norm_num_groups=8,
                          down_block_types=WIDE["down_block_types"], up_block_types=WIDE["up_block_types"])
    model = model.to(memory_format=memory_format).train()
    log_scale = torch.nn.Parameter(torch.tensor(-3.0))
    optimizer = torch.optim.Adam([*model.parameters(), log_scale], lr=1e-3, fused=True)
    rows = (torch.rand(512, 3, side, side) * 255).to(torch.uint8)

    def step():
        x = rows[torch.randint(len(rows), (batch,))].float() / 255
        code = model.encode((2 * x - 1).contiguous(memory_format=memory_format)).latent_dist
        y = model.decode(code.sample()).sample / 2 + 0.5
        loss = ((x - y).abs() * (-log_scale).exp() + log_scale).sum() / batch + 0.001 * code.kl().mean()
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
    return step


def training_speed(program, side, width, folder, pairs, batch=16, seconds=20):
    """Rows per second of training, here and in PyTorch, in turns."""
    pixels = np.random.default_rng(0).integers(0, 256, (512, 3, side, side), dtype=np.uint8)
    np.save(folder / "x.npy", pixels)
    steps = [100]

    def here():
        words = ["train", folder / "x.npy", "--model", "image_vae", "--set", "latent.factor=8", "--set", "objective.perceptual=0",
                 "--set", f"encoder.width={width}", "--set", f"decoder.width={width}", "--average", "0", "--batch", batch,
                 "--validation", "0", "--steps", steps[0], "--threads", torch.get_num_threads(), "-q", "--json", "--force", "--out", folder / "run"]
        out = subprocess.run([program, *map(str, words)], check=True, capture_output=True, text=True).stdout
        rate = json.loads(out)["rows_per_second"]
        steps[0] = max(20, int(seconds * rate / batch))
        return rate

    forms = {"contiguous": peer_training(side, width, batch, torch.contiguous_format),
             "channels last": peer_training(side, width, batch, torch.channels_last)}

    def there(step):
        step()
        began, count = time.monotonic(), 0
        while time.monotonic() - began < seconds:
            step()
            count += 1
        return count * batch / (time.monotonic() - began)
    tried = {name: there(step) for name, step in forms.items()}
    better = max(tried, key=tried.get)
    here()
    runs = np.array([(here(), there(forms[better])) for _ in range(pairs)])
    ratios = runs[:, 0] / runs[:, 1]
    mine, theirs = np.median(runs, axis=0)
    print(f"training of the f8 net of width {width}, {side} x {side}, batch {batch}, rows per second: elbo {mine:.1f}, PyTorch {torch.__version__} (eager, {better}) "
          f"{theirs:.1f}, {np.median(ratios):.2f} times ({ratios.min():.2f} to {ratios.max():.2f}), {torch.get_num_threads()} threads", flush=True)
    return True


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", default="build/elbo")
    parser.add_argument("--side", type=int, default=64)
    parser.add_argument("--only")
    parser.add_argument("--large", type=int, help="compare a picture of this side as a whole and in bands instead")
    parser.add_argument("--speed", type=int, help="time a decode to this side instead")
    parser.add_argument("--train", type=int, help="time training steps on pictures of this side instead")
    parser.add_argument("--width", type=int, help="channels at the picture's resolution, of --train (--large: 128)")
    parser.add_argument("--pairs", type=int, default=3, help="turns of both that are timed")
    parser.add_argument("--memory", help="memory for the bands (default: a quarter of what the whole took)")
    a = parser.parse_args()
    program = str(pathlib.Path(a.program).resolve())
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        if a.speed:
            return 0 if speed(program, a.speed, folder, a.pairs) else 1
        if a.train:
            return 0 if training_speed(program, a.train, a.width or 32, folder, a.pairs) else 1
        if a.large:
            return 0 if large(program, a.large, a.width or 128, folder, a.memory) else 1
    print("| shape | parameters | tensors | files re-written | from_pretrained | by way of LDM names | encode, relative | "
          "decode, relative |\n| --- | --- | --- | --- | --- | --- | --- | --- |")
    good = True
    for name in SHAPES:
        if a.only and name != a.only:
            continue
        with tempfile.TemporaryDirectory() as folder:
            good = check(program, name, a.side, pathlib.Path(folder)) and good
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
