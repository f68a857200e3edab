"""The program as the benchmarks call it."""
import os
import subprocess


def elbo(program, *words, threads=None):
    """Runs a command and returns what it printed; ends with its message where it fails."""
    words = [str(word) for word in words]
    environment = dict(os.environ, **({"OMP_NUM_THREADS": str(threads)} if threads else {}))
    done = subprocess.run([program, *words], env=environment, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"elbo {' '.join(words)}\n{done.stderr}")
    return done.stdout
