#!/usr/bin/env python3
"""--threads and OMP_NUM_THREADS: what is said is used, logged, and kept by a resumed run."""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile


class Program:
    def __init__(self, path, folder):
        self.path, self.folder = path, folder

    def run(self, *arguments, **environment):
        """The status and all that was printed, without what this machine says of threads."""
        clean = {k: v for k, v in os.environ.items() if k != "OMP_NUM_THREADS"}
        clean["ELBO_PREPARED"] = "1"  # one start of the program is enough
        done = subprocess.run([self.path, *map(str, arguments)], cwd=self.folder, text=True,
                              capture_output=True, timeout=1800, env={**clean, **environment})
        return done.returncode, done.stdout + done.stderr

    def must(self, *arguments, **environment):
        status, text = self.run(*arguments, **environment)
        assert status == 0, (arguments, text)
        return text

    def threads(self, *arguments, **environment):
        return json.loads(self.must("doctor", "--json", *arguments, **environment))["threads"]

    def train(self, name, *arguments, **environment):
        """Threads that the log names, and that the run keeps (None: not fixed)."""
        self.must("train", *arguments, "-q", **environment)
        run = self.folder / name
        lines = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
        return [line["threads"] for line in lines], json.loads((run / "spec.json").read_text()).get(
            "threads")


SMALL = ("builtin:digits", "--rows", 300, "-m", "vae_mlp", "--epochs", 1)


def check_commands(program):
    for count in (1, 3):
        assert program.threads("--threads", count) == count
        assert program.threads(OMP_NUM_THREADS=str(count)) == count
    assert program.threads("--threads", 2, OMP_NUM_THREADS="1") == 2
    for name in ("train", "sample", "list", "serve"):
        assert "--threads NUMBER" in program.must(name, "--help"), name


def check_refusals(program):
    for said in ("0", "1025"):
        status, text = program.run("doctor", f"--threads={said}")
        assert status == 1 and "[threads]" in text and "1 to 1024" in text, (said, text)
    status, text = program.run("doctor", "--threads", "many")
    assert status == 2 and "--threads" in text, text


def check_runs(program):
    used, kept = program.train("fixed", *SMALL, "-o", "fixed", "--threads", 3)
    assert used == [3] and kept == 3, (used, kept)
    # A resumed run has as many as before, at most the cores there are, or what is said anew.
    cores = json.loads(program.must("doctor", "--json"))["cores"]
    used, kept = program.train("fixed", "--resume", "fixed", "--epochs", 2)
    assert used == [3, min(3, cores)] and kept == 3, (used, kept)
    used, kept = program.train("fixed", "--resume", "fixed", "--epochs", 3, "--threads", 1)
    assert used[2:] == [1] and kept == 1, (used, kept)
    used, kept = program.train("told", *SMALL, "-o", "told", OMP_NUM_THREADS="1")
    assert used == [1] and kept == 1, (used, kept)
    used, kept = program.train("free", *SMALL, "-o", "free")
    assert all(1 <= n <= cores for n in used) and kept is None, (used, kept)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", required=True)
    with tempfile.TemporaryDirectory() as folder:
        program = Program(parser.parse_args().program, pathlib.Path(folder))
        check_commands(program)
        check_refusals(program)
        check_runs(program)


if __name__ == "__main__":
    sys.exit(main())
