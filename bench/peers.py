#!/usr/bin/env python3
"""Training rates of elbo beside the same nets in a PyTorch, in paired runs: medians and spread.

Each line says batch, numbers and threads; PyTorch's better form of eager and torch.compile counts.
A pair is a run of `elbo train` (validation off on both sides, logging and saving on) and right
after it as long a stretch of the peer's steps, so that a machine that changes changes both."""
import argparse
import array
import json
import os
import pathlib
import platform
import random
import statistics
import struct
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).parent
MLP = ["--set", "encoder.type=mlp", "--set", "decoder.type=mlp"]


def hidden(*sizes):
    text = json.dumps(list(sizes)).replace(" ", "")
    return MLP + ["--set", f"encoder.hidden={text}", "--set", f"decoder.hidden={text}"]


def convolutions(channels, latent):
    words = ["--set", f"latent.size={latent}"]
    for part in ("encoder", "decoder"):
        for option in ("type=conv", f"channels={channels}", "kernel=4", "hidden=[]"):
            words += ["--set", f"{part}.{option}"]
    return words


# name: what the table says, the peer's net, batch, numbers, data, options of elbo train
LINES = {
    "dense128": ("784-400-20-400-784", "dense", 128, "fp32", "digits", ["-m", "vae_mlp"]),
    "dense512": ("784-400-20-400-784", "dense", 512, "fp32", "digits", ["-m", "vae_mlp"]),
    "dense128bf16": ("784-400-20-400-784", "dense", 128, "bf16", "digits", ["-m", "vae_mlp"]),
    "dense512bf16": ("784-400-20-400-784", "dense", 512, "bf16", "digits", ["-m", "vae_mlp"]),
    "conv28": ("convolutions 32-64-128, 28x28", "conv28", 128, "fp32", "digits",
               convolutions("[32,64,128]", 20)),
    "conv64": ("convolutions 32-64-128-256, 64x64", "conv64", 64, "fp32", "pictures64",
               convolutions("[32,64,128,256]", 32)),
    "conv64bf16": ("convolutions 32-64-128-256, 64x64", "conv64", 64, "bf16", "pictures64",
                   convolutions("[32,64,128,256]", 32)),
    "columns": ("30 columns, one hidden layer of 64", "columns", 128, "fp32", "columns",
                hidden(64) + ["--set", "latent.size=8"]),
    "classes": ("table with classes, two layers of 128", "classes", 128, "fp32", "census",
                ["-m", "vae", "--hide", "0"]),
    "text": ("sentences, GRU 256", "text", 128, "fp32", "sentences", ["-m", "text_vae"]),
    "weighted": ("importance-weighted, 50 draws", "weighted", 64, "fp32", "digits",
                 ["-m", "iwae", *hidden(200, 200), "--set", "latent.size=50"]),
}


def npy(path, kind, shape, numbers):
    header = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}"
    header = header.ljust(128 - 10 - 1) + "\n"
    path.write_bytes(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + numbers)
    return [str(path)]


def data(name, folder):
    if name == "columns":
        numbers = array.array("f", (random.gauss(0, 1) for _ in range(20000 * 30)))
        return npy(folder / "columns.npy", "<f4", (20000, 30), numbers.tobytes())
    if name == "pictures64":
        return npy(folder / "pictures.npy", "|u1", (4000, 1, 64, 64), random.randbytes(4000 * 4096))
    return [f"builtin:{name}", "--rows", "10000"]


class Peer:
    """A process of bench/peer_nets.py."""

    def __init__(self, python, threads, net, mode, batch, precision):
        environment = dict(os.environ, OMP_NUM_THREADS=str(threads), GOMP_SPINCOUNT="2000")
        self.process = subprocess.Popen(
            [python, str(HERE / "peer_nets.py"), net, mode, "--batch", str(batch), "--precision", precision],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)
        self.about = self.process.stdout.readline().split()  # it has compiled and warmed up
        if not self.about:
            raise SystemExit(f"{net}, {mode}: the peer ended")

    def rate(self, seconds):
        self.process.stdin.write(f"{seconds}\n")
        self.process.stdin.flush()
        return float(self.process.stdout.readline())

    def close(self):
        self.process.stdin.close()
        self.process.wait()


