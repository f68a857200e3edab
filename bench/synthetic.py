#!/usr/bin/env python3
"""Trains elbo on the raw tables Adult, shoppers and magic, and judges as many synthetic rows by the field's measures.

  python3 bench/synthetic.py --program build/elbo --data ../shared/data/tabular/raw [elbo train options]

Trains on TABLE.train.csv.gz, draws as many rows and judges them by TABLE.test.csv.gz with `elbo evaluate`: shape, trend,
C2ST (1 = boosted trees cannot tell synthetic from training rows), MLE (AUC on test rows of boosted trees trained on synthetic
rows, beside that of real ones) and the share of synthetic rows that lie nearer to training than to test rows (.5 is ideal,
1 is copying; C2ST means nothing without it), and -log p of test rows in nats. Minutes are processor time of training,
seconds those of drawing."""
import argparse
import gzip
import json
import pathlib
import resource
import subprocess
import tempfile
import time

TARGETS = {"adult": "income", "shoppers": "Revenue", "magic": "class"}
METRICS = "table_shape,table_trend,table_c2st,table_mle,table_dcr"
COLUMNS = ["table", "model", "seed", "shape", "trend", "C2ST", "MLE AUC", "of real rows", "nearer to train", "copies",
           "-log p", "minutes", "seconds"]


def run(*command):
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.time()
    done = subprocess.run([str(word) for word in command], check=True, stdout=subprocess.PIPE, text=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, time.time() - start, done.stdout


def judge(o, table, train_options, folder):
    files = {}
    for part in ("train", "test"):
        files[part] = folder / f"{table}.{part}.csv"
        files[part].write_bytes(gzip.decompress((o.data / f"{table}.{part}.csv.gz").read_bytes()))
    rows = sum(1 for _ in open(files["train"])) - 1
    where = folder / table
    processor, _, _ = run(o.program, "train", files["train"], "--model", o.model, "--seed", o.seed, "--out", where, "-q",
                       *train_options)
    _, drawing, _ = run(o.program, "sample", where, "--rows", rows, "-o", folder / "made.csv", "-q")
    _, _, text = run(o.program, "evaluate", where, files["test"], "--draws", o.draws, "--metrics", METRICS, "--judged", rows,
        "--target", TARGETS[table], "--json")
    found = json.loads(text)
    metrics = found["metrics"]
    mle, close = metrics["table_mle"], metrics["table_dcr"]
    return [table, o.model, o.seed, metrics["table_shape"]["shape"], metrics["table_trend"]["trend"],
            metrics["table_c2st"]["c2st"], mle["synthetic"], mle["real"], close["nearer_to_train"],
            close["synthetic_copies"], found["negative_log_likelihood"], processor / 60, drawing]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default="build/elbo")
    parser.add_argument("--data", type=pathlib.Path, default=pathlib.Path("../shared/data/tabular/raw"))
    parser.add_argument("--model", default="synthetic")
    parser.add_argument("--tables", default=",".join(TARGETS))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--draws", type=int, default=1, help="for -log p; a model without exact sums needs 100")
    o, train_options = parser.parse_known_args()
    print("| " + " | ".join(COLUMNS) + " |\n|" + " --- |" * len(COLUMNS), flush=True)
    for table in o.tables.split(","):
        with tempfile.TemporaryDirectory() as folder:
            row = judge(o, table, train_options, pathlib.Path(folder))
        print("| " + " | ".join(f"{x:.4g}" if isinstance(x, float) else str(x) for x in row) + " |", flush=True)


if __name__ == "__main__":
    main()
