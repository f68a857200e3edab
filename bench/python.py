#!/usr/bin/env python3
"""The Python package beside the program: training, transform, memory. Prints a table.

  PYTHONPATH=python ELBO_LIBRARY=build/libelbo.so python3 bench/python.py --program build/elbo

Program and package take turns; the figure of each is its best over --repeats, since other processes only ever
slow one down. Processor seconds stand beside wall time: with --threads 1 they hold on a busy machine, too."""
import argparse
import json
import os
import pathlib
import resource
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np

HERE = pathlib.Path(__file__).resolve().parent
NET = {"encoder.type": "mlp", "encoder.hidden": [64], "decoder.type": "mlp", "decoder.hidden": [64],
       "latent.size": 8, "likelihood": "normal"}


def columns(rows, width, seed):
    mixing = np.random.default_rng(0).normal(size=(6, width)).astype(np.float32)
    draws = np.random.default_rng(seed)
    x = draws.standard_normal((rows, 6), dtype=np.float32) @ mixing
    x += 0.3 * draws.standard_normal((rows, width), dtype=np.float32)
    return x


def words(settings):
    return [word for name, value in settings.items()
            for word in ("--set", f"{name}={value if isinstance(value, str) else json.dumps(value)}")]


def in_python(what, *arguments):
    """The result of a function of this file in a process of its own."""
    command = [sys.executable, __file__, "--child", what, *map(str, arguments)]
    return json.loads(timed(*command)[1].splitlines()[-1])


