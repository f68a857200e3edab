#!/usr/bin/env python3
"""Kills trainings at random moments and checks that nothing is lost.

After every kill -9 the run must open (or say that it has no weights yet), and training goes on.
In the end the log must be that of a training nobody disturbed, byte for byte.
"""
import argparse
import pathlib
import random
import sys
import tempfile
import time

import zygote

TIMEOUT = 1800
SMALL = ["--log-every", "4", "-q", "--set", "encoder={\"type\":\"mlp\",\"hidden\":[16]}",
         "--set", "decoder={\"type\":\"mlp\",\"hidden\":[16]}", "--set", "latent.size=2"]
DIGITS = ["builtin:digits", "--rows", "300", "--batch", "30", "--epochs", "60", "--checkpoint-every", "12"]
# What is kept between two steps differs from kind to kind.
KINDS = {
    "vae": [*DIGITS, *SMALL],
    "averaged": [*DIGITS, *SMALL, "--average", "0.99"],
    "last weights": [*DIGITS, *SMALL, "--keep", "last", "--clip", "1"],
    "adamax, patience": [*DIGITS, *SMALL, "--optimizer", "adamax", "--patience", "50"],
    "importance": [*DIGITS, *SMALL, "-m", "iwae", "--set", "objective.samples=5"],
    "warm-up": [*DIGITS, *SMALL, "-m", "warmup_vae"],
    "adversary": [*DIGITS, *SMALL, "-m", "factor_vae", "--set", "objective.critic={\"type\":\"mlp\",\"hidden\":[16]}"],
    "prior of exemplars": [*DIGITS, *SMALL, "-m", "vamp_vae"],
    "codebook": [*DIGITS[:5], "--epochs", "20", "--checkpoint-every", "12", *SMALL[:3], "-m", "vq_vae_ema"],
    "classes": [*DIGITS, *SMALL, "--condition", "label"],
    "table": ["TABLE", "--batch", "20", "--epochs", "40", "--checkpoint-every", "12", *SMALL],
    "text": ["TEXT", "--batch", "20", "--epochs", "10", "--checkpoint-every", "7", "--log-every", "4", "-q",
             "--set", "latent.size=2"],
}


class Program:
    """Forked children of a program that is loaded, where there is one; each `alone`-th is a process of its own."""

    def __init__(self, trials, same_number, each_alone):
        self.trials, self.same_number, self.each_alone, self.kills = trials, same_number, each_alone, 0

    def run(self, folder, *words, limit=TIMEOUT):
        self.kills += limit != TIMEOUT
        if not self.trials.zygote or (limit != TIMEOUT and self.kills % self.each_alone == 0):
            return self.trials.started(words, folder, limit)
        return self.trials.forked(words, folder, limit, **({"alone": True} if self.same_number else {}))


def expect(ok, message):
    if not ok:
        sys.exit(f"kill test: {message}")


def check_opens(program, run, scratch):
    """A run opens, or says that it is too young; a folder before its spec is no run at all."""
    if not (run / "spec.json").exists():
        return
    ended = program.run(scratch, "sample", run, "-n", "2", "-o", "x.npy")
    young = ended.status == 1 and "no weights yet" in ended.complaint
    expect(ended.status == 0 or young, f"after a kill `elbo sample` exits {ended.status}: {ended.complaint}")


def disturbed(program, run, scratch, train, longest, kills):
    """Trains to the end under kills; returns how many hit."""
    hits = 0
    while True:
        begun = (run / "spec.json").exists()
        # Several in one training: more often soon after its start than late.
        limit = {"limit": random.uniform(0, longest) * random.random()} if hits < kills else {}
        ended = program.run(scratch, "train", *(["--resume", run, "-q"] if begun else train), **limit)
        if ended.status == 0:
            return hits
        expect(ended.late and ended.status == -9, f"training exits {ended.status}: {ended.complaint}")
        hits += 1
        check_opens(program, run, scratch)


def data_of(folder, words):
    """Writes the files that a kind reads."""
    random_rows = random.Random(0)
    table, text = folder / "t.csv", folder / "t.txt"
    table.write_text("age,city\n" + "".join(
        f"{random_rows.randint(1, 90)},{random_rows.choice('abc')}\n" for _ in range(200)))
    text.write_text("".join(f"{random_rows.choice(['a cat', 'the dog'])} {random_rows.choice(['sat', 'ran away'])}\n"
                            for _ in range(200)))
    return [{"TABLE": str(table), "TEXT": str(text)}.get(word, word) for word in words]


def one_round(program, words, seed, kills):
    """Trainings of one kind, undisturbed and under kills; returns how many kills hit."""
    with tempfile.TemporaryDirectory(prefix="elbo-kill-", dir=zygote.scratch()) as folder:
        scratch = pathlib.Path(folder)
        train = data_of(scratch, words) + ["--seed", str(seed)]
        whole, run = scratch / "whole", scratch / "run"
        begin = time.monotonic()
        ended = program.run(scratch, "train", *train, "--out", whole)
        longest = time.monotonic() - begin
        expect(ended.status == 0, f"training exits {ended.status}: {ended.complaint}")
        hits = disturbed(program, run, scratch, [*train, "--out", run], longest, kills)
        for name in ("log.jsonl", "weights.safetensors"):
            expect((whole / name).read_bytes() == (run / name).read_bytes(),
                   f"{name} differs from that of an undisturbed training: {' '.join(words)}")
        left = [p.name for p in run.iterdir() if p.name.endswith(".tmp")]
        expect(not left, f"a killed writer has left {left}")
        return hits


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", required=True)
    parser.add_argument("--kills", type=int, default=3, help="of each kind of training")
    parser.add_argument("--most", type=int, default=10, help="kills of one training")
    parser.add_argument("--kinds", default="vae", help="with commas, or all")
    parser.add_argument("--same-number", action="store_true",
                        help="every training has the process number 1 (needs root)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--zygote", help="tests/zygote, built: kills hit its forked children")
    parser.add_argument("--each-alone", type=int, default=20, help="one kill of so many hits a process of its own")
    arguments = parser.parse_args()
    random.seed(arguments.seed)
    # The first process of a container has the number 1 each time.
    before = ["unshare", "--pid", "--fork", "--kill-child=KILL", "--mount-proc"] if arguments.same_number else []
    with zygote.Trials(arguments.program, arguments.zygote, before=before) as trials:
        program = Program(trials, arguments.same_number, arguments.each_alone)
        kill_all(program, arguments)


def kill_all(program, arguments):
    all_kills = all_rounds = 0
    for kind in KINDS if arguments.kinds == "all" else arguments.kinds.split(","):
        kills = rounds = 0
        while kills < arguments.kills:
            kills += one_round(program, KINDS[kind], rounds, min(arguments.most, arguments.kills - kills))
            rounds += 1
        print(f"{kind:<20} {kills:>5} kills in {rounds:>3} trainings", flush=True)
        all_kills, all_rounds = all_kills + kills, all_rounds + rounds
    print(f"{all_kills} kills in {all_rounds} trainings, every run opened and ended as undisturbed; "
          f"{program.trials.forks} forked, {program.trials.starts} started")


if __name__ == "__main__":
    main()
