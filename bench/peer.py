"""What the PyTorch benchmarks share: settings that make it fast, and timing."""

import json
import os
import statistics
import sys
import time


def restart_tuned():
    """BLAS and OpenMP read their settings when they are loaded: set them, start again."""
    flags = open("/proc/cpuinfo").read()
    tuned = {"OMP_NUM_THREADS": str(len(os.sched_getaffinity(0))), "GOMP_SPINCOUNT": "2000"}
    if "avx512f" in flags:
        tuned["OPENBLAS_CORETYPE"] = "SkylakeX"
    if all(os.environ.get(name) for name in tuned):
        return
    for name, value in tuned.items():
        os.environ.setdefault(name, value)
    os.execv(sys.executable, [sys.executable] + sys.argv)


def rows_per_second(step, rows, seconds=2.0, repeats=5):
    """Median over repeats of the rate of `step`, which handles `rows` rows."""
    for _ in range(3):
        step()
    rates = []
    for _ in range(repeats):
        count, start = 0, time.perf_counter()
        while time.perf_counter() - start < seconds / repeats:
            step()
            count += 1
        rates.append(count * rows / (time.perf_counter() - start))
    return statistics.median(rates)


def measure(net, vae_loss, rows, shape, out_shape, name):
    """Rates of forward and backward of the layers alone, and of whole training steps.

    A step does what a step of `elbo train` does: it takes the next rows of a shuffle out of bytes
    in memory and binarizes them afresh, without a DataLoader's processes and copies."""
    import torch

    torch.set_flush_denormal(True)
    images = ((torch.rand(60000, *shape) < 0.2) * 255).to(torch.uint8)
    order, at = torch.randperm(len(images)), 0

    def batch():
        nonlocal order, at
        if at + rows > len(images):
            order, at = torch.randperm(len(images)), 0
        at += rows
        return torch.bernoulli(images[order[at - rows : at]].float().mul_(1 / 255))

    x = batch()
    grads = [torch.randn(rows, *shape) for shape in out_shape]
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)

    def layers():
        optimizer.zero_grad(set_to_none=False)
        torch.autograd.backward(net.layers(x), grads)

    def training():
        optimizer.zero_grad(set_to_none=False)
        vae_loss(net, batch()).backward()
        optimizer.step()

    result = {
        "program": "pytorch " + torch.__version__,
        "net": name,
        "batch": rows,
        "threads": torch.get_num_threads(),
        "layers_rows_per_s": round(rows_per_second(layers, rows)),
        "training_rows_per_s": round(rows_per_second(training, rows)),
    }
    print(json.dumps(result))