def processor():
    """Processor seconds of all processes that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def timed(*command):
    """Wall and processor seconds, and what was printed."""
    start = time.perf_counter(), processor()
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(done.stderr)
    return np.array([time.perf_counter() - start[0], processor() - start[1]]), done.stdout


# ---- What runs in processes of its own


def resident(field="VmHWM"):
    """Megabytes: VmHWM = the most there ever were, VmRSS = now."""
    for line in pathlib.Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1]) / 1024
    raise SystemExit(f"no {field}")


def reset_peak():
    pathlib.Path("/proc/self/clear_refs").write_text("5")


def child_train(path, out, model, epochs, settings):
    import elbo

    x = np.load(path)
    run = elbo.train(x, model=model, out=out, epochs=int(epochs), seed=3, force=True, set=json.loads(settings))
    return {"parameters": run.parameters}


def child_calls(path):
    import elbo

    x = np.load(path)
    model = elbo.VAE(epochs=1, random_state=0, spec=nested(NET)).fit(x)
    one, found = x[:1], {}
    for name, call in {"VAE.transform": lambda: model.transform(one), "Run.encode": lambda: model.run_.encode(one),
                       "Run.decode": lambda: model.run_.decode(np.zeros((1, 8), np.float32))}.items():
        for _ in range(200):
            call()
        taken = []
        for _ in range(3000):
            start = time.perf_counter()
            call()
            taken.append(time.perf_counter() - start)
        found[name] = {"median": 1e6 * statistics.median(taken), "p99": 1e6 * float(np.quantile(taken, 0.99))}
    return found


def child_transform(run, path):
    import elbo

    x = np.load(path)
    model = elbo.load(run)
    model.encode(x[:1000])
    before = resident("VmRSS")
    reset_peak()
    start = time.perf_counter(), time.process_time()
    codes = model.encode(x)
    seconds = time.perf_counter() - start[0], time.process_time() - start[1]
    return {"seconds": seconds, "grown": resident() - before - codes.nbytes / 2**20}


def child_fit(rows, width):
    import elbo

    rows, width = int(rows), int(width)
    x = np.empty((rows, width), np.float32)
    for first in range(0, rows, 1 << 16):
        part = x[first : first + (1 << 16)]
        part[:] = columns(len(part), width, first)
    elbo.VAE(random_state=0, epochs=1).fit(x[:1000])
    before = resident("VmRSS")
    reset_peak()
    start = time.perf_counter()
    elbo.VAE(random_state=0, train_options={"steps": 200}).fit(x)
    return {"gigabytes": x.nbytes / 1e9, "grown": resident() - before, "seconds": time.perf_counter() - start}


def nested(settings):
    tree = {}
    for name, value in settings.items():
        *path, last = name.split(".")
        at = tree
        for part in path:
            at = at.setdefault(part, {})
        at[last] = value
    return tree


# ---- Rows of the table


def training(a, folder, name, x, model, epochs, settings):
    """Wall time of whole processes, reading included; weights must be equal."""
    path = folder / "x.npy"
    np.save(path, x)
    theirs, ours = folder / "program", folder / "python"
    program, python = [], []
    for _ in range(a.repeats):
        program.append(timed(a.program, "train", path, "--model", model, "--epochs", epochs, "--seed", 3, "--out", theirs,
                             "--force", "-q", *words(settings))[0])
        command = [sys.executable, __file__, "--child", "train", path, ours, model, epochs, json.dumps(settings)]
        python.append(timed(*command)[0])
    equal = len({(f / "weights.safetensors").read_bytes() for f in (theirs, ours)}) == 1
    for i, what in enumerate(("wall", "processor")):
        best = [min(taken[i] for taken in all_of) for all_of in (program, python)]
        print(f"| training, {name}, {what} time: program {best[0]:.2f} s, Python {best[1]:.2f} s | "
              f"{100 * (best[1] / best[0] - 1):+.1f} %, weights {'equal' if equal else 'DIFFERENT'} |", flush=True)


def one_row(folder):
    path = folder / "rows.npy"
    np.save(path, columns(5000, 30, 1))
    for name, found in in_python("calls", path).items():
        print(f"| {name} of one row of 30 columns | {found['median']:.0f} µs (99 % below {found['p99']:.0f}) |", flush=True)


def transform(a, folder):
    path = folder / "million.npy"
    np.save(path, columns(1_000_000, 30, 2))
    one = folder / "one.npy"
    np.save(one, columns(1, 30, 2))
    run = folder / "table"
    small = folder / "small.npy"
    np.save(small, columns(20000, 30, 1))
    timed(a.program, "train", small, "--kind", "real", "--out", run, "--force", "-q", "--epochs", 1, *words(NET))
    program, python, grown = [], [], []
    for _ in range(a.repeats):
        whole, _ = timed(a.program, "encode", run, path, "-o", folder / "codes.npy", "-q")
        start, _ = timed(a.program, "encode", run, one, "-o", folder / "code.npy", "-q")
        program.append(whole - start)
        found = in_python("transform", run, path)
        python.append(found["seconds"])
        grown.append(found["grown"])
    for i, what in enumerate(("wall", "processor")):
        rates = [1e6 / min(taken[i] for taken in all_of) for all_of in (program, python)]
        print(f"| transform of 10^6 × 30 float32, {what} time: program, file to file without its start, {rates[0]:,.0f} rows/s, "
              f"Python {rates[1]:,.0f} | {100 * rates[1] / rates[0]:.0f} % |")
    print(f"| the same: memory beside the input (114 MB) and the codes | {max(grown):.0f} MB |", flush=True)


def memory():
    for rows, width in ((10_000_000, 100), (33_333_333, 30)):
        found = in_python("fit", rows, width)
        print(f"| fit on {rows:,} × {width} float32, {found['gigabytes']:.1f} GB, 200 steps, {found['seconds']:.0f} s | "
              f"grows by {found['grown']:.0f} MB |", flush=True)


def main():
    if sys.argv[1:2] == ["--child"]:
        print(json.dumps(globals()["child_" + sys.argv[2]](*sys.argv[3:])))
        return
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default="build/elbo")
    parser.add_argument("--repeats", default=5, type=int)
    parser.add_argument("--threads", default=os.cpu_count(), type=int, help="equal weights need a fixed number")
    parser.add_argument("--only", default="training calls transform memory", help="parts, separated by spaces")
    a = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = str(a.threads)
    print("| what | figure |\n| --- | --- |")
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        if "training" in a.only:
            pictures = (255 * (np.random.default_rng(0).random((12000, 28, 28)) < 0.2)).astype(np.uint8)
            training(a, folder, "pictures, 784-400-20, 20 epochs", pictures, "vae_mlp", 20, {})
            training(a, folder, "30 columns, 64 hidden, 60 epochs", columns(100000, 30, 1), "vae", 60, NET)
        if "calls" in a.only:
            one_row(folder)
        if "transform" in a.only:
            transform(a, folder)
    if "memory" in a.only:
        memory()


if __name__ == "__main__":
    main()
