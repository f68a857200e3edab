#!/usr/bin/env python3
"""Runs text tests of the program.

A test is a list of lines; `{tmp}` is an empty folder of the file's own, `{tests}` this script's.
  # name: SENTENCE        begins a case; other lines with # are comments
  run elbo ARGUMENTS      runs the program; unless `fails` follows it must exit 0
  fails STATUS            the exit status; 1 and 2 must come with one line on stderr
  stdout ~ PATTERN        a regular expression found in the output (stdout !~ PATTERN: not found)
  stderr ~ PATTERN        the same of the messages
  expect_file PATH        exists and is not empty; absent_file PATH: does not exist
  same PATH PATH          two files with the same bytes
  shell COMMAND           prepares something (sh); must exit 0
"""
import argparse
import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile

TIMEOUT = 1800


class Failure(Exception):
    pass


class Case:
    def __init__(self, program, folder):
        self.program, self.folder = program, folder
        self.result, self.checked = None, True
        self.environment = {k: v for k, v in os.environ.items() if k != "ELBO_DATA"}
        # As prepare_cpu() would leave it, without a second start of the program.
        self.environment.update(OMP_NUM_THREADS="1", ELBO_PREPARED="1")
        # For pipes in `shell` lines.
        self.environment["PATH"] = os.path.dirname(program) + ":" + self.environment["PATH"]

    def finish_run(self):
        """A run that no `fails` line follows must have succeeded."""
        if not self.checked:
            self.fails("0")

    def run(self, text):
        self.finish_run()
        words = shlex.split(text)
        if words[:1] != ["elbo"]:
            raise Failure("run: expected elbo")
        self.result = subprocess.run([self.program] + words[1:], cwd=self.folder, text=True,
                                     stdin=subprocess.DEVNULL, capture_output=True,
                                     timeout=TIMEOUT, env=self.environment)
        self.checked = False
        left = [str(p) for p in pathlib.Path(self.folder).rglob("*.tmp")]
        if left:
            raise Failure(f"left half-written: {left}")

    def fails(self, status):
        self.checked = True
        found = self.result.returncode
        if found != int(status):
            raise Failure(f"exit {found}, expected {status}")
        lines = self.result.stderr.splitlines()
        if status in ("1", "2"):
            if len(lines) != 1 or not lines[0].startswith("elbo: "):
                raise Failure("expected one line on stderr that begins with \"elbo: \"")

    def find(self, name, pattern, wanted):
        text = getattr(self.result, name)
        if bool(re.search(pattern, text, re.MULTILINE)) != wanted:
            raise Failure(f"{name}: {'no ' if wanted else ''}match of {pattern}")

    def do(self, line):
        word, _, rest = line.partition(" ")
        rest = rest.replace("{tmp}", self.folder).replace("{elbo}", self.program)
        rest = rest.replace("{tests}", str(pathlib.Path(__file__).resolve().parent))
        if word == "run":
            self.run(rest)
        elif word == "fails":
            self.fails(rest)
        elif word in ("stdout", "stderr"):
            sign, _, pattern = rest.partition(" ")
            if sign not in ("~", "!~"):
                raise Failure(f"unknown sign {sign}")
            self.find(word, pattern, sign == "~")
        elif word == "expect_file":
            if not os.path.isfile(rest) or os.path.getsize(rest) == 0:
                raise Failure(f"no such file, or an empty one: {rest}")
        elif word == "absent_file":
            if os.path.lexists(rest):
                raise Failure(f"exists: {rest}")
        elif word == "same":
            self.finish_run()
            one, two = (pathlib.Path(p).read_bytes() for p in shlex.split(rest))
            if one != two:
                raise Failure("the files differ")
        elif word == "shell":
            self.finish_run()
            subprocess.run(["sh", "-ec", rest], cwd=self.folder, check=True, timeout=TIMEOUT,
                           env=self.environment)
        else:
            raise Failure(f"unknown word {word}")


def run_file(program, path):
    """Number of cases, and a message for the first that failed."""
    names = []
    with tempfile.TemporaryDirectory(prefix="elbo-test-") as folder:
        case = Case(program, folder)
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if line.startswith("# name:"):
                names.append(line[7:].strip())
            if not line.strip() or line.startswith("#"):
                continue
            try:
                case.do(line.strip())
            except (Failure, subprocess.SubprocessError, OSError) as error:
                said = case.result and f"\n{case.result.stdout}{case.result.stderr}" or ""
                name = names[-1] if names else ""
                return len(names), f"{path}:{number}: {name}\n  {line}\n  {error}{said}"
        try:
            case.finish_run()
        except Failure as error:
            return len(names), f"{path}: last run: {error}\n{case.result.stderr}"
    return len(names), None


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", required=True)
    parser.add_argument("tests", nargs="*", type=pathlib.Path)
    arguments = parser.parse_args()
    here = pathlib.Path(__file__).resolve().parent
    tests = arguments.tests or sorted(here.glob("*.test"))
    cases, failed = 0, []
    for path in tests:
        count, message = run_file(os.path.abspath(arguments.program), path)
        cases += count
        if message:
            failed.append(message)
    for message in failed:
        print(message, file=sys.stderr)
    if cases == 0:
        sys.exit("no cases found")
    print(f"{cases} cases in {len(tests)} files, {len(failed)} files failed")
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
