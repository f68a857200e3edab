#!/usr/bin/env python3
"""Damages data files and files of runs and hands each mutant to the program. Started by scripts/mutants.sh.

A mutant may be refused (exit 1, one line) or read. Counted are ends by a signal, exits 70, other
exits, hangs, memory above the bound, and silent differences: formats that carry checksums (gzip,
zip, PNG, safetensors' header against its size, TensorBoard's) must not give other rows than before.

Trials are forked children of a program that is loaded (--zygote); one in --both runs again as a
process of its own and must say the same.
"""
import argparse
import collections
import copy
import hashlib
import json
import pathlib
import random
import re
import resource
import shutil
import signal
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).parent
sys.path[:0] = [str(HERE.parent / "fuzz"), str(HERE.parent / "cli")]
import seeds  # noqa: E402
import zygote  # noqa: E402

# The reader's name, the harness whose seeds it reads, the file's name.
DATA = [("table", "table", "x.csv"), ("series", "series", "x.csv"), ("text", "text", "x.txt"),
        ("arrays", "npy", "x.npy"), ("arrays", "npz", "x.npz"), ("idx", "idx", "x-idx3-ubyte"),
        ("images", "images", "x.tar"), ("shards", "shards", "x.tar"), ("molecules", "molecules", "x.smi"),
        ("sqlite", "sqlite", "x.db"), ("picture", "picture", "x.png")]
OPTIONS = {"series": ["--window", "3"], "sqlite": []}
RUN_FILES = ("spec.json", "schema.json", "weights.safetensors", "state.safetensors", "log.jsonl",
             "kept.safetensors")
WORK = 20  # seconds of a processor, after which a trial hangs
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
            holder[key] = copy.deepcopy(random.choice(VALUES))  # later changes are of this one alone
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
    def __init__(self, trials, memory, keep, both):
        self.trials, self.memory, self.keep, self.both = trials, memory << 20, keep, both
        self.counts = collections.defaultdict(collections.Counter)
        self.done = 0

    def run(self, words, folder):
        # A child that takes all memory would end others than itself.
        return self.trials.run(words, folder, work=WORK, data=2 * self.memory)

    def judge(self, kind, words, prepare, folder, file, content, expected):
        """`expected`: what an undamaged file says where checksums guard it, else None."""
        prepare()
        found = self.run(words, folder)
        wrong = self.fault(found, expected)
        self.done += 1
        if self.both and self.trials.zygote and self.done % self.both == 0:
            prepare()
            alone = self.trials.started(words, folder, work=WORK)
            wrong = wrong or self.fault(alone, expected) or ("unlike" if alone.told() != found.told() else "")
            if wrong == "unlike":
                found.complaint += f"\nas a process of its own: {alone.status}\n{alone.complaint}\n{alone.said}"
        count = self.counts[kind]
        count["mutants"] += 1
        count["refused" if found.status == 1 else "read" if found.status == 0 else "broken"] += 1
        if not wrong:
            return
        count[wrong] += 1
        name = f"{kind.replace('/', '_')}-{hashlib.sha256(content).hexdigest()[:12]}"
        (self.keep / f"{name}.bin").write_bytes(content)
        (self.keep / f"{name}.txt").write_text(f"{wrong}: {' '.join(words)} ({file})\n{found.status} {found.memory >> 20} MB\n"
                                            f"{found.complaint[-3000:]}\n{found.said[-3000:]}")
        print(f"{kind}: {wrong}: {found.complaint.strip()[:200] or found.status}", file=sys.stderr, flush=True)

    def fault(self, found, expected):
        """What a trial has done that it may not; empty: nothing."""
        if found.late or found.status == -signal.SIGXCPU:
            return "hang"
        if found.status < 0:
            return "signal"
        if found.status == 70:
            return "exit 70"
        if found.status not in (0, 1):
            return "other exit"
        if found.status == 1 and len(found.complaint.strip().splitlines()) != 1:
            return "lines"
        if found.memory > self.memory:
            return "memory"
        return "silent" if found.status == 0 and expected is not None and found.said != expected else ""


def guarded(reader, content):
    """Whether a format's own checksum covers all that the rows come from."""
    return content[:2] == b"\x1f\x8b" or (reader == "picture" and content[:4] == b"\x89PNG")


