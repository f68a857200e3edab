#!/usr/bin/env python3
"""What scripts/gpu_check.sh asks of a device, as one table: every model's loss after 20 steps against
the CPU's, a resumed training, rates beside PyTorch's, the cost of a tiny step.

`--device cpu` tries the script itself where no other device is."""
import argparse
import concurrent.futures
import json
import os
import pathlib
import random
import struct
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).parent
RELATIVE = 1e-3  # after 20 steps: the device adds in another order, and rounding grows
STEPS = 20
# Data that suit most models; the others name their own.
DATA = ["builtin:digits", "--rows", "512"]
OTHERS = {
    **{name: ["builtin:census", "--rows", "512"] for name in
       ("anomaly", "hi_vae", "pca_anomaly", "missing_iwae", "miwae", "synthetic", "hidden_tree", "outlier")},
    "vrnn": ["builtin:telemetry", "--rows", "512"],
    "text_vae": ["builtin:sentences", "--rows", "512"],
    "molecule_vae": ["builtin:molecules", "--rows", "512"],
}
HIDDEN = ["--set", "encoder.type=mlp", "--set", "decoder.type=mlp", "--set", "encoder.hidden=[64]",
          "--set", "decoder.hidden=[64]", "--set", "latent.size=8"]


def run(*command, timeout=None):
    return subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=timeout)


def cause(done):
    return (done.stderr.strip().splitlines() or [f"ended with {done.returncode}"])[-1]


class Table:
    """Lines as they come; remembers whether all is as it should be."""

    def __init__(self):
        self.bad = 0
        print("| what | found | wanted | |\n| --- | --- | --- | --- |", flush=True)

    def add(self, what, found, wanted="", good=None):
        self.bad += good is False
        verdict = {True: "ok", False: "BAD", None: ""}[good]
        print(f"| {what} | {found} | {wanted} | {verdict} |", flush=True)


