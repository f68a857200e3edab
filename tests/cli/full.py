"""A disk that is full: one clear line, status 1, nothing half-written, and the run goes on later.

Fills a small tmpfs where it may mount one, else limits the size of files, which fails alike.
"""

import argparse
import os
import pathlib
import resource
import shutil
import signal
import subprocess
import sys
import tempfile

NETS = ["--set", "encoder.type=mlp", "--set", "encoder.hidden=[64]", "--set", "decoder.type=mlp",
        "--set", "decoder.hidden=[64]", "--set", "latent.size=4"]
SMALL = 200 << 10


class Disk:
    """A folder with little room, by one of two means."""

    def __init__(self, folder):
        self.path = folder / "disk"
        self.path.mkdir()
        self.mounted = os.geteuid() == 0 and subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(self.path)],
            capture_output=True).returncode == 0

    def room(self, size):
        """From now on so many bytes fit, on the disk or in one file."""
        self.size = size
        if self.mounted:
            subprocess.run(["mount", "-o", f"remount,size={size}", str(self.path)], check=True)

    def limit(self):
        if not self.mounted:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (self.size, self.size))

    def close(self):
        if self.mounted:
            subprocess.run(["umount", str(self.path)], check=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", required=True)
    program = str(pathlib.Path(parser.parse_args().program).resolve())
    folder = pathlib.Path(tempfile.mkdtemp())
    disk = Disk(folder)

    def elbo(*words):
        return subprocess.run([program, *map(str, words)], capture_output=True, text=True,
                              preexec_fn=disk.limit)

    def refused(done, *says):
        assert done.returncode == 1, (done.returncode, done.stderr)
        lines = done.stderr.strip().splitlines()
        assert lines[-1].startswith("elbo: ") and any(s in lines[-1] for s in says), lines
        assert not [p for p in disk.path.rglob("*") if p.suffix == ".tmp"], list(disk.path.rglob("*"))

    full = ("No space left", "File too large")
    run = disk.path / "run"
    train = ["train", "builtin:digits", "--rows", 300, "--epochs", 2, "-q", *NETS]
    try:
        disk.room(SMALL)
        refused(elbo(*train, "--out", run), *full)
        disk.room(16 << 20)
        done = elbo(*train, "--out", run, "--force")
        assert done.returncode == 0, done.stderr
        weights = (run / "weights.safetensors").read_bytes()

        disk.room(sum(p.stat().st_size for p in run.iterdir()) + SMALL if disk.mounted else SMALL)
        refused(elbo("train", "--resume", run, "--epochs", 4, "-q"), *full)
        assert (run / "weights.safetensors").read_bytes() == weights, "the good weights are gone"
        refused(elbo("sample", run, "-n", 4000, "-o", disk.path / "samples.npy"), *full)
        assert not (disk.path / "samples.npy").exists()

        disk.room(64 << 20)
        done = elbo("train", "--resume", run, "--epochs", 4, "-q")
        assert done.returncode == 0, done.stderr
        done = elbo("sample", run, "-n", 9, "-o", disk.path / "samples.png")
        assert done.returncode == 0, done.stderr
        print("full disk: all held, by", "a small tmpfs" if disk.mounted else "a limit of file size")
    finally:
        disk.close()
        shutil.rmtree(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
