#!/usr/bin/env python3
"""How training scales on this machine: see scripts/bench_scale.sh."""
import argparse
import concurrent.futures
import json
import os
import pathlib
import random
import resource
import signal
import statistics
import struct
import subprocess
import sys
import tempfile
import time
import zlib

REPEATS = 3


class Elbo:
    def __init__(self, program):
        self.program = str(pathlib.Path(program).resolve())

    def command(self, *arguments):
        return [self.program, *map(str, arguments)]

    def train(self, *arguments, cores=None):
        """The summary of a training, and the largest memory that one of its processes took."""
        pin = ["taskset", "-c", cores] if cores else []
        done = subprocess.Popen([*pin, *self.command("train", *arguments, "--json")],
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        out, err = done.communicate()
        if done.returncode != 0:
            sys.exit(f"{arguments}: status {done.returncode}\n{err}")
        return json.loads(out.splitlines()[-1])


def rates(elbo, folder, cases, repeats=REPEATS):
    """Rows per second of each case, the cases in turn so that a noisy moment meets all."""
    found = {name: [] for name in cases}
    last = {}
    for turn in range(repeats):
        for name, (arguments, cores) in cases.items():
            out = folder / f"{name}-{turn}"
            last[name] = elbo.train(*arguments, "-o", out, "-q", cores=cores)
            found[name].append(last[name]["rows_per_second"])
    return {name: statistics.median(r) for name, r in found.items()}, found, last


def processes(elbo, folder, seconds):
    """Two processes of one core each against one process of one core, the same rows a process."""
    model = ["builtin:digits", "--rows", 20000, "-m", "vae", "--validation", 0]
    for batch in (128, 512):
        run = [*model, "--steps", max(20, int(seconds * 1500 / batch))]
        cases = {
            "one": (run + ["--batch", batch], "0"),
            "two": (run + ["--batch", 2 * batch, "--nproc", 2], None),
        }
        median, all_rates, last = rates(elbo, folder / str(batch), cases, 5)
        print(json.dumps({"batch of a process": batch, "rows_per_second": median, "all": all_rates,
                          "speed_up": median["two"] / median["one"],
                          "group": last["two"]["group"]}), flush=True)


def overlap(elbo, folder):
    """Sums of 20 million gradients behind the backward pass, and a trace of them; over sockets, as
    between machines."""
    hidden = "[2800,2800]"
    trace = pathlib.Path("sums.json").resolve()
    pair = start_pair(elbo, "127.0.0.1",
                      ["builtin:digits", "--rows", 4000, "-m", "vae_mlp", "--validation", 0,
                       "--set", f"encoder.hidden={hidden}", "--set", f"decoder.hidden={hidden}",
                       "--batch", 1024, "--steps", 30, "--trace", trace,
                       "-o", folder / "overlap", "-q", "--json"])
    out, err = pair[0].communicate()
    pair[1].communicate()
    if pair[0].returncode != 0:
        sys.exit(err)
    found = json.loads(out.splitlines()[-1])
    print(json.dumps({**found["group"], "rows_per_second": found["rows_per_second"],
                      "trace": str(trace)}))


def png(pixels, height, width):
    """RGB bytes as a PNG."""
    def chunk(kind, data):
        return (struct.pack(">I", len(data)) + kind + data
                + struct.pack(">I", zlib.crc32(kind + data)))
    rows = b"".join(b"\0" + pixels[y * 3 * width:(y + 1) * 3 * width] for y in range(height))
    return (b"\x89PNG\r\n\x1a\n"
            + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
            + chunk(b"IDAT", zlib.compress(rows, 1)) + chunk(b"IEND", b""))


def member(name, data):
    header = bytearray(512)
    header[:len(name)] = name.encode()
    header[100:107], header[124:135], header[156:157] = b"0000644", b"%011o" % len(data), b"0"
    header[257:265] = b"ustar\x0000"
    header[148:156] = b" " * 8
    header[148:155] = b"%06o\0" % sum(header)
    return bytes(header) + data + b"\0" * (-len(data) % 512)


def write_shard(task):
    """Noisy ramps of 64x64 pixels: about 11 kB each, as photographs of that size have."""
    path, count, seed = task
    draw = random.Random(seed)
    side = 64
    with open(path, "wb") as tar:
        for i in range(count):
            base = [draw.randrange(160) for _ in range(3)]
            noise = draw.randbytes(side * side * 3)
            ramp = bytes(min(255, base[c] + y // 2) for y in range(side) for _ in range(side)
                         for c in range(3))
            pixels = bytes((r + (n & 63)) & 255 for r, n in zip(ramp, noise))
            tar.write(member(f"{seed:05d}-{i:05d}.png", png(pixels, side, side)))
            tar.write(member(f"{seed:05d}-{i:05d}.cls", b"%d" % (i % 10)))
        tar.write(b"\0" * 1024)
    return os.path.getsize(path)


def shards(elbo, folder, gigabytes):
    """A set of shards on the disk against its first rows in memory. A tenth of the shards is
    written, the others are further names of the same files: the index and the order are those of
    the whole, a disk's own speed is not measured beyond the tenth."""
    per_shard, real = 4000, folder / "shards"
    real.mkdir()
    size = write_shard((real / "part-00000.tar", per_shard, 0))
    count = max(2, int(gigabytes * 1e9 / size))
    written = max(2, count // 10)
    with concurrent.futures.ProcessPoolExecutor() as pool:
        list(pool.map(write_shard, [(real / f"part-{s:05d}.tar", per_shard, s)
                                    for s in range(1, written)]))
    for s in range(written, count):
        (real / f"part-{s:05d}.tar").symlink_to(real / f"part-{s % written:05d}.tar")
    steps = 100
    common = ["-m", "vae", "--validation", 0, "--steps", steps, "--batch", 128]
    cases = {
        "memory": ([f"images:{real}/part-00000.tar", *common], None),
        "shards": ([f"shards:{real}", *common], None),
    }
    found, all_rates, _ = rates(elbo, folder, cases)
    memory = resident(elbo, [f"shards:{real}", *common, "-o", folder / "m", "-q"])
    print(json.dumps({"gigabytes": count * size / 1e9, "rows": count * per_shard,
                      "rows_per_second": found, "all": all_rates,
                      "share": found["shards"] / found["memory"],
                      "resident_gigabytes": memory / 1e9}))


def resident(elbo, arguments):
    """The largest resident memory of a training, in bytes."""
    pid = os.fork()
    if pid == 0:
        os.execv(elbo.program, elbo.command("train", *arguments))
    _, status, usage = os.wait4(pid, 0)
    assert status == 0, status
    return usage.ru_maxrss * 1024


def in_namespace(name, command):
    return ["ip", "netns", "exec", name, *command]


class Cable:
    """Two network namespaces and a wire of a delay and a loss between them."""

    def __init__(self, delay, loss):
        here = pathlib.Path(__file__).parent
        self.names = [f"elbo{os.getpid()}{side}" for side in "ab"]
        for name in self.names:
            subprocess.run(["ip", "netns", "add", name], check=True)
            subprocess.run(in_namespace(name, ["ip", "link", "set", "lo", "up"]), check=True)
        self.wire = subprocess.Popen([sys.executable, str(here / "wire.py"), *self.names,
                                      str(delay), str(loss)], stdout=subprocess.PIPE, text=True)
        assert self.wire.stdout.readline() == "ready\n"

    def cut(self):
        self.wire.send_signal(signal.SIGSTOP)

    def close(self):
        self.wire.kill()
        self.wire.wait()
        for name in self.names:
            subprocess.run(["ip", "netns", "del", name], check=False)


def start_pair(elbo, address, arguments, within=lambda rank, command: command):
    """A training of two processes that know of no common machine, as a launcher would start them."""
    pair = []
    for rank in range(2):
        variables = {**os.environ, "RANK": str(rank), "WORLD_SIZE": "2", "LOCAL_RANK": "0",
                     "LOCAL_WORLD_SIZE": "1", "MASTER_ADDR": address, "MASTER_PORT": "29511",
                     "OMP_NUM_THREADS": "1"}
        pair.append(subprocess.Popen(within(rank, elbo.command("train", *arguments)),
                                     env=variables, stdout=subprocess.PIPE,
                                     stderr=subprocess.PIPE, text=True))
    return pair


def end_of(pair, victim=None):
    """Seconds until the processes but the victim ended, and what they said."""
    began, said = time.time(), []
    for process in pair:
        if process is victim:
            continue
        try:
            said.append(process.communicate(timeout=90)[1])
        except subprocess.TimeoutExpired:
            process.kill()
            said.append("did not end")
    return time.time() - began, said


def one_fault(elbo, folder, draw, trial):
    kind = ("kill", "freeze", "cut", "none")[trial % 4]
    delay, loss = draw.choice([1, 5, 20]), draw.choice([0, 0.5, 2])
    out, data = folder / f"fault-{trial}", ["builtin:digits", "--rows", 512, "--validation", 0]
    model = ["-m", "vae_mlp", "--batch", 64, "--checkpoint-every", 5, "--seed", trial]
    steps = 30 if kind == "none" else 100000
    cable = Cable(delay, loss)
    try:
        pair = start_pair(elbo, "10.77.0.1", [*data, *model, "--steps", steps, "-o", out],
                          lambda rank, command: in_namespace(cable.names[rank], command))
        victim = None
        if kind != "none":
            deadline = time.time() + 60
            while not (out / "state.safetensors").exists() and time.time() < deadline:
                time.sleep(0.1)
            time.sleep(draw.uniform(0, 2))
            victim = draw.choice(pair)
            if kind == "kill":
                victim.kill()
            elif kind == "freeze":
                victim.send_signal(signal.SIGSTOP)
            else:
                victim = None  # both are alive, and neither reaches the other
                cable.cut()
        seconds, said = end_of(pair, victim)
        if victim:
            victim.kill()
            victim.wait()
    finally:
        cable.close()
    status = [p.returncode for p in pair if p is not victim]
    told = all("process" in s or "answer" in s for s in said if s and kind != "none")
    # The run must go on, alone, from what was saved.
    again = subprocess.run(elbo.command("train", "--resume", out, "--steps",
                                        last_step(out) + 20), capture_output=True, text=True)
    good = again.returncode == 0 and (status == [0, 0] if kind == "none"
                                      else 0 not in status and told and seconds < 30)
    return {"trial": trial, "fault": kind, "delay_ms": delay, "loss_percent": loss,
            "ended_after_s": round(seconds, 1), "status": status, "resumed": again.returncode,
            "good": good, "said": [s.strip().splitlines()[-1:] for s in said]}


def last_step(out):
    raw = (out / "state.safetensors").read_bytes()
    length = struct.unpack("<Q", raw[:8])[0]
    return json.loads(json.loads(raw[8:8 + length])["__metadata__"]["facts"])["step"]


def faults(elbo, folder, trials):
    if os.geteuid() != 0 or not os.path.exists("/dev/net/tun"):
        sys.exit("faults: network namespaces and /dev/net/tun need root; not measured here")
    draw = random.Random(1)
    results = []
    for trial in range(trials):
        results.append(one_fault(elbo, folder, draw, trial))
        print(json.dumps(results[-1]), flush=True)
    bad = [r["trial"] for r in results if not r["good"]]
    print(json.dumps({"trials": trials, "bad": bad}))
    sys.exit(1 if bad else 0)


def step_seconds(n, compute, gradient, bandwidth, latency, backward=0.6, hidden=0.7):
    """The model of docs/scaling.md: a step of n processes and what of it is waiting for sums."""
    if n == 1:
        return compute
    stretches = -(-gradient // (8 << 20))
    turns = 2 * (n - 1) * max(1, stretches / 2)
    sums = 2 * (n - 1) / n * gradient / bandwidth + turns * latency
    return compute + max(0.0, sums - hidden * backward * compute)


def model():
    """Efficiencies of the model for machines that were not measured."""
    cases = {
        # name: seconds a step alone, bytes of gradients, bandwidth, latency, processes
        "convolutional VAE on CPUs, 10 Gb/s": (0.075, 4 * 1.0e6, 1.1e9, 50e-6, (2, 8, 64, 1000)),
        "20 M parameters on CPUs, 10 Gb/s": (0.9, 4 * 20e6, 1.1e9, 50e-6, (2, 8, 64, 1000)),
        "20 M parameters on CPUs, 100 Gb/s": (0.9, 4 * 20e6, 11e9, 15e-6, (2, 8, 64, 1000)),
        "100 M parameters, 8 GPUs, NVLink": (0.060, 4 * 100e6, 150e9, 10e-6, (2, 4, 8)),
        "100 M parameters, nodes of 8 GPUs, 400 Gb/s": (0.060, 4 * 100e6, 45e9, 15e-6,
                                                        (2, 8, 64, 1000)),
    }
    for name, (compute, gradient, bandwidth, latency, sizes) in cases.items():
        row = {n: round(compute / step_seconds(n, compute, gradient, bandwidth, latency), 3)
               for n in sizes}
        print(json.dumps({"case": name, "efficiency": row}))


def main():
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", required=True)
    parser.add_argument("what", choices=["processes", "overlap", "shards", "faults", "model"])
    parser.add_argument("amount", nargs="?", type=float)
    a = parser.parse_args()
    elbo = Elbo(a.program)
    with tempfile.TemporaryDirectory(prefix="elbo-scale-") as name:
        folder = pathlib.Path(name)
        if a.what == "processes":
            processes(elbo, folder, a.amount or 20)
        elif a.what == "overlap":
            overlap(elbo, folder)
        elif a.what == "model":
            model()
        elif a.what == "shards":
            shards(elbo, folder, a.amount or 20)
        else:
            faults(elbo, folder, int(a.amount or 20))


if __name__ == "__main__":
    main()