def damage_data(judge, count, folder):
    corpus = {name: list((files.values() if isinstance(files, dict) else files))
              for name, files in seeds.corpus().items()}
    everything = [content for files in corpus.values() for content in files]
    whole = {}  # what undamaged files say
    place = folder / "data"
    for number in range(count):
        reader, harness, file = DATA[number % len(DATA)]
        content = random.choice(corpus[harness])
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
            if (reader, content) not in whole:
                target.write_bytes(content)
                found = judge.run(words, place)
                whole[reader, content] = found.said if found.status == 0 else None
            expected = whole[reader, content]
        changed = mutant(content, everything)
        judge.judge(f"{reader}/{harness}", words, lambda to=target, what=changed: to.write_bytes(what), place, file,
                    changed, expected)


def damage_runs(judge, count, folder):
    """Runs of the fixtures, and one of our own with a state."""
    made = folder / "made"
    words = ["train", "builtin:digits", "--rows", "60", "--batch", "20", "--epochs", "1", "-q", "-o", "made"]
    for part in ("encoder", "decoder"):
        words += ["--set", f"{part}.type=mlp", "--set", f"{part}.hidden=[8]"]
    found = judge.run(words, folder)
    assert found.status == 0, found.complaint
    runs = [made, *sorted((HERE.parent / "fixtures/runs").iterdir())]
    texts = [p.read_bytes() for run in runs for p in run.iterdir() if p.suffix == ".json"]
    run = folder / "run"
    for number in range(count):
        whole = made if number % 3 == 0 else random.choice(runs)
        present = [name for name in RUN_FILES if (whole / name).exists()]
        file = random.choice(present)
        changed = run_mutant(file, (whole / file).read_bytes(), texts)
        resumes = file == "state.safetensors" or (whole == made and number % 2)
        words = (["train", "--resume", "run", "--epochs", "2", "-q"] if resumes
                 else ["sample", "run", "-n", "2", "-q"] if number % 2 == 0
                 else ["evaluate", "run", "-q", "--rows", "3", "--draws", "2", "--metrics", "none",
                       "--data-dir", str(HERE.parent / "fixtures")])

        def prepare(whole=whole, file=file, changed=changed):
            shutil.rmtree(run, ignore_errors=True)
            shutil.copytree(whole, run)
            (run / file).chmod(0o644)
            (run / file).write_bytes(changed)
            for old in folder.glob("samples*"):
                old.unlink()
        judge.judge(f"run/{file}", words, prepare, folder, file, changed, None)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", required=True)
    parser.add_argument("--count", type=int, required=True, help="of data files, and again of files of runs")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--memory", type=int, default=2048, help="MB that the program may take")
    parser.add_argument("--keep", type=pathlib.Path, default=pathlib.Path("mutants-found"))
    parser.add_argument("--zygote", help="tests/zygote, built")
    parser.add_argument("--both", type=int, default=20)
    arguments = parser.parse_args()
    random.seed(arguments.seed)
    arguments.keep.mkdir(parents=True, exist_ok=True)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    bound = {"ELBO_MEMORY": str(arguments.memory / 1024)}
    began = time.monotonic()
    with (zygote.Trials(arguments.program, arguments.zygote, bound) as trials,
          tempfile.TemporaryDirectory(prefix="elbo-mutants-", dir=zygote.scratch()) as folder):
        judge = Judge(trials, arguments.memory, arguments.keep.resolve(), arguments.both)
        damage_data(judge, arguments.count, pathlib.Path(folder))
        damage_runs(judge, arguments.count, pathlib.Path(folder))
    columns = ("mutants", "read", "refused", "signal", "exit 70", "other exit", "hang", "memory", "silent", "lines", "unlike")
    print(f"{'':<24}" + "".join(f"{c:>11}" for c in columns))
    total = collections.Counter()
    for kind, count in [*sorted(judge.counts.items()), ("all", total)]:
        total.update(count if kind != "all" else {})
        print(f"{kind:<24}" + "".join(f"{count[c]:>11}" for c in columns))
    print(f"{trials.forks} forked, {trials.starts} started, {time.monotonic() - began:.0f} s")
    return 1 if any(total[c] for c in columns[3:]) else 0


if __name__ == "__main__":
    sys.exit(main())
