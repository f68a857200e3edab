#!/usr/bin/env python3
"""Damages data files and files of runs and hands each mutant to the program. Started by scripts/mutants.sh.

A mutant may be refused (exit 1, one line) or read. Counted are ends by a signal, exits 70, other
exits, hangs, memory above the bound, and silent differences: formats that carry checksums (gzip,
zip, PNG, safetensors' header against its size, TensorBoard's) must not give other rows than before.
"""
import argparse
import collections
import hashlib
import json
import os
import pathlib
import random
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "fuzz"))
import seeds  # noqa: E402

# The reader's name, the harness whose seeds it reads, the file's name.
DATA = [("table", "table", "x.csv"), ("series", "series", "x.csv"), ("text", "text", "x.txt"),
        ("arrays", "npy", "x.npy"), ("arrays", "npz", "x.npz"), ("idx", "idx", "x-idx3-ubyte"),
        ("images", "images", "x.tar"), ("shards", "shards", "x.tar"), ("molecules", "molecules", "x.smi"),
        ("sqlite", "sqlite", "x.db"), ("picture", "picture", "x.png")]
OPTIONS = {"series": ["--window", "3"], "sqlite": []}
RUN_FILES = ("spec.json", "schema.json", "weights.safetensors", "state.safetensors", "log.jsonl",
             "kept.safetensors")
INTERESTING = [0, 1, 0x7f, 0x80, 0xff, 0x0a, 0x22, 0x2c, 0x5b, 0x7b]


def mutant(content, others):
    """Bytes changed, cut, doubled, swapped, spliced; words of JSON and numbers replaced."""
    data = bytearray(content)
    for _ in range(random.choice((1, 1, 1, 2, 4))):
        if not data:
            break
        at = random.randrange(len(data)) if random.random() < 0.5 else random.randrange(min(len(data), 300))
        size = random.randint(1, min(64, len(data)))
        how = random.randrange(10)
        if how < 2:
            data[at] ^= 1 << random.randrange(8)
        elif how == 2:
            data[at] = random.choice(INTERESTING)
        elif how == 3:
            del data[at:at + size]
        elif how == 4:
            data[at:at] = data[at:at + size]
        elif how == 5:
            del data[random.randrange(len(data)):]
        elif how == 6:
            data[at:at + 4] = random.choice((2**31 - 1, 2**32 - 1, 0, 2**20)).to_bytes(4, random.choice(("little", "big")))
        elif how == 7:
            other = random.choice(others)
            data[at:at + size] = other[:size]
        elif how == 8:
            numbers = list(re.finditer(rb"-?\d+(\.\d+)?", data))
            if numbers:
                one = random.choice(numbers)
                data[one.start():one.end()] = random.choice((b"-1", b"1e999", b"99999999999999999999", b"null", b"[]",
                                                             b"nan", b'""', b"0", b"2147483648", b"{}", b"1.5"))
        else:
            words = list(re.finditer(rb'"[^"]{1,40}"', data))
            if words:
                one = random.choice(words)
                data[one.start():one.end()] = random.choice((b'""', b"null", b"[]", b"{}", b"7", b'"\\u0000"',
                                                             random.choice(words)[0], b'"' + b"x" * 5000 + b'"'))
    return bytes(data)


VALUES = [None, True, -1, 0, 1, 2, 7, 2**31, 2**63, 1e308, 0.5, "", "x", "nan", "auto", [], [[]], {}, [1], {"type": "mlp"}, "\u0000",
          "a" * 3000, [0] * 3000, "../../x", "/dev/zero", "builtin:digits"]


def places(node, found):
    """Every member of every list and object, with its holder."""
    for key in list(node) if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ():
        found.append((node, key))
        places(node[key], found)
    return found