class Check:
    def __init__(self, a, folder):
        self.a, self.folder, self.table = a, folder, Table()
        self.end = time.monotonic() + 60 * a.minutes

    def left(self):
        return self.end - time.monotonic()

    def train(self, name, *words, timeout=None):
        out = self.folder / name
        done = run(self.a.program, "train", *words, "--validation", 0, "-o", out, "-q", "--json", "--force",
                   timeout=timeout)
        return done, out

    def tests(self):
        if not self.a.tests:
            return
        try:
            done = run(self.a.tests, timeout=max(1, self.left()))
        except subprocess.TimeoutExpired:
            return self.table.add("fast tests", "no time left", "pass", False)
        lines = [line for line in done.stdout.splitlines() if "test cases" in line]
        self.table.add("fast tests", lines[-1].split("]")[-1].strip().replace("|", "·") if lines else cause(done),
                       "pass", done.returncode == 0)

    def losses(self, model):
        """The losses on CPU and device, or why there is none."""
        found = {}
        for device in ("cpu", self.a.device):
            try:
                done, out = self.train(f"{model}-{device}-{len(found)}", *OTHERS.get(model, DATA), "-m", model,
                                       "--steps", STEPS, "--batch", 64, "--device", device, "--threads", 1,
                                       timeout=max(1, min(60, self.left())))
            except subprocess.TimeoutExpired:
                return model, None, "no time left"
            if done.returncode != 0:
                return model, None, f"{device}: {cause(done)}"
            lines = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
            found[len(found)] = next(line["train"]["loss"] for line in reversed(lines) if "train" in line)
        return model, abs(found[0] - found[1]) / abs(found[0]), ""

    def zoo(self):
        known = [entry["name"] for entry in json.loads(run(self.a.program, "list", "models", "--json").stdout)["models"]]
        chosen = self.a.models or known
        with concurrent.futures.ThreadPoolExecutor(self.a.at_once) as pool:
            results = list(pool.map(self.losses, chosen))
        near = [r for r in results if r[1] is not None and r[1] <= RELATIVE]
        self.table.add(f"models whose loss after {STEPS} steps is the CPU's", f"{len(near)} of {len(chosen)}",
                       f"all, to {RELATIVE:g}", len(near) == len(chosen))
        for model, far, why in results:
            if far is None or far > RELATIVE:
                self.table.add(f"- {model}", why or f"{far:.1e} away", "", False)

    def resume(self):
        words = [*DATA, "-m", "vae_mlp", "--batch", 64, "--device", self.a.device]
        done, whole = self.train("whole", *words, "--epochs", 4)
        if done.returncode == 0:
            done, parts = self.train("parts", *words, "--epochs", 2)
        if done.returncode == 0:
            done = run(self.a.program, "train", "--resume", parts, "--epochs", 4, "--device", self.a.device, "-q")
        if done.returncode != 0:
            return self.table.add("a resumed training", cause(done), "the same bytes", False)
        same = (whole / "weights.safetensors").read_bytes() == (parts / "weights.safetensors").read_bytes()
        self.table.add("a resumed training", "the same bytes" if same else "other bytes", "the same bytes", same)

    def pictures(self):
        header = "{'descr': '|u1', 'fortran_order': False, 'shape': (4000, 1, 64, 64), }".ljust(117) + "\n"
        path = self.folder / "pictures.npy"
        path.write_bytes(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode()
                         + random.randbytes(4000 * 4096))
        return [path]

    def rate(self, name, *words):
        done, _ = self.train(name, *words, "--device", self.a.device)
        return (json.loads(done.stdout)["rows_per_second"], "") if done.returncode == 0 else (None, cause(done))

    def peer(self, net, mode, batch):
        """Rows per second of PyTorch on the device; None where this Python has no torch that knows it."""
        command = [sys.executable, HERE / "peer_nets.py", net, mode, "--batch", batch, "--device", self.a.device]
        try:
            done = subprocess.run([str(w) for w in command], input="2\n", capture_output=True, text=True,
                                  timeout=max(1, min(90, self.left())))
        except subprocess.TimeoutExpired:
            return None
        return float(done.stdout.split()[-1]) if done.returncode == 0 else None

    def beside(self, about, words, net, batch, wanted, good):
        rate, why = self.rate(net, *words, "--batch", batch)
        if rate is None:
            return self.table.add(about, why, wanted, False)
        peers = {mode: self.peer(net, mode, batch) for mode in ("eager", "compile")}
        ratios = {mode: rate / peer for mode, peer in peers.items() if peer}
        text = ", ".join(f"{ratio:.2f} × PyTorch {mode}" for mode, ratio in ratios.items())
        self.table.add(about, f"{rate:,.0f} rows/s" + (f"; {text}" if text else "; no torch to compare with"), wanted,
                       good(rate, ratios))

    def speed(self):
        steps = 40 if self.a.device == "cpu" else 4000
        self.beside("784-400-20-400-784, batch 512", [*DATA[:2], 10000, "-m", "vae_mlp", "--steps", steps], "dense", 512,
                    "2,000,000 rows/s", lambda rate, _: rate >= 2e6)
        conv = []
        for part in ("encoder", "decoder"):
            for option in ("type=conv", "channels=[32,64,128,256]", "kernel=4", "hidden=[]"):
                conv += ["--set", f"{part}.{option}"]
        self.beside("convolutions, four stages, 64x64, batch 64", [*self.pictures(), *conv, "--steps", steps // 4], "conv64",
                    64, "3 × eager, 1.3 × compiled",
                    lambda _, r: r.get("eager", 0) >= 3 and r.get("compile", 0) >= 1.3 if r else None)
        rate, why = self.rate("tiny", *DATA[:2], 2000, *HIDDEN, "--batch", 32, "--steps", steps)
        microseconds = 32e6 / rate if rate else None
        self.table.add("a step of a tiny net", f"{microseconds:.0f} us" if rate else why, "40 us",
                       bool(rate) and microseconds <= 40)

    def all(self):
        for part in (self.resume, self.zoo, self.speed, self.tests):
            if self.left() <= 0:
                self.table.add(part.__name__, "no time left", "", False)
            else:
                part()
        print(f"{self.table.bad} not as wanted; {self.a.minutes * 60 - self.left():.0f} s")
        return 1 if self.table.bad else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", required=True)
    parser.add_argument("--tests", help="the program of the fast tests")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--models", nargs="*", help="of the zoo (default: all)")
    parser.add_argument("--minutes", type=float, default=6)
    parser.add_argument("--at-once", type=int, default=max(1, len(os.sched_getaffinity(0)) // 2))
    a = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        return Check(a, pathlib.Path(name)).all()


if __name__ == "__main__":
    sys.exit(main())
