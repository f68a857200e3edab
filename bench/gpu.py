#!/usr/bin/env python3
"""What scripts/gpu_check.sh asks: the zoo on a device against the CPU, and the device's speed."""
import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

RELATIVE = 1e-3  # after 20 steps: the device adds in another order, and rounding grows
STEPS = 20
# Data that suit most models; the others name their own.
DATA = ["builtin:digits", "--rows", "512"]
OTHERS = {
    "anomaly": ["builtin:census", "--rows", "512"],
    "hi_vae": ["builtin:census", "--rows", "512"],
    "pca_anomaly": ["builtin:census", "--rows", "512"],
    "missing_iwae": ["builtin:census", "--rows", "512"],
    "miwae": ["builtin:census", "--rows", "512"],
    "vrnn": ["builtin:telemetry", "--rows", "512"],
}


def run(*command):
    return subprocess.run([str(word) for word in command], capture_output=True, text=True)


def last_loss(folder):
    lines = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    return next(line["train"]["loss"] for line in reversed(lines) if "train" in line)


def zoo(program):
    found = json.loads(run(program, "list", "models", "--json").stdout)
    return [entry["name"] for entry in found["models"]]


def compare(program, folder):
    bad = []
    for model in zoo(program):
        losses = {}
        for device in ("cpu", "cuda"):
            out = folder / f"{model}-{device}"
            done = run(program, "train", *OTHERS.get(model, DATA), "-m", model, "--steps", STEPS,
                       "--batch", 64, "--validation", 0, "--device", device, "-o", out, "-q")
            if done.returncode != 0:
                losses[device] = (done.stderr.strip().splitlines() or ["ended"])[-1]
                continue
            losses[device] = last_loss(out)
        numbers = all(isinstance(value, float) for value in losses.values())
        good = numbers and abs(losses["cpu"] - losses["cuda"]) <= RELATIVE * abs(losses["cpu"])
        print(f"{'ok ' if good else 'BAD'} {model:24} {losses['cpu']} {losses['cuda']}", flush=True)
        if not good:
            bad.append(model)
    print(f"{len(bad)} differ or fail: {' '.join(bad)}")
    return 1 if bad else 0


def speed(program, folder):
    print(f"{'model':10} {'batch':>6} {'rows/s':>12}")
    for model, batch in (("vae_mlp", 128), ("vae_mlp", 512), ("vae", 128), ("vae", 512)):
        done = run(program, "train", "builtin:digits", "--rows", 20000, "-m", model, "--batch", batch,
                   "--validation", 0, "--epochs", 10, "--device", "cuda", "--json", "-q", "-o",
                   folder / f"{model}-{batch}")
        rate = (json.loads(done.stdout)["rows_per_second"] if done.returncode == 0
                else done.stderr.strip())
        print(f"{model:10} {batch:6} {rate:>12}", flush=True)
    return 0


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", required=True)
    parser.add_argument("what", choices=["compare", "speed"])
    a = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        return {"compare": compare, "speed": speed}[a.what](a.program, pathlib.Path(name))


if __name__ == "__main__":
    sys.exit(main())
