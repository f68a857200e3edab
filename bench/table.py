"""Prints the speed table of docs/results.md: medians of repeated runs, ratios within one run."""

import array
import json
import os
import pathlib
import random
import shutil
import statistics
import struct
import subprocess
import sys
import tempfile

ELBO = sys.argv[1]
HERE = pathlib.Path(__file__).parent
REPEATS = 3

# Multiply-adds of 784-400-(20+20)-400-784; training does each three times, except that the first
# layer's input needs no gradient.
FIRST, REST = 784 * 400, 400 * 40 + 20 * 400 + 400 * 784
FLOPS_EXECUTED = 2 * (2 * FIRST + 3 * REST)
FLOPS_NOMINAL = 6 * (FIRST + REST)


def run(*command, **extra):
    return subprocess.run(command, check=True, capture_output=True, text=True, **extra).stdout


def data():
    for folder in (os.environ.get("ELBO_DATA"), HERE.parent.parent / "shared" / "data"):
        if folder and (pathlib.Path(folder) / "mnist").is_dir():
            return f"mnist:{folder}/mnist"
    return "builtin:digits"


def train(source, steps, *options):
    """Rows per second of `elbo train`, median over repeats; the largest resident set in MB."""
    rates, memory = [], 0
    for _ in range(REPEATS):
        folder = tempfile.mkdtemp()
        timed = ["/usr/bin/time", "-f", "%M"] if shutil.which("/usr/bin/time") else []
        done = subprocess.run(
            timed + [ELBO, "train", source, "--out", folder + "/run", "--steps", str(steps),
                     "--json", "-q", *options],
            check=True, capture_output=True, text=True)
        rates.append(json.loads(done.stdout)["rows_per_second"])
        if timed:
            memory = max(memory, int(done.stderr.split()[-1]) / 1024)
        shutil.rmtree(folder)
    return statistics.median(rates), memory


def columns(path, rows=20000, width=30):
    """Normal numbers as a NumPy file, written without NumPy."""
    numbers = array.array("f", (random.gauss(0, 1) for _ in range(rows * width)))
    header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': ({rows}, {width}), }}"
    header = header.ljust(128 - 10 - 1) + "\n"
    path.write_bytes(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode()
                     + numbers.tobytes())
    return str(path)


def peer(script, batch):
    lines = run("/usr/bin/python3", str(HERE / script), str(batch)).splitlines()
    return json.loads(lines[-1])["training_rows_per_s"]


def line(*cells):
    print("| " + " | ".join(str(cell) for cell in cells) + " |", flush=True)


def main():
    source = data()
    peak = json.loads(run(ELBO, "doctor", "--json"))["gflops"]
    print(f"data {source.split(':')[0]}; oneDNN fp32 matrix peak {peak:.0f} GFLOP/s\n")
    line("net", "batch", "elbo rows/s", "GFLOP/s executed (share of peak)",
         "by 6 per multiply-add", "PyTorch, tuned, rows/s", "ratio")
    line(*["---"] * 7)
    for batch, steps in ((128, 6000), (512, 2000)):
        rate, memory = train(source, steps, "--model", "vae_mlp", "--batch", str(batch))
        executed, nominal = rate * FLOPS_EXECUTED / 1e9, rate * FLOPS_NOMINAL / 1e9
        other = peer("peer_mlp.py", batch)
        line("784-400-20-400-784", batch, f"{rate:,.0f}", f"{executed:.0f} ({executed / peak:.0%})",
             f"{nominal:.0f} ({nominal / peak:.0%})", f"{other:,.0f}", f"{rate / other:.2f}")
    resident = memory
    busy = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    disturbed = train(source, 3000, "--model", "vae_mlp")[0]
    busy.kill()
    alone = train(source, 3000, "--model", "vae_mlp")[0]
    line("the same, one core taken by another process", 128, f"{disturbed:,.0f}",
         f"{disturbed / alone:.0%} of undisturbed", "", "", "")
    conv = ["--set", "latent.size=20"]
    for part in ("encoder", "decoder"):
        for option in ("type=conv", "channels=[32,64,128]", "kernel=4", "hidden=[]"):
            conv += ["--set", f"{part}.{option}"]
    rate, _ = train(source, 400, *conv)
    other = peer("peer_conv.py", 128)
    line("convolutions 32-64-128, 28x28", 128, f"{rate:,.0f}", "", "", f"{other:,.0f}",
         f"{rate / other:.2f}")
    tiny = ["--set", "encoder.type=mlp", "--set", "encoder.hidden=[64]",
            "--set", "decoder.type=mlp", "--set", "decoder.hidden=[64]",
            "--set", "latent.size=8", "--batch", "64"]
    with tempfile.TemporaryDirectory() as folder:
        rate, _ = train(columns(pathlib.Path(folder) / "columns.npy"), 20000, *tiny)
    line("tiny: one hidden layer of 64, 30 columns", 64, f"{rate:,.0f}",
         f"{64e6 / rate:.0f} us a step", "", "", "")
    print(f"\nlargest resident set of the first net: {resident:.0f} MB")


if __name__ == "__main__":
    main()