def other_json(text):
    """JSON of the same kind with a member replaced, dropped, doubled or swapped with another."""
    found = json.loads(text)
    for _ in range(random.choice((1, 1, 1, 2, 3))):
        all_places = places(found, [])
        if not all_places:
            break
        holder, key = random.choice(all_places)
        how = random.randrange(5)
        if how == 0:
            del holder[key]
        elif how == 1 and isinstance(holder, list):
            holder.insert(key, holder[key])
        elif how == 2:
            other, name = random.choice(all_places)
            try:
                holder[key] = json.loads(json.dumps(other[name]))
            except (KeyError, IndexError):
                pass
        elif how == 3 and isinstance(holder[key], (int, float)):
            holder[key] = random.choice((-1, 2, 0.5, 1000, 10**6, 10**9)) * holder[key]
        else:
            holder[key] = random.choice(VALUES)
    return json.dumps(found).encode()


def run_mutant(file, content, texts):
    """Half of the mutants are JSON still: they get further."""
    if random.random() < 0.4:
        return mutant(content, texts)
    try:
        if file.endswith(".json"):
            return other_json(content)
        if file.endswith(".jsonl"):
            lines = content.splitlines()
            at = random.randrange(len(lines))
            return b"\n".join([*lines[:at], other_json(lines[at]), *lines[at + 1:]]) + b"\n"
        size = int.from_bytes(content[:8], "little")
        header = json.loads(content[8:8 + size])
        facts = header.get("__metadata__", {})
        if facts and random.random() < 0.5:
            name = random.choice(list(facts))
            facts[name] = other_json(facts[name]).decode()
            text = json.dumps(header).encode()
        else:
            text = other_json(content[8:8 + size])
        return len(text).to_bytes(8, "little") + text + content[8 + size:]
    except (ValueError, IndexError, TypeError, OverflowError):
        return mutant(content, texts)


class Judge:
    def __init__(self, program, memory, keep):
        self.program, self.memory, self.keep = program, memory << 20, keep
        self.environment = dict(os.environ, OMP_NUM_THREADS="1", ELBO_PREPARED="1",
                                ELBO_MEMORY=str(memory / 1024))
        self.counts = collections.defaultdict(collections.Counter)

    def run(self, words, folder):
        """Status, results and complaints, peak memory in bytes."""
        with tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as complaints:
            process = subprocess.Popen([self.program, *words], cwd=folder, env=self.environment,
                                       stdin=subprocess.DEVNULL, stdout=said, stderr=complaints)
            until = time.monotonic() + 60
            while True:
                ended, status, usage = os.wait4(process.pid, os.WNOHANG)
                if ended:
                    break
                if time.monotonic() > until:
                    process.kill()
                    os.wait4(process.pid, 0)
                    process.returncode = 0
                    return "hang", "", "", 0
                time.sleep(0.01)
            process.returncode = os.waitstatus_to_exitcode(status)
            said.seek(0)
            complaints.seek(0)
            texts = [file.read().decode(errors="replace") for file in (said, complaints)]
            return process.returncode, *texts, usage.ru_maxrss << 10

    def judge(self, kind, words, folder, file, content, expected):
        """`expected`: what an undamaged file says where checksums guard it, else None."""
        status, said, complaint, memory = self.run(words, folder)
        count = self.counts[kind]
        count["mutants"] += 1
        wrong = ""
        if status == "hang":
            wrong = "hang"
        elif status < 0:
            wrong = "signal"
        elif status == 70:
            wrong = "exit 70"
        elif status not in (0, 1):
            wrong = "other exit"
        elif status == 1 and len(complaint.strip().splitlines()) != 1:
            wrong = "lines"
        elif memory > self.memory:
            wrong = "memory"
        elif status == 0 and expected is not None and said != expected:
            wrong = "silent"
        count["refused" if status == 1 else "read" if status == 0 else "broken"] += 1
        if not wrong:
            return
        count[wrong] += 1
        name = self.keep / f"{kind.replace('/', '_')}-{hashlib.sha256(content).hexdigest()[:12]}"
        name.with_suffix(".bin").write_bytes(content)
        name.with_suffix(".txt").write_text(f"{wrong}: {' '.join(words)} ({file})\n{status} {memory >> 20} MB\n{complaint[-3000:]}\n{said[-3000:]}")
        print(f"{kind}: {wrong}: {complaint.strip()[:200] or status}", file=sys.stderr)


