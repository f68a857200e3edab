#!/usr/bin/env python3
"""Kills trainings at random moments and checks that nothing is lost.

After every kill -9 the run must open (or say that it has no weights yet), and training goes on.
In the end the log must be that of a training nobody disturbed, byte for byte.
"""
import argparse
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import time

TIMEOUT = 1800
TRAIN = ["builtin:digits", "--rows", "300", "--batch", "30", "--epochs", "60",
         "--checkpoint-every", "12", "--log-every", "4", "-q",
         "--set", "encoder={\"type\":\"mlp\",\"hidden\":[16]}",
         "--set", "decoder={\"type\":\"mlp\",\"hidden\":[16]}", "--set", "latent.size=2"]


class Program:
    def __init__(self, path):
        self.path = path
        self.environment = dict(os.environ, OMP_NUM_THREADS="1", ELBO_PREPARED="1")

    def start(self, *arguments):
        return subprocess.Popen([self.path, *arguments], env=self.environment, text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def run(self, *arguments):
        process = self.start(*arguments)
        out, err = process.communicate(timeout=TIMEOUT)
        return process.returncode, out + err


def expect(ok, message):
    if not ok:
        sys.exit(f"kill test: {message}")


def check_opens(program, run, scratch):
    """A run opens, or says that it is too young; a folder before its spec is no run at all."""
    if not (run / "spec.json").exists():
        return
    status, said = program.run("sample", str(run), "-n", "2", "-o", str(scratch / "x.npy"))
    young = status == 1 and "no weights yet" in said
    expect(status == 0 or young, f"after a kill `elbo sample` exits {status}: {said}")


def disturbed(program, run, scratch, train, longest, kills):
    """Trains to the end under kills; returns how many hit."""
    hits = 0
    while True:
        begun = (run / "spec.json").exists()
        process = program.start("train", *(["--resume", str(run), "-q"] if begun else train))
        if hits < kills:
            time.sleep(random.uniform(0, longest))
            if process.poll() is None:
                process.kill()
        _, err = process.communicate(timeout=TIMEOUT)
        if process.returncode == 0:
            return hits
        expect(process.returncode == -9, f"training exits {process.returncode}: {err}")
        hits += 1
        check_opens(program, run, scratch)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", required=True)
    parser.add_argument("--kills", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    random.seed(arguments.seed)
    program = Program(os.path.abspath(arguments.program))
    kills = rounds = 0
    while kills < arguments.kills:
        with tempfile.TemporaryDirectory(prefix="elbo-kill-") as folder:
            scratch = pathlib.Path(folder)
            train = TRAIN + ["--seed", str(rounds)]
            whole, run = scratch / "whole", scratch / "run"
            begin = time.monotonic()
            status, said = program.run("train", *train, "--out", str(whole))
            longest = time.monotonic() - begin
            expect(status == 0, f"training exits {status}: {said}")
            kills += disturbed(program, run, scratch, train + ["--out", str(run)], longest,
                               arguments.kills - kills)
            for name in ("log.jsonl", "weights.safetensors"):
                expect((whole / name).read_bytes() == (run / name).read_bytes(),
                       f"{name} differs from that of an undisturbed training")
            left = [p.name for p in run.iterdir() if p.name.endswith(".tmp")]
            expect(not left, f"a killed writer has left {left}")
            rounds += 1
    print(f"{kills} kills in {rounds} trainings, every run opened and ended as undisturbed")


if __name__ == "__main__":
    main()
