#!/usr/bin/env python3
"""Several processes train one model as one process does, and what happens to one of them is told.

Loss curves of one and of two processes with the same global batch agree; a process that is killed
or frozen ends the others within 30 seconds with an error that names it; a run goes on in any number
of processes; Ctrl-C stops all of them and saves.
"""
import argparse
import json
import os
import pathlib
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

# Sums over processes add the same float32 terms in another order: this much for each step so far.
RELATIVE = 1e-5
# Rounding grows fast where rectifiers open and close: another number of
# threads moves the loss of the convolutional nets by 1e-3 within 50 steps. Steps compared:
STEPS = {"vae_mlp": 50, "iwae": 30, "vae": 5, "vq_vae_ema": 30}
DATA = ["builtin:digits", "--rows", "256"]
SMALL = ["--batch", "64", "--steps", "50", "--log-every", "1", "--validation", "20", "--seed", "3"]
# Noise of a latent, of several particles, of dropout; codes that move by averages.
MODELS = {
    "vae_mlp": ["--set", "encoder.dropout=0.2"],
    "iwae": ["--set", "objective.samples=3", "--set", "encoder.type=mlp", "--set",
             "decoder.type=mlp"],
    "vae": [],
    "vq_vae_ema": ["--set", "latent.codes=16"],
}
ENDS_WITHIN = 30


class Program:
    def __init__(self, path):
        self.path = path
        self.environment = dict(os.environ, OMP_NUM_THREADS="1")

    def start(self, *arguments, **more):
        environment = dict(self.environment, **more)
        return subprocess.Popen([self.path, *arguments], env=environment, text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def run(self, *arguments, **more):
        process = self.start(*arguments, **more)
        out, err = process.communicate(timeout=1800)
        return process.returncode, out, err


def losses(run):
    found = []
    for line in (run / "log.jsonl").read_text().splitlines():
        entry = json.loads(line)
        for part in ("train", "validation"):
            if part in entry:
                found.append((entry["step"], part, entry[part]["loss"]))
    return found


def assert_same_curve(one, other, steps=50):
    a, b = losses(one), losses(other)
    assert len(a) == len(b) and len(a) > 50, (len(a), len(b))
    for left, right in zip(a, b):
        if left[0] > steps:
            break
        close = abs(left[2] - right[2]) <= RELATIVE * left[0] * abs(left[2])
        assert left[:2] == right[:2] and close, (left, right)


def train(program, folder, name, model, *more, **environment):
    out = folder / name
    status, _, err = program.run("train", *DATA, "-o", str(out), "-m", model, *SMALL,
                                 *MODELS[model], *more, **environment)
    assert status == 0, (name, status, err)
    return out


def check_curves(program, folder):
    for model in MODELS:
        one = train(program, folder, f"{model}-1", model)
        two = train(program, folder, f"{model}-2", model, "--nproc", "2")
        assert_same_curve(one, two, STEPS[model])


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def check_launcher_variables(program, folder):
    """As torchrun starts them, but that process 0 answers at the port itself."""
    one = train(program, folder, "alone", "vae_mlp")
    common = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port())}
    out = folder / "launched"
    command = ["train", *DATA, "-o", str(out), "-m", "vae_mlp", *SMALL, *MODELS["vae_mlp"]]
    both = [program.start(*command, RANK=str(r), LOCAL_RANK=str(r), **common) for r in range(2)]
    ends = [p.communicate(timeout=1800) for p in both]
    assert [p.returncode for p in both] == [0, 0], ends
    assert ends[1][0] == "" and "weights" in ends[0][0], ends
    assert_same_curve(one, out)
    bad = program.run(*command, RANK="2", **common)
    assert bad[0] == 1 and "RANK" in bad[2] and "0 to 1" in bad[2], bad


def children(parent):
    path = pathlib.Path(f"/proc/{parent}/task/{parent}/children")
    return [int(word) for word in path.read_text().split()]


def begin_long(program, folder, name):
    """A training that has begun, its launcher and the processes in the order of their ranks."""
    out = folder / name
    launcher = program.start("train", *DATA, "-o", str(out), "-m", "vae_mlp", "--batch", "64",
                             "--steps", "1000000", "--checkpoint-every", "20", "--nproc", "2")
    deadline = time.time() + 60
    while not (out / "state.safetensors").exists():
        assert launcher.poll() is None and time.time() < deadline, launcher.communicate()
        time.sleep(0.05)
    return out, launcher, children(launcher.pid)


def assert_ends_with(launcher, *words):
    began = time.time()
    _, err = launcher.communicate(timeout=2 * ENDS_WITHIN)
    assert time.time() - began < ENDS_WITHIN, err
    assert launcher.returncode == 1, (launcher.returncode, err)
    assert any(word in err for word in words), err