class Ours:
    def __init__(self, program, threads, words, folder):
        self.command = [program, "train", *words, "--validation", "0", "--threads", str(threads), "-q", "--json",
                        "--force", "-o", str(folder / "run")]
        self.steps = 200

    def rate(self, seconds):
        """As many steps as the run before took for so many seconds."""
        begin = time.perf_counter()
        done = subprocess.run([*self.command, "--steps", str(self.steps)], capture_output=True, text=True)
        if done.returncode != 0:
            raise SystemExit(done.stderr)
        spent = time.perf_counter() - begin
        self.steps = max(20, int(self.steps * min(20, seconds / max(spent - 0.4, 0.05))))
        return json.loads(done.stdout)["rows_per_second"]


def measure(a, name, folder):
    about, net, batch, precision, source, options = LINES[name]
    ours = Ours(a.program, a.threads, [*data(source, folder), *options, "--batch", str(batch), "--precision",
                                       precision], folder)
    peers = {mode: Peer(a.python, a.threads, net, mode, batch, precision) for mode in ("eager", "compile")}
    tried = {mode: peer.rate(a.seconds) for mode, peer in peers.items()}
    better = max(tried, key=tried.get)
    for _ in range(2):
        ours.rate(a.seconds)  # finds the number of steps
    pairs = [(ours.rate(a.seconds), peers[better].rate(a.seconds)) for _ in range(a.pairs)]
    ratios = sorted(x / y for x, y in pairs)
    result = {"line": name, "about": about, "batch": batch, "numbers": precision, "threads": a.threads,
              "elbo": round(statistics.median(x for x, _ in pairs)), "peer": round(statistics.median(y for _, y in pairs)),
              "form": better, "other": round(tried["eager" if better == "compile" else "compile"]),
              "ratio": round(statistics.median(ratios), 2), "least": round(ratios[0], 2), "most": round(ratios[-1], 2),
              "torch": peers[better].about[1]}
    for peer in peers.values():
        peer.close()
    return result


def whole(command):
    """Seconds and megabytes of a process, the least of five and their largest."""
    seconds, memory = [], 0
    for _ in range(5):
        begin = time.perf_counter()
        child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _, status, used = os.wait4(child.pid, 0)
        if status != 0:
            raise SystemExit(f"{' '.join(command)} failed")
        seconds.append(time.perf_counter() - begin)
        memory = max(memory, used.ru_maxrss / 1024)
    return min(seconds), memory


def start(a, folder):
    """From the start of the process to the end of the first step of the dense net."""
    ours = [a.program, "train", "builtin:digits", "--rows", "10000", "-m", "vae_mlp", "--steps", "1",
            "--validation", "0", "-q", "--force", "-o", str(folder / "run"), "--threads", str(a.threads)]
    theirs = [a.python, str(HERE / "peer_nets.py"), "dense", "eager", "--once"]
    for name, command in (("elbo", ours), ("PyTorch, eager", theirs)):
        seconds, memory = whole(command)
        print(f"{name}: first step after {seconds:.2f} s, {memory:.0f} MB")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default="build/elbo")
    parser.add_argument("--python", required=True, help="a Python with the peer's PyTorch")
    parser.add_argument("--lines", nargs="+", choices=[*LINES, "start"], default=[*LINES, "start"])
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--seconds", type=float, default=2, help="of each run")
    parser.add_argument("--pairs", type=int, default=5)
    a = parser.parse_args()
    doctor = json.loads(subprocess.run([a.program, "doctor", "--json"], capture_output=True, text=True).stdout)
    print(f"{doctor['name']}, {doctor['cores']} cores, {doctor['gflops']:.0f} GFLOP/s in float32 products on all; "
          f"elbo {doctor['elbo']}, libtorch {doctor['libtorch']}, Python {platform.python_version()}", flush=True)
    print("| net | batch | numbers | threads | elbo, rows/s | PyTorch, rows/s | its form (other form) | ratio | spread |")
    print("|" + " --- |" * 9, flush=True)
    with tempfile.TemporaryDirectory() as name:
        for line in a.lines:
            if line == "start":
                start(a, pathlib.Path(name))
                continue
            r = measure(a, line, pathlib.Path(name))
            print(f"| {r['about']} | {r['batch']} | {r['numbers']} | {r['threads']} | {r['elbo']:,} | {r['peer']:,} | "
                  f"{r['form']} ({r['other']:,}), {r['torch']} | {r['ratio']} | {r['least']} to {r['most']} |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
