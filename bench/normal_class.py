#!/usr/bin/env python3
"""Labelled rows whose classes are spelled in many ways: the AUROC that `elbo score` prints, beside scikit-learn's
from the scores in its file and the true labels.

  python3 bench/normal_class.py --program build/elbo

`mostly`: a twentieth of the training rows are anomalies; `only`: none is, and the label has one class; `half`:
as many anomalies as normal rows, so that the names alone tell. Exits with 1 where the figures differ, or where
nothing is judged although the class of nearly all rows or a single usual name tells."""
import argparse
import csv
import json
import os
import pathlib
import random
import sys
import tempfile

import program

PAIRS = [("normal", "attack"), ("Normal", "Attack"), ("NORMAL", "ABNORMAL"), ("normal.", "neptune."),
         ("benign", "malicious"), ("BENIGN", "Bot"), ("good", "bad"), ("GOOD", "BAD"), ("ok", "nok"), ("OK", "NG"),
         ("1", "-1"), ("0", "1"), ("False", "True"), ("no", "yes"), ("No", "Yes"), ("genuine", "fraud"),
         ("legit", "fraud"), ("healthy", "faulty"), ("Healthy", "Sick"), ("pass", "fail"), ("PASSED", "FAILED"),
         ("inlier", "outlier"), ("nominal", "anomalous"), ("regular", "irregular"), ("clean", "defective"),
         ("intact", "broken"), ("ham", "spam"), ("safe", "unsafe"), ("valid", "invalid"), ("No anomaly", "Anomaly"),
         ("no-fault", "fault"), ("2", "4"), ("zeta", "alpha"), ("o", "n")]
# Two words without a usual one among them: half of the rows each leave the question open.
OPEN = {("1", "-1"), ("2", "4"), ("zeta", "alpha"), ("o", "n")}


def write(path, rows, words):
    with open(path, "w", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(["a", "b", "c", "y"])
        for values, anomaly in rows:
            out.writerow([f"{v:.3f}" for v in values] + [words[anomaly]])


def rows_of(generator, count, share):
    rows = []
    for i in range(count):
        anomaly = i < share * count
        centre = (3, 7, -5) if anomaly else (0, 5, -3)
        rows.append(([generator.gauss(c, 1) for c in centre], int(anomaly)))
    generator.shuffle(rows)
    return rows


def judge(options, words, share, folder):
    from sklearn.metrics import roc_auc_score
    generator = random.Random(1)
    train, test = rows_of(generator, 600, share), rows_of(generator, 300, 0.3)
    write(folder / "train.csv", train, words)
    write(folder / "test.csv", test, words)
    program.elbo(options.program, "train", folder / "train.csv", "--types", "y=label", "--out", folder / "run",
                 "--force", "-q", "--model", "anomaly", "--epochs", 10, threads=1)
    said = json.loads(program.elbo(options.program, "score", folder / "run", folder / "test.csv", "-o",
                                   folder / "scores.csv", "--json", threads=1))
    with open(folder / "scores.csv") as file:
        scores = [float(row["score"]) for row in csv.DictReader(file)]
    right = roc_auc_score([anomaly for _, anomaly in test], scores)
    printed = said["judged"][0]["auroc"] if "judged" in said else None
    return printed, right, said.get("normal_class", {}).get("name"), said.get("not_judged", "")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default="build/elbo", type=os.path.abspath)
    options = parser.parse_args()
    wrong = 0
    print(f"{'normal':12} {'anomaly':12} " + " ".join(f"{way:>22}" for way in ("mostly", "only", "half")))
    with tempfile.TemporaryDirectory() as folder:
        for words in PAIRS:
            cells = []
            for way, share in (("mostly", 0.05), ("only", 0), ("half", 0.5)):
                printed, right, name, why = judge(options, words, share, pathlib.Path(folder))
                fine = printed is not None and abs(printed - right) < 1e-6 and name == words[0]
                unsure = printed is None and why and way == "half" and words in OPEN
                wrong += not (fine or unsure)
                shown = f"{printed:.4f} = {right:.4f}" if fine else "asked for" if unsure else f"{printed} for {right:.4f}!"
                cells.append(f"{shown:>22}")
            print(f"{words[0]:12} {words[1]:12} " + " ".join(cells), flush=True)
    print(f"{len(PAIRS)} spellings, {wrong} wrong")
    sys.exit(wrong > 0)


if __name__ == "__main__":
    main()