def check_faults(program, folder):
    for rank, name in ((1, "killed"), (0, "killed_first")):
        out, launcher, ranks = begin_long(program, folder, name)
        os.kill(ranks[rank], signal.SIGKILL)
        assert_ends_with(launcher, f"process {rank} of 2")
        step = str(json.loads((out / "log.jsonl").read_text().splitlines()[-1])["step"] + 300)
        status, _, err = program.run("train", "--resume", str(out), "--steps", step)
        assert status == 0, err
    out, launcher, ranks = begin_long(program, folder, "frozen")
    os.kill(ranks[1], signal.SIGSTOP)
    assert_ends_with(launcher, "process 1 of 2 has not answered")
    assert not any(pathlib.Path(f"/proc/{r}").exists() for r in ranks)
    out, launcher, ranks = begin_long(program, folder, "frozen_first")
    os.kill(ranks[0], signal.SIGSTOP)
    assert_ends_with(launcher, "process 0 of 2 has not answered")


def check_stop(program, folder):
    out, launcher, ranks = begin_long(program, folder, "stopped")
    launcher.send_signal(signal.SIGINT)
    _, err = launcher.communicate(timeout=ENDS_WITHIN)
    assert launcher.returncode > 128 and "stopped and saved" in err, (launcher.returncode, err)
    assert (out / "weights.safetensors").exists()


def ports_of(process):
    """What a process listens on."""
    inodes = set()
    for one in pathlib.Path(f"/proc/{process}/fd").iterdir():
        try:
            inodes.add(os.readlink(one))
        except OSError:
            pass
    found = []
    for table in ("tcp", "tcp6"):
        for line in pathlib.Path("/proc/net/" + table).read_text().splitlines()[1:]:
            words = line.split()
            if words[3] == "0A" and f"socket:[{words[9]}]" in inodes:
                found.append(int(words[1].split(":")[1], 16))
    return found


def check_stranger(program, folder):
    """Who reaches the meeting point and does not know its secret changes nothing."""
    out, launcher, ranks = begin_long(program, folder, "stranger")
    text = lambda b: struct.pack("<Q", len(b)) + b
    ports = ports_of(launcher.pid)
    assert len(ports) == 1, ports
    for key in (b"/elbo/failed", b"/failed", b"/elbo-/failed"):
        with socket.create_connection(("127.0.0.1", ports[0])) as c:
            c.sendall(b"\x01" + text(key) + text(b"") + text(b"ended by a stranger"))
            c.settimeout(1)
            try:
                c.recv(100)
            except OSError:
                pass
    time.sleep(2)
    assert launcher.poll() is None, launcher.communicate()
    launcher.send_signal(signal.SIGTERM)
    _, err = launcher.communicate(timeout=ENDS_WITHIN)
    assert "stranger" not in err.replace(str(out), ""), err


def check_resume(program, folder):
    """Fifty steps at once are those of one process for 25 and of two for the rest, and reversed."""
    whole = train(program, folder, "whole", "vae_mlp")
    for first, then in ((["--nproc", "2"], []), ([], ["--nproc", "2"])):
        out = folder / f"resumed-{len(first)}"
        part = [*SMALL]
        part[part.index("--steps") + 1] = "25"
        status, _, err = program.run("train", *DATA, "-o", str(out), "-m", "vae_mlp", *part,
                                     *MODELS["vae_mlp"], "--checkpoint-every", "5", *first)
        assert status == 0, err
        status, _, err = program.run("train", "--resume", str(out), "--steps", "50", *then)
        assert status == 0, err
        train_only = [[e for e in losses(run) if e[1] == "train"] for run in (whole, out)]
        steps = [dict((e[0], e[2]) for e in run) for run in train_only]
        common = sorted(set(steps[0]) & set(steps[1]) - {24, 25, 26, 27})
        assert len(common) > 40
        for step in common:
            a, b = steps[0][step], steps[1][step]
            assert abs(a - b) <= RELATIVE * abs(a), (step, a, b)


def check_refusals(program, folder):
    status, _, err = program.run("train", *DATA, "-o", str(folder / "x"), "--batch", "65",
                                 "--nproc", "2")
    assert status == 1 and "65 rows do not divide among 2" in err, err
    status, _, err = program.run("train", "builtin:nothing", "-o", str(folder / "y"), "--nproc", "2")
    assert status == 1 and err.count("nothing") >= 1, err


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", required=True)
    parser.add_argument("--only", help="a word of the check's name")
    a = parser.parse_args()
    checks = [check_curves, check_launcher_variables, check_resume, check_stop, check_faults, check_stranger,
              check_refusals]
    with tempfile.TemporaryDirectory() as name:
        for check in checks:
            if a.only and a.only not in check.__name__:
                continue
            began = time.time()
            check(Program(a.program), pathlib.Path(name))
            print(f"{check.__name__}: {time.time() - began:.1f} s", flush=True)


if __name__ == "__main__":
    sys.exit(main())
