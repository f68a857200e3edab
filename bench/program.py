"""The program as the benchmarks call it."""
import argparse
import os
import pathlib
import subprocess


def elbo(program, *words, threads=None):
    """Runs a command and returns what it printed; ends with its message where it fails."""
    words = [str(word) for word in words]
    environment = dict(os.environ, **({"OMP_NUM_THREADS": str(threads)} if threads else {}))
    done = subprocess.run([program, *words], env=environment, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"elbo {' '.join(words)}\n{done.stderr}")
    return done.stdout


def table_arguments(about):
    """What the benchmarks of tables take: the program, the folder of tables, the model."""
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default="build/elbo")
    parser.add_argument("--data", type=pathlib.Path, default=pathlib.Path("../shared/data/tabular"))
    parser.add_argument("--model", default="missing_iwae")
    return parser