def guarded(reader, content):
    """Whether a format's own checksum covers all that the rows come from."""
    return content[:2] == b"\x1f\x8b" or (reader == "picture" and content[:4] == b"\x89PNG")


def damage_data(judge, count, folder):
    corpus = {name: list((files.values() if isinstance(files, dict) else files))
              for name, files in seeds.corpus().items()}
    everything = [content for files in corpus.values() for content in files]
    for number in range(count):
        reader, harness, file = DATA[number % len(DATA)]
        content = random.choice(corpus[harness])
        place = folder / "data"
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir()
        source = f"{reader}:{file}"
        target = place / file
        if reader == "picture":
            (place / "pictures").mkdir()
            target, source = place / "pictures" / file, "images:pictures"
        words = ["train", source, "--dry-run", "--json", *OPTIONS.get(reader, [])]
        expected = None
        if guarded(reader, content):
            target.write_bytes(content)
            status, said, _, _ = judge.run(words, place)
            expected = said if status == 0 else None
        changed = mutant(content, everything)
        target.write_bytes(changed)
        judge.judge(f"{reader}/{harness}", words, place, file, changed, expected)


def damage_runs(judge, count, folder):
    """Runs of the fixtures, and one of our own with a state."""
    made = folder / "made"
    words = ["train", "builtin:digits", "--rows", "60", "--batch", "20", "--epochs", "1", "-q", "-o", "made"]
    for part in ("encoder", "decoder"):
        words += ["--set", f"{part}.type=mlp", "--set", f"{part}.hidden=[8]"]
    status, _, complaint, _ = judge.run(words, folder)
    assert status == 0, complaint
    runs = [made, *sorted((HERE.parent / "fixtures/runs").iterdir())]
    texts = [p.read_bytes() for run in runs for p in run.iterdir() if p.suffix == ".json"]
    for number in range(count):
        whole = made if number % 3 == 0 else random.choice(runs)
        present = [name for name in RUN_FILES if (whole / name).exists()]
        file = random.choice(present)
        run = folder / "run"
        shutil.rmtree(run, ignore_errors=True)
        shutil.copytree(whole, run)
        target = run / file
        target.chmod(0o644)
        changed = run_mutant(file, target.read_bytes(), texts)
        target.write_bytes(changed)
        resumes = file == "state.safetensors" or (whole == made and number % 2)
        words = (["train", "--resume", "run", "--epochs", "2", "-q"] if resumes
                 else ["sample", "run", "-n", "2", "-q"] if number % 2 == 0
                 else ["evaluate", "run", "-q", "--rows", "3", "--draws", "2", "--metrics", "none",
                       "--data-dir", str(HERE.parent / "fixtures")])
        for old in folder.glob("samples*"):
            old.unlink()
        judge.judge(f"run/{file}", words, folder, file, changed, None)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", required=True)
    parser.add_argument("--count", type=int, required=True, help="of data files, and again of files of runs")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--memory", type=int, default=2048, help="MB that the program may take")
    parser.add_argument("--keep", type=pathlib.Path, default=pathlib.Path("mutants-found"))
    arguments = parser.parse_args()
    random.seed(arguments.seed)
    arguments.keep.mkdir(parents=True, exist_ok=True)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    judge = Judge(str(pathlib.Path(arguments.program).resolve()), arguments.memory, arguments.keep.resolve())
    with tempfile.TemporaryDirectory(prefix="elbo-mutants-") as folder:
        damage_data(judge, arguments.count, pathlib.Path(folder))
        damage_runs(judge, arguments.count, pathlib.Path(folder))
    columns = ("mutants", "read", "refused", "signal", "exit 70", "other exit", "hang", "memory", "silent", "lines")
    print(f"{'':<24}" + "".join(f"{c:>11}" for c in columns))
    total = collections.Counter()
    for kind, count in [*sorted(judge.counts.items()), ("all", total)]:
        total.update(count if kind != "all" else {})
        print(f"{kind:<24}" + "".join(f"{count[c]:>11}" for c in columns))
    return 1 if any(total[c] for c in columns[3:]) else 0


if __name__ == "__main__":
    sys.exit(main())
