#!/usr/bin/env python3
"""Every command of README and docs names a command, options, values, models, metrics, parts and files that exist. Those of
README on built-in data are run, shortened; --all runs those of every page, on stand-ins for the reader's own data."""
import argparse
import collections
import json
import math
import os
import pathlib
import re
import shlex
import sqlite3
import subprocess
import tempfile

import autoencoder_files

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
SHORT = {"train": {"--rows": "300", "--epochs": "1"}, "evaluate": {"--rows": "100", "--draws": "5"}}
PARTS = {"latent", "encoder", "decoder", "posterior", "prior", "likelihood", "objective", "train"}
FILES = re.compile(r"(?<![\w/.-])((?:scripts|bench|examples|tools|zoo|cmake)/[\w./-]+\.(?:sh|py|cpp|json|mjs|cmake))")
# Words of a document that stand for somebody's own.
PLACEHOLDER = re.compile(r"[A-Z_]+|…|\.\.\.|NAME.*")


class Program:
    def __init__(self, path):
        self.path = os.path.abspath(path)
        self.environment = {k: v for k, v in os.environ.items() if k != "ELBO_DATA"}
        self.environment.update(OMP_NUM_THREADS="1", ELBO_PREPARED="1")
        self.pages = {}
        listed = re.findall(r"^ +([\w-]+),(-[\w-]+)\) words=\"(.*)\" ;;$", self.run(["completion", "bash"]).stdout, re.M)
        self.values = {(command, flag): set(words.split()) for command, flag, words in listed}

    def run(self, words, folder="."):
        return subprocess.run([self.path, *words], cwd=folder, env=self.environment, text=True, errors="replace",
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
    for block in re.finditer(r"^```(?:sh|bash|console)?\n(.*?)^```", text, re.M | re.S):
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
        if command in ("train", "sweep") and name in ("--model", "-m") and not value.endswith(".json") and not PLACEHOLDER.fullmatch(value):
            if value not in names["models"]:
                yield f"no model {value}"
        words_known = program.values.get((command, name))
        if words_known and name not in ("--model", "-m", "--metrics") and not PLACEHOLDER.fullmatch(value):
            if value not in words_known:
                yield f"{command} {name} has no value {value}"
        if command in ("train", "sweep") and name in ("--set", "-s", "--over"):
            part = re.split(r"[.=]", value)[0]
            flag = "--" + part.replace("_", "-")
            if part not in PARTS and not (name == "--over" and flag in known) and not PLACEHOLDER.fullmatch(part):
                yield f"no part {part}"
        if word.startswith("builtin:") and word[8:] not in names["builtin"] and not PLACEHOLDER.fullmatch(word[8:]):
            yield f"no data {word}"
        if name == "--metrics":
            for metric in value.split(","):
                if metric not in names["metrics"] | {"all", "none"} and not PLACEHOLDER.fullmatch(metric):
                    yield f"no metric {metric}"


def check_names(program):
    names, count, bad = program.names(), 0, []
    for path in PAGES:
        bad += [f"{path.relative_to(ROOT)}: {file}: no such file"
                for file in FILES.findall(path.read_text()) if "NAME" not in file and not (ROOT / file).exists()]
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


PUBLISHED = "autoencoders/now"  # an image autoencoder as diffusers writes it


def bits(path, shape):
    """A NumPy file of that shape."""
    header = repr({"descr": "|b1", "fortran_order": False, "shape": shape}).ljust(117) + "\n"
    data = bytes(i % 3 == 0 for i in range(math.prod(shape)))
    path.write_bytes(b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode() + data)


class StandIns:
    """What stands for a reader's own data and runs."""

    def __init__(self, program, folder):
        self.program, self.folder, self.count = program, folder, 0
        place = pathlib.Path(folder)
        people = ["age,city,sex,income"] + [f"{20 + i * 7 % 60},{'abc'[i % 3]},{'mf'[i % 2]},{900 + i * 37 % 500}" for i in range(120)]
        people[5:7] = ["31,,m,1000", ",b,f,"]
        log = ["time,load,heat"] + [f"2024-01-01 {i // 60:02}:{i % 60:02}:00,{i * 37 % 19},{20 + i % 24}" for i in range(300)]
        texts = [f"the {a} cow {b} the hen, and so it goes on" for a in ("old", "red", "shy", "wet") for b in ("eats", "sees", "hears", "likes")] * 4
        smiles = ["C" * i + "O" + "C" * k for i in range(1, 9) for k in range(8)]
        for lines, names in ((people, "people gaps new train rows survey customers"), (log, "log sensors")):
            for name in names.split():
                (place / (name + ".csv")).write_text("\n".join(lines) + "\n")
        for name in ("FILE", "speeches", "four"):
            (place / (name + ".txt")).write_text("\n".join(texts) + "\n")
        for name in ("FILE", "drugs", "train", "held_out"):
            (place / (name + ".smi")).write_text("\n".join(smiles) + "\n")
        with sqlite3.connect(place / "shop.db") as shop:
            shop.execute("create table customers (age real, city text)")
            shop.executemany("insert into customers values (?, ?)", [(20 + i % 50, "abc"[i % 3]) for i in range(100)])
        self.data = {}
        nets = ["--set", "encoder=mlp", "--set", "decoder=mlp"]
        self.run_of("digits", "builtin:digits", *nets)
        self.run_of("classes", "builtin:digits", "--condition", "label", *nets)
        self.run_of("table", "people.csv")
        self.run_of("series", "log.csv")
        self.run_of("texts", "FILE.txt")
        self.run_of("molecules", "FILE.smi")
        for words in (["sample", "digits", "-n", "8", "-o", "photos/"], ["sample", "digits", "-n", "8", "-o", "faces/smile/"],
                      ["sample", "digits", "-n", "8", "--seed", "1", "-o", "faces/neutral/"],
                      ["encode", "digits", "-o", "codes.npy"], ["encode", "digits", "-o", "data.npy"]):
            os.makedirs(os.path.join(folder, words[-1]), exist_ok=True) if words[-1].endswith("/") else None
            done = program.run(words, folder)
            assert done.returncode == 0, (words, done.stderr)
        self.run_of("faces", "faces/", *nets)
        self.run_of("rows", "people.csv", "--model", "synthetic")
        bits(place / "test.npy", (8, 1, 28, 28))
        (place / "autoencoders").mkdir()
        autoencoder_files.main(place / "autoencoders")
        done = program.run(["import", PUBLISHED, "--out", "autoencoder"], folder)
        assert done.returncode == 0, done.stderr
        self.data["autoencoder"] = "photos/"

    def run_of(self, name, data, *options):
        done = self.program.run(["train", data, "--out", name, "--rows", "200", "--steps", "3", *options], self.folder)
        if done.returncode == 0:  # molecules need their library
            self.data[name] = data

    def new_name(self, ending=""):
        self.count += 1
        return f"made{self.count}{ending}"


# Commands that are not run, by their name or a word of theirs.
ONLY_READ = {"serve": "waits for clients", "doctor": "measures the machine", "--interactive": "needs onnxruntime-web",
             "--query": "is about a table of the reader's", "shards:": "needs shards", "--device": "needs a GPU",
             "--property": "needs RDKit", "optimize": "needs RDKit", "--data-dir": "needs a folder of data",
             "--labels": "needs labels of the reader's",
             "--token-file": "waits for clients"}


# Which stand-in a word suggests; the others are tried after it.
HINTS = {"gaps.csv": "table", "new.csv": "table", "--where": "table", "table_": "table", "smile": "faces", "___": "texts",
         "--alone": "rows", "compress": "digits", "latents": "autoencoder", "--diffusers": "autoencoder", ".txt": "texts", "--temperature": "texts", "--condition": "classes", "sensors": "series", ".smi": "molecules"}


def candidates(words, runs):
    line = " ".join(words)
    hinted = [run for word, run in HINTS.items() if word in line and run in runs]
    return list(dict.fromkeys([*hinted, *runs]))


# What a command says that has no stand-in.
OWN = re.compile("[Nn]o such f|lacks the column|no --out RUN given|is required|expected POSITIVES:NEGATIVES")


def why_not(words):
    if "-" in words[1:] and words[words.index("-") - 1] != "-o":
        return "reads standard input"
    if len(words) < 2 and words[0] not in ("list", "man"):
        return "is a name in a sentence"
    if words[0] == "train" and words[1].startswith("--") and words[1] not in ("--resume", "--from"):
        return "is a name in a sentence"
    if words[0] == "train" and "--from" in words:
        return "is a second stage of the run before"
    for word in words:
        if "…" in word or "..." in word or re.fullmatch(r"NAMES?", word.split("=")[-1]):
            return "leaves something out"
    for name, reason in ONLY_READ.items():
        if any(word == name or word.startswith(name) and name.endswith(":") for word in words):
            return reason
    return None


def on_stand_ins(words, run, made, place):
    """A command with stand-ins in place of what is the reader's own; `run` for its run."""
    command, rest = words[0], list(words[1:])
    drop = {"--epochs", "--steps", "--rows", "--lr", "--batch", "--judged", "--draws", "--types", "--weight", "--seed",
            "--label-seed", "--jobs"} if command in ("train", "evaluate", "sweep") else set()
    out, at = [], 0
    while at < len(rest):
        word, value = rest[at], rest[at + 1] if at + 1 < len(rest) else ""
        at += 1
        if word in drop:
            at += 1
        elif word in ("-o", "--out", "--onnx", "--card"):
            ending = "/" if value.endswith("/") else os.path.splitext(value)[1] if value != "-" else ""
            name = value if value == "-" else place.new_name(ending)
            if command in ("train", "compress", "encode") and not PLACEHOLDER.fullmatch(value):
                made[value] = name
            out += [word, name]
            at += 1
        elif word in made or word in ("RUN", "A", "B", "C") or word.startswith("runs/") or word == "run":
            out.append(made.get(word, run))
        elif command == "import" and word == "--side":
            out += [word, value]
            at += 1
        elif command == "import" and not word.startswith("-"):
            out.append(PUBLISHED)
        elif command == "compress" and word in ("FILE", "table.csv"):
            out.append("people.csv" if run == "rows" else "test.npy")
        elif word in ("DATA", "x.csv") or word.startswith("mnist:") or word == "FOLDER":
            out.append(place.data.get(run, "builtin:digits") if command != "train" else "builtin:digits")
        else:
            out.append(word)
    short = {"train": ["--rows", "200", "--steps", "2"], "sweep": ["--rows", "100", "--steps", "1"],
             "evaluate": ["--rows", "60", "--draws", "2"]}.get(command, [])
    if "--resume" in out:
        short = ["--epochs", "2"]
    return [command, *out, *short]


def check_all_run(program, pages):
    """Commands of these pages on stand-ins: each must do with one of the runs that stand in for the reader's."""
    read, bad, count = collections.Counter(), [], 0
    with tempfile.TemporaryDirectory(prefix="elbo-documented-") as folder:
        place = StandIns(program, folder)
        for path in pages:
            made = {}
            for line, words in dict.fromkeys((line, tuple(words)) for line, words in commands(path)):
                if not words or PLACEHOLDER.fullmatch(words[0]) or words[0].startswith("-"):
                    continue
                reason = "takes hours, and data from elsewhere" if path.name == "results.md" else why_not(words)
                if reason:
                    read[f"{' '.join(words)}: {reason}"] += 1
                    continue
                said = ""
                for run in candidates(words, place.data):
                    done = program.run(on_stand_ins(words, run, made, place), folder)
                    said = done.stderr.strip().splitlines()[-1:] if done.returncode else None
                    if said is None:
                        break
                count += 1
                if said and OWN.search(said[0]):
                    read[f"{' '.join(words)}: is about a file or a run of the reader's"] += 1
                elif said is not None:
                    bad.append(f"{path.name}:{line}: elbo {' '.join(words)}: {said}")
                    print("failed: " + bad[-1], flush=True)
    for command in sorted(read):
        print("only read: elbo " + command)
    assert not bad, "\n".join(bad)
    return count


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", required=True)
    parser.add_argument("--all", action="store_true", help="run the commands of every page, which takes minutes")
    asked = parser.parse_args()
    program = Program(asked.program)
    named, as_they_are = check_names(program), check_runs(program)
    on_others = check_all_run(program, PAGES) if asked.all else 0
    print(f"{named} commands name what exists; {as_they_are} were run as they are, {on_others} on stand-ins")


if __name__ == "__main__":
    main()
