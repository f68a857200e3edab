#!/usr/bin/env python3
"""Runs of an earlier version (tests/fixtures) open, are judged as they were, and are gone on with."""
import argparse
import contextlib
import json
import math
import os
import pathlib
import shutil
import subprocess
import tempfile

FIXTURES = pathlib.Path(__file__).resolve().parent.parent / "fixtures"
MORE = 4  # steps of a resumed training
# Instruction sets add in different orders, and training carries that on.
JUDGED, TRAINED = 1e-4, 1e-3
REPEATED = {"lagging"}  # the same parameters under several players: only that it resumes
CHEMISTRY = {"molecule"}  # read by RDKit


class Program:
    def __init__(self, path):
        self.path = path
        self.environment = {k: v for k, v in os.environ.items() if k != "ELBO_DATA"}
        # As prepare_cpu() would leave it, without a second start of the program.
        self.environment.update(OMP_NUM_THREADS="1", ELBO_PREPARED="1")

    def must(self, folder, *words):
        done = subprocess.run([self.path, *map(str, words)], cwd=folder, env=self.environment, text=True,
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=120)
        assert done.returncode == 0, (words, done.returncode, done.stderr)
        return done.stdout


@contextlib.contextmanager
def copied(fixtures):
    """A copy to work in: runs name their data from there."""
    with tempfile.TemporaryDirectory(prefix="elbo-fixtures-") as name:
        folder = pathlib.Path(name) / "fixtures"
        shutil.copytree(fixtures, folder)
        yield folder


def evaluated(program, folder, name):
    """The figures among what `elbo evaluate` tells."""
    found = json.loads(program.must(folder, "evaluate", f"runs/{name}", "--draws", 20, "--seed", 0, "--json", "-q"))
    return {key: value for key, value in found.items() if isinstance(value, (int, float))}


def log_lines(folder, name):
    return [json.loads(line) for line in (folder / "runs" / name / "log.jsonl").read_text().splitlines()]


def resumed(program, folder, name, steps):
    """The losses at the end of a few more steps."""
    before = log_lines(folder, name)
    program.must(folder, "train", "--resume", f"runs/{name}", "--steps", steps + MORE, "-q")
    after = log_lines(folder, name)
    assert before[-1]["step"] == steps, (name, before[-1])
    assert after[-1]["step"] == steps + MORE, (name, after[-1])
    if name not in REPEATED:
        assert after[:len(before)] == before, f"{name}: the log of the first steps has changed"
        assert after[len(before)]["step"] > steps, (name, after[len(before)])
    return {part: after[-1][part]["loss"] for part in ("train", "validation")}


def check_near(name, what, found, expected, tolerance):
    for key, value in expected.items():
        assert key in found, f"{name}: {what} no longer tells {key}"
        assert math.isclose(found[key], value, rel_tol=tolerance, abs_tol=tolerance / 10), (
            f"{name}: {what}: {key} is {found[key]}, was {value}")


def check(program, folder, name, expected):
    check_near(name, "evaluate", evaluated(program, folder, name), expected["evaluate"], JUDGED)
    losses = resumed(program, folder, name, expected["steps"])
    assert all(map(math.isfinite, losses.values())), (name, losses)
    check_near(name, "the resumed loss", losses, expected.get("resumed", {}), TRAINED)


def has_chemistry(program, folder):
    told = [line.split() for line in program.must(folder, "doctor").splitlines()]
    return ["RDKit", "in", "use"] in told


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", required=True)
    program = Program(os.path.abspath(parser.parse_args().program))
    expected = json.loads((FIXTURES / "expected.json").read_text())
    runs = {path.name for path in (FIXTURES / "runs").iterdir()}
    assert runs == set(expected), f"not both a run and expected: {sorted(runs ^ set(expected))}"
    with copied(FIXTURES) as folder:
        left_out = set() if has_chemistry(program, folder) else CHEMISTRY
        failed = []
        for name in sorted(runs - left_out):
            try:
                check(program, folder, name, expected[name])
            except AssertionError as error:
                failed.append(str(error))
    assert not failed, "\n".join(failed)


if __name__ == "__main__":
    main()
