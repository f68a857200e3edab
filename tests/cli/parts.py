#!/usr/bin/env python3
"""The parts of --shard put together are the whole; what is not there is refused by name."""
import argparse
import math
import pathlib
import subprocess
import sys
import tempfile


def run(program, *arguments):
    done = subprocess.run([program, *map(str, arguments)], capture_output=True, text=True,
                          timeout=1800)
    return done.returncode, done.stdout + done.stderr


def must(program, *arguments):
    status, text = run(program, *arguments)
    assert status == 0, (arguments, text)


def same(part, whole):
    """libtorch rounds the last elements of a block in another way than those before them."""
    if part == whole:
        return True
    pairs = list(zip(part.split(","), whole.split(","), strict=True))
    return all(a == b or math.isclose(float(a), float(b), rel_tol=1e-6, abs_tol=1e-6) for a, b in pairs)


def check_union(program, folder, model, task, *options):
    whole = folder / f"{task}.csv"
    must(program, task, model, "builtin:digits", "--rows", 100, "-o", whole, *options)
    header, *rows = whole.read_text().splitlines()
    assert len(rows) == 100
    found = []
    for part in (1, 2, 3):
        out = folder / f"{task}-{part}.csv"
        must(program, task, model, "builtin:digits", "--rows", 100, "--shard", f"{part}/3", "-o",
             out, *options)
        first, *more = out.read_text().splitlines()
        assert first == header
        assert len(more) in (33, 34), len(more)
        found += more
    assert len(found) == len(rows)
    for part, whole in zip(found, rows):
        assert same(part, whole), (part, whole)


def check_refusals(program, model):
    for shard, word in (("0/3", "0/3"), ("4/3", "4/3"), ("x", "NUMBER/COUNT"), ("1/3x", "1/3x")):
        status, text = run(program, "encode", model, "builtin:digits", "--shard", shard, "-o",
                           "never.csv")
        assert status == 1 and word in text, (shard, text)
    status, text = run(program, "encode", model, "builtin:digits", "--shard", "1/3")
    assert status == 1 and "-o" in text, text


def check_devices(program, folder):
    status, text = run(program, "train", "builtin:digits", "-o", folder / "x", "--device", "abacus")
    assert status == 1 and 'unknown "abacus"' in text and "found: cpu" in text, text
    status, text = run(program, "train", "builtin:digits", "-o", folder / "x", "--device",
                       "cuda:99")
    assert status == 1 and "cuda:99" in text and "found: cpu" in text, text
    assert not (folder / "x").exists()


def check_cache(program, folder):
    table = folder / "rows.csv"
    table.write_text("a,b,kind\n" + "".join(f"{i * 0.5},{i % 7},{'xyz'[i % 3]}\n"
                                             for i in range(300)))
    cache = folder / "cache"
    # One thread: the log says how many there were, which depends on what else runs.
    train = ["train", table, "--epochs", 1, "-q", "--cache", cache, "--threads", 1]
    must(program, *train, "-o", folder / "first")
    assert len(list(cache.glob("*.rows"))) == 1, list(cache.iterdir())
    must(program, *train, "-o", folder / "second")
    logs = [(folder / name / "log.jsonl").read_text() for name in ("first", "second")]
    assert logs[0] == logs[1]
    kept = next(cache.glob("*.rows"))
    kept.write_bytes(kept.read_bytes()[:-4])  # damaged: read anew
    must(program, *train, "-o", folder / "third")
    assert (folder / "third" / "log.jsonl").read_text() == logs[0]
    table.write_text(table.read_text().replace("0.5,", "7.5,"))  # changed: another entry
    must(program, *train, "-o", folder / "fourth")
    assert (folder / "fourth" / "log.jsonl").read_text() != logs[0]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", required=True)
    program = parser.parse_args().program
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        model = folder / "run"
        must(program, "train", "builtin:digits", "--rows", 500, "-m", "vae_mlp", "--epochs", 1, "-q",
             "-o", model)
        check_union(program, folder, model, "encode")
        check_union(program, folder, model, "reconstruct")
        check_union(program, folder, model, "score")
        check_refusals(program, model)
        check_devices(program, folder)
        check_cache(program, folder)


if __name__ == "__main__":
    sys.exit(main())
