#!/usr/bin/env python3
"""Every command of README and docs names a command, options, models, metrics and parts that exist; those of
README on built-in data are run, shortened."""
import argparse
import json
import os
import pathlib
import re
import shlex
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SHORT = {"train": {"--rows": "300", "--epochs": "1"}, "evaluate": {"--rows": "100", "--draws": "5"}}
# Words of a document that stand for somebody's own.
PLACEHOLDER = re.compile(r"[A-Z_]+|…|\.\.\.|NAME.*")


class Program:
    def __init__(self, path):
        self.path = os.path.abspath(path)
        self.environment = {k: v for k, v in os.environ.items() if k != "ELBO_DATA"}
        self.environment.update(OMP_NUM_THREADS="1", ELBO_PREPARED="1")
        self.pages = {}

    def run(self, words, folder="."):
        return subprocess.run([self.path, *words], cwd=folder, env=self.environment, text=True,
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=600)

    def options(self, command):
        """The options of a command as its help shows them; None where there is no such command."""
        if command not in self.pages:
            done = self.run([command, "--help"])
            names = re.findall(r"(?<![\w-])(--?[a-zA-Z][\w-]*)", done.stdout)
            self.pages[command] = set(names) if done.returncode == 0 else None
        return self.pages[command]

    def names(self):
        listed = json.loads(self.run(["list", "--json"]).stdout)
        return {kind: {entry["name"] for entry in entries} for kind, entries in listed.items()}


def commands(path):
    """(line, words) of every command in code blocks and between backticks."""
    text = path.read_text()
    found = []
    for block in re.finditer(r"^```(?:sh|bash|console)\n(.*?)^```", text, re.M | re.S):
        first = text.count("\n", 0, block.start()) + 2
        body = re.sub(r"\\\n", "  ", block[1])
        for number, line in enumerate(body.splitlines()):
            found.append((first + number, line))
    for inline in re.finditer(r"`((?:build/)?elbo [^`]*)`", re.sub(r"^```.*?^```", "", text, flags=re.M | re.S)):
        found.append((0, inline[1].replace("\\|", "|").replace("\n", " ")))
    for number, line in found:
        line = re.sub(r"^\s*(\$ )?", "", line)
        line = re.sub(r"^(\w+=\S+ )+", "", line)
        if not re.match(r"(build/)?elbo\s", line):
            continue
        line = re.split(r" (?:\||>|2>|&&|;) ?", line)[0]
        try:
            words = shlex.split(line, comments=True)
        except ValueError:
            continue  # a fragment of a sentence
        yield number, words[1:]


def faults(program, names, words):
    """What of a command does not exist."""
    if not words or PLACEHOLDER.fullmatch(words[0]):
        return
    command, rest = words[0], words[1:]
    if command in ("help", "--help", "--version", "-V", "-h"):
        return
    known = program.options(command)
    if known is None:
        yield f"no command {command}"
        return
    if command == "sweep":
        known = known | program.options("train")
    for i, word in enumerate(rest):
        value = rest[i + 1] if i + 1 < len(rest) else ""
        name, equals, inside = word.partition("=")
        value = inside if equals else value
        if re.match(r"--?[a-zA-Z]", word) and name not in known:
            yield f"{command} has no option {name}"
        if name in ("--model", "-m") and not value.endswith(".json") and not PLACEHOLDER.fullmatch(value):
            if value not in names["models"]:
                yield f"no model {value}"
        if name == "--metrics":
            for metric in value.split(","):
                if metric not in names["metrics"] | {"all", "none"} and not PLACEHOLDER.fullmatch(metric):
                    yield f"no metric {metric}"


def check_names(program):
    names, count, bad = program.names(), 0, []
    for path in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]:
        for line, words in commands(path):
            count += 1
            bad += [f"{path.relative_to(ROOT)}:{line}: {' '.join(words)}: {fault}"
                    for fault in faults(program, names, words)]
    assert not bad, "\n".join(bad)
    assert count > 100, f"only {count} commands found: the documents are no longer read"
    return count


def shortened(words):
    """With the options of SHORT in place of the command's own."""
    short, words = SHORT.get(words[0], {}), list(words)
    for name in short:
        if name in words:
            at = words.index(name)
            del words[at : at + 2]
    return words + [word for pair in short.items() for word in pair]


def lacks_file(words, folder):
    """Whether a command reads what only its reader has."""
    for before, word in zip(["", *words], words):
        if PLACEHOLDER.fullmatch(word):
            return True
        if before not in ("-o", "--out") and re.search(r"\.(csv|npy|smi|txt|db)$", word):
            if not os.path.exists(os.path.join(folder, word)):
                return True
    return False


def check_runs(program):
    """README's commands on built-in data and on the runs that they make, in order."""
    count, made = 0, set()
    with tempfile.TemporaryDirectory(prefix="elbo-documented-") as folder:
        for _, words in commands(ROOT / "README.md"):
            command, rest = words[0], words[1:]
            if command in ("serve", "doctor") or len(rest) == 0 or lacks_file(rest, folder):
                continue
            trains = command == "train" and rest[0].startswith("builtin:") and "--out" in rest
            if not trains and rest[0] not in made:
                continue
            if trains and rest[rest.index("--out") + 1] in made:
                continue
            done = program.run(shortened(words), folder)
            assert done.returncode == 0, (words, done.stderr)
            count += 1
            if trains:
                made.add(rest[rest.index("--out") + 1])
    assert count > 0
    return count


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", required=True)
    program = Program(parser.parse_args().program)
    print(f"{check_names(program)} commands name what exists, {check_runs(program)} were run")


if __name__ == "__main__":
    main()
