#!/usr/bin/env python3
"""Lets the n-th write, rename, fsync, allocation and thread start fail, of a training and of a server.

Afterwards the run opens or says what it lacks, goes on and ends as an undisturbed one does, byte for
byte; the server answers or has ended with one line. --all takes every n there is, the default a few.
"""
import argparse
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import threading

import serve

NETS = ["--set", "encoder={\"type\":\"mlp\",\"hidden\":[16]}", "--set",
        "decoder={\"type\":\"mlp\",\"hidden\":[16]}", "--set", "latent.size=2"]
TRAIN = ["train", "builtin:digits", "--rows", "60", "--batch", "20", "--epochs", "2",
         "--checkpoint-every", "2", "-q", *NETS]
KINDS = ("write", "rename", "fsync", "malloc", "thread")
FEW = {"write": (2, 9), "rename": (1, 5), "fsync": (3,), "malloc": (40,), "thread": (3, 4)}
LONGEST = 60  # seconds until a process is taken for hung
# The first thread is one of libtorch's own pool, which waits for it for ever.
NOT_OURS = {"thread:1"}


class Faulty:
    def __init__(self, program, library, folder):
        self.program = str(pathlib.Path(program).resolve())
        self.library, self.folder = str(pathlib.Path(library).resolve()), folder
        self.calm = dict(os.environ, OMP_NUM_THREADS="1", ELBO_PREPARED="1")

    def environment(self, fault=None, count=None):
        found = dict(self.calm)
        if fault or count:
            found["LD_PRELOAD"] = self.library
        if fault:
            found["ELBO_FAULT"] = fault
        if count:
            found["ELBO_FAULT_COUNT"] = str(count)
        return found

    def run(self, *words, **how):
        try:
            done = subprocess.run([self.program, *map(str, words)], cwd=self.folder, text=True,
                                  stdin=subprocess.DEVNULL, capture_output=True, timeout=300, errors="replace",
                                  env=self.environment(**how))
        except subprocess.TimeoutExpired:
            return "hangs", ""
        return done.returncode, done.stdout + done.stderr


def expect(holds, *what):
    if not holds:
        sys.exit("faults: " + " ".join(map(str, what)))


def counts(text):
    return {name: int(number) for name, number in (line.split() for line in text.splitlines())}


def check_training(elbo, fault, whole):
    """One training with one fault; what it left opens, goes on, ends as `whole`."""
    run = elbo.folder / "run"
    shutil.rmtree(run, ignore_errors=True)
    status, said = elbo.run(*TRAIN, "-o", "run", fault=fault)
    lines = [line for line in said.splitlines() if line.strip()]
    expect(status in (0, 1), fault, "training exits", status, said)
    expect(status == 0 or 1 <= len(lines) <= 2, fault, "says more than its error:", said)
    if (run / "weights.safetensors").exists():
        opened, said = elbo.run("sample", "run", "-n", 2, "-o", "x.npy")
        expect(opened == 0, fault, "the run does not open:", said)
    begun = (run / "spec.json").exists()
    again, said = elbo.run(*(["train", "--resume", "run", "-q"] if begun else [*TRAIN, "-o", "run"]))
    expect(again == 0, fault, "the run does not go on:", said)
    for name in ("log.jsonl", "weights.safetensors"):
        expect((whole / name).read_bytes() == (run / name).read_bytes(), fault, name, "differs")
    left = [p.name for p in run.iterdir() if p.name.startswith(".") or p.name.endswith(".tmp")]
    expect(not left, fault, "leaves", left)
    return status != 0


class FaultyServer(serve.Served):
    def __init__(self, elbo, fault, *options, count=None):
        self.said = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen([elbo.program, "serve", "whole", "--port", "0", "--json", *options],
                                        cwd=elbo.folder, stdout=subprocess.PIPE, stderr=self.said, text=True,
                                        env=elbo.environment(fault=fault, count=count))
        watch = threading.Timer(LONGEST, self.process.kill)
        watch.start()
        line = self.process.stdout.readline()
        watch.cancel()
        self.begun = "address" in line
        if self.begun:
            self.address = serve.json.loads(line)["address"]
            self.port = serve.urllib.parse.urlparse(self.address).port

    def words(self):
        self.said.seek(0)
        return self.said.read()

    def end(self):
        if self.begun and self.process.poll() is None:
            self.process.terminate()
        status = self.process.wait(30)
        self.process.stdout.close()
        return status, self.words()


def check_server(elbo, fault, count=None):
    server = FaultyServer(elbo, fault, count=count)
    try:
        return ask(server, fault)
    finally:
        if server.process.poll() is None:
            server.process.kill()


def ask(server, fault):
    """A server with one fault: questions are answered, with a status; the last one rightly."""
    hit = not server.begun
    for _ in range(3 if server.begun else 0):
        try:
            status, content = server.ask("POST", "/api/sample", {"n": 2})
            hit |= status != 200
            expect(status in (200, 503, 500), fault, "a question is answered by", status, content)
            server.ask("POST", "/api/jobs", {"task": "sample", "options": {"n": 3}, "ending": ".csv"})
        except (OSError, serve.http.client.HTTPException):
            hit = True
            ended = server.process.poll()
            expect(ended is None, fault, "the server has ended", ended, server.words())
    if server.begun:
        # A job may have counted meanwhile: the fault can meet one of these two, not both.
        last = [server.ask("POST", "/api/sample", {"n": 2})[0] for _ in range(2)]
        expect(200 in last, fault, "goes on being wrong:", last)
    status, said = server.end()
    expect(status in ((0,) if server.begun else (1,)), fault, "the server exits", status, said)
    return hit


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", required=True)
    parser.add_argument("--library", required=True, help="tests/faults/fail.cpp, built")
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--kinds", default=",".join(KINDS))
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="elbo-faults-") as name:
        folder = pathlib.Path(name)
        elbo = Faulty(arguments.program, arguments.library, folder)
        status, said = elbo.run(*TRAIN, "-o", "whole", count=folder / "count")
        expect(status == 0, "training exits", status, said)
        in_training = counts((folder / "count").read_text())
        check_server(elbo, None, count=folder / "count")
        in_server = counts((folder / "count").read_text())
        expect(in_training["rename"] >= 4 and in_training["write"] >= 4, "nothing is counted:", in_training)
        print(f"{'fault':<8} {'training':>18} {'server':>18}")
        for kind in arguments.kinds.split(","):
            shown = []
            for total, check, few in (
                    (in_training[kind], lambda f: check_training(elbo, f, folder / "whole"), FEW[kind]),
                    (in_server[kind], lambda f: check_server(elbo, f),
                     FEW[kind] if kind in ("malloc", "thread") else ())):
                faults = [f"{kind}:{n}" for n in (range(1, total + 1) if arguments.all else few) if n <= total]
                failed = [check(f) for f in faults if f not in NOT_OURS]
                shown.append(f"{len(failed)} of {total}, {sum(failed)} hit")
            print(f"{kind:<8} {shown[0]:>18} {shown[1]:>18}", flush=True)


if __name__ == "__main__":
    main()
