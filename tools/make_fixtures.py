#!/usr/bin/env python3
"""Writes tests/fixtures: tiny data, a small run for each kind of model, and in expected.json what the
program made of them. Later versions must load, evaluate and resume these runs (tests/cli/fixtures.py),
so they are made anew only where a format is given up on purpose.
"""
import argparse
import json
import os
import pathlib
import random
import shutil
import struct
import subprocess
import sys
import zlib

HERE = pathlib.Path(__file__).resolve().parent.parent / "tests" / "fixtures"
sys.path.insert(0, str(HERE.parent / "cli"))
import fixtures  # noqa: E402

STEPS = 10
DENSE = ["encoder={\"type\":\"mlp\",\"hidden\":[4]}", "decoder={\"type\":\"mlp\",\"hidden\":[4]}"]
CONVOLUTIONS = ["encoder={\"type\":\"conv\",\"channels\":[4]}", "decoder={\"type\":\"conv\",\"channels\":[4]}"]
TOKENS = ["encoder={\"type\":\"gru\",\"hidden\":6,\"embedding\":4}", "decoder={\"type\":\"mlp\",\"hidden\":[6]}",
          "likelihood={\"type\":\"autoregressive\",\"embedding\":4,\"context\":4,"
          "\"net\":{\"type\":\"gru\",\"hidden\":6}}"]
LADDER = "latent={\"type\":\"ladder\",\"sizes\":[3,2],\"widths\":[4,3],\"norm\":\"batch\",\"inference\":\"precision\"}"

# Name: the words of `elbo train`, and what is set.
RUNS = {
    "image": (["data/pictures", "-m", "vae"], [*CONVOLUTIONS, "latent.size=2"]),
    "table": (["data/people.csv", "-m", "missing_iwae"], [*DENSE, "latent.size=2", "objective.samples=3"]),
    "text": (["data/lines.txt", "-m", "vae", "--tokens", "words"], [*TOKENS, "latent.size=2"]),
    "molecule": (["data/molecules.smi", "-m", "molecule_vae"], [*TOKENS, "latent.size=2"]),
    "series": (["series:data/steps.csv", "--window", "4", "-m", "vrnn"],
               ["latent.size=2", "latent.features=4", "latent.memory=4", "decoder.hidden=[6]"]),
    "quantized": (["data/pictures", "-m", "vq_vae"], [*CONVOLUTIONS, "latent.codes=6", "latent.size=3"]),
    "ladder": (["data/pictures", "-m", "ladder_vae"], [*DENSE, LADDER]),
    "labelled": (["data/pictures", "-m", "m2", "--labels-per-class", "4"],
                 [*DENSE, "latent.size=2", "latent.features=6", "latent.joint={\"type\":\"mlp\",\"hidden\":[6]}"]),
    "flow_prior": (["data/people.csv", "-m", "realnvp_prior_vae"],
                   [*DENSE, "latent.size=2", "prior.steps=2", "prior.step={\"type\":\"realnvp\",\"hidden\":[6]}"]),
    "critic": (["data/pictures", "-m", "wae_gan"],
               [*DENSE, "latent.size=2", "objective.critic={\"type\":\"mlp\",\"hidden\":[6]}"]),
    "lagging": (["data/pictures", "-m", "lagging_vae"], [*DENSE, "latent.size=2", "objective.inner=3"]),
    "second_stage": (["--from", "runs/quantized"],
                     ["latent.prior={\"type\":\"pixel_cnn\","
                      "\"features\":4,\"layers\":1,\"kernel\":3,\"embedding\":4}"]),
}


def write_picture(path, pixels):
    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
    rows = b"".join(b"\0" + bytes(row) for row in pixels)
    header = struct.pack(">2I5B", len(pixels[0]), len(pixels), 8, 0, 0, 0, 0)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) +
                     chunk(b"IEND", b""))


def write_pictures(folder, draw):
    """Bars and dots of 8x8, a folder each."""
    for name in ("bar", "dot"):
        (folder / name).mkdir(parents=True)
        for i in range(16):
            at, light = draw.randrange(1, 7), draw.randrange(150, 256)
            across = draw.randrange(1, 7)
            pixels = [[light if abs(y - at) < 2 and (name == "bar" or abs(x - across) < 2) else 20
                       for x in range(8)] for y in range(8)]
            write_picture(folder / name / f"{i:02}.png", pixels)


def write_data(folder):
    draw = random.Random(0)
    write_pictures(folder / "pictures", draw)
    rows = ["height,visits,city,paid"]
    for i in range(40):
        cells = [f"{draw.gauss(170, 10):.1f}", str(draw.randrange(9)), draw.choice(["Rome", "Oslo", "Lima"]),
                 draw.choice(["yes", "no"])]
        if i % 4 == 0:
            cells[draw.randrange(4)] = ""
        rows.append(",".join(cells))
    (folder / "people.csv").write_text("\n".join(rows) + "\n")
    words = [("the", "a"), ("cat", "dog", "bird"), ("sees", "hears"), ("the", "a"), ("tree", "house", "river")]
    (folder / "lines.txt").write_text("".join(" ".join(map(draw.choice, words)) + "\n" for _ in range(32)))
    tails = ["", "O", "N", "Cl", "(C)C", "C=O", "#N", "c1ccccc1"]
    (folder / "molecules.smi").write_text("".join("C" * (1 + i // 8) + tails[i % 8] + "\n" for i in range(32)))
    level, steps = 0.0, ["speed,heat"]
    for i in range(48):
        level = 0.8 * level + draw.gauss(0, 1)
        steps.append(f"{level:.3f},{0.5 * level + draw.gauss(0, 0.3):.3f}")
    (folder / "steps.csv").write_text("\n".join(steps) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", required=True)
    program = fixtures.Program(os.path.abspath(parser.parse_args().program))
    for folder in ("data", "runs"):
        shutil.rmtree(HERE / folder, ignore_errors=True)
        (HERE / folder).mkdir(parents=True)
    write_data(HERE / "data")
    for name, (words, settings) in RUNS.items():
        program.must(HERE, "train", *words, "--batch", "8", "--steps", STEPS, "--log-every", "2", "--lr", "0.005",
                     "--validation", "8", "-q", "-o", f"runs/{name}",
                     *(word for setting in settings for word in ("--set", setting)))
        # Written with the time of day, and not read.
        (HERE / "runs" / name / "events.out.tfevents.elbo").unlink()
    expected = {}
    with fixtures.copied(HERE) as folder:
        for name in RUNS:
            expected[name] = {"steps": STEPS, "evaluate": fixtures.evaluated(program, folder, name),
                              "resumed": fixtures.resumed(program, folder, name, STEPS)}
    for name in fixtures.REPEATED:
        del expected[name]["resumed"]
    (HERE / "expected.json").write_text(json.dumps(expected, indent=2, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
