#!/usr/bin/env python3
"""Runs that somebody else made, changed or left half-made, and runs that two want at once.

Each is refused with one line, or works; nothing outside of the run's folder changes.
"""
import argparse
import fcntl
import json
import os
import pathlib
import pty
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time

NETS = ["--set", "encoder={\"type\":\"mlp\",\"hidden\":[16]}", "--set",
        "decoder={\"type\":\"mlp\",\"hidden\":[16]}", "--set", "latent.size=2", "-q"]
DEEP = "[" * 100000 + "]" * 100000


class Elbo:
    def __init__(self, program, folder):
        self.program, self.folder = str(pathlib.Path(program).resolve()), folder
        self.environment = dict(os.environ, OMP_NUM_THREADS="1", ELBO_PREPARED="1")

    def start(self, *words):
        return subprocess.Popen([self.program, *map(str, words)], cwd=self.folder, text=True,
                                env=self.environment, stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def __call__(self, *words):
        process = self.start(*words)
        _, said = process.communicate(timeout=200)
        return process.returncode, said

    def must(self, *words):
        status, said = self(*words)
        assert status == 0, (words, status, said)

    def refuses(self, pattern, *words):
        status, said = self(*words)
        assert status == 1 and pattern in said and len(said.splitlines()) == 1, (words, status, said)


def copy(folder, name="bad", of="run"):
    shutil.rmtree(folder / name, ignore_errors=True)
    shutil.copytree(folder / of, folder / name, symlinks=True)
    return folder / name


def check_deep(elbo, folder):
    for file in ("spec.json", "schema.json"):
        bad = copy(folder)
        found = json.loads((bad / file).read_text())
        found.setdefault("train", {})["epochs"] = "@"
        (bad / file).write_text(json.dumps(found).replace('"@"', DEEP))
        elbo.refuses("nested", "train", "--resume", "bad", "-q")
    bad = copy(folder)
    state = (bad / "state.safetensors").read_bytes()
    length = struct.unpack("<Q", state[:8])[0]
    header = json.loads(state[8:8 + length])
    header["__metadata__"]["facts"] = '{"step": ' + DEEP + "}"
    text = json.dumps(header).encode()
    (bad / "state.safetensors").write_bytes(struct.pack("<Q", len(text)) + text + state[8 + length:])
    elbo.refuses("nested", "train", "--resume", "bad", "-q")


def check_wrong_facts(elbo, folder):
    """What is merely wrong in a file is not called a defect of the program."""
    changes = [("spec.json", lambda j: j.update(threads="x")),
               ("spec.json", lambda j: j.update(rows=[])),
               ("spec.json", lambda j: j["train"].update(batch={})),
               ("spec.json", lambda j: j["data"].update(options=[])),
               ("spec.json", lambda j: j["data"]["options"].update(split=3)),
               ("schema.json", lambda j: j["x"].update(detail={"loc": [1], "scale": [1]})),
               ("schema.json", lambda j: j["x"].update(detail={"columns": []}))]
    for file, change in changes:
        bad = copy(folder)
        found = json.loads((bad / file).read_text())
        change(found)
        (bad / file).write_text(json.dumps(found))
        elbo.refuses("elbo: [", "train", "--resume", "bad", "-q")
    for key, value in (("step", '"x"'), ("step", "-1"), ("sizes", '{"log": []}'), ("sizes", "3")):
        bad = copy(folder)
        state = (bad / "state.safetensors").read_bytes()
        length = struct.unpack("<Q", state[:8])[0]
        header = json.loads(state[8:8 + length])
        facts = json.loads(header["__metadata__"]["facts"])
        facts[key] = json.loads(value)
        header["__metadata__"]["facts"] = json.dumps(facts)
        text = json.dumps(header).encode()
        (bad / "state.safetensors").write_bytes(struct.pack("<Q", len(text)) + text +
                                                state[8 + length:])
        elbo.refuses("state.safetensors", "train", "--resume", "bad", "-q", "--epochs", 3)


def check_links(elbo, folder):
    """What a run's links and options point to stays as it was."""
    precious = folder / "precious"
    for name in ("log.jsonl", "events.out.tfevents.elbo", ".lock"):
        precious.write_text("precious" * 1000)
        bad = copy(folder)
        (bad / name).unlink(missing_ok=True)
        (bad / name).symlink_to(precious)
        elbo.refuses("link", "train", "--resume", "bad", "-q", "--epochs", 3)
        assert precious.read_text() == "precious" * 1000, name
    table = folder / "t.csv"
    table.write_text("a,city\n" + "".join(f"{i},{'abc'[i % 3]}\n" for i in range(40)))
    elbo.must("train", "t.csv", "--epochs", 1, "-q", "--batch", 10, "-o", "table")
    spec = folder / "table/spec.json"
    found = json.loads(spec.read_text())
    found["data"]["options"]["reader"]["cache"] = "home/.config/made"
    spec.write_text(json.dumps(found))
    elbo.must("encode", "table", "-o", "codes.npy")
    assert not (folder / "home").exists(), "a stored run's cache was written"


def check_weights(elbo, folder):
    """Weights that are not numbers, a spec that asks for more than they fill, and what never ends."""
    bad = copy(folder)
    weights = (bad / "weights.safetensors").read_bytes()
    length = struct.unpack("<Q", weights[:8])[0]
    (bad / "weights.safetensors").write_bytes(
        weights[:8 + length] + b"\0\0\xc0\x7f" * ((len(weights) - 8 - length) // 4))
    elbo.refuses("not finite", "sample", "bad", "-n", 1, "-o", "s.csv")
    for command in (["sample", "bad", "-n", 1, "-o", "s.csv"],
                    ["train", "--resume", "bad", "-q", "--epochs", 3]):
        bad = copy(folder)
        spec = json.loads((bad / "spec.json").read_text())
        spec["spec"]["encoder"]["hidden"] = [20000, 20000]
        (bad / "spec.json").write_text(json.dumps(spec))
        elbo.refuses("needs more memory than", *command)
    for name in ("weights.safetensors", "spec.json"):
        for target in ("/dev/zero", folder / "pipe"):
            bad = copy(folder)
            (bad / name).unlink()
            if target == "/dev/zero":
                (bad / name).symlink_to(target)
            else:
                os.mkfifo(bad / name)
            status, said = elbo("sample", "bad", "-n", 1, "-o", "s.csv")
            assert status == 1 and len(said.splitlines()) == 1, (name, target, status, said)


def check_memory(elbo, folder):
    """Weights that fit pictures of any size, and a schema that asks for much larger ones."""
    shutil.copytree(pathlib.Path(__file__).parent.parent / "fixtures/runs/quantized", folder / "large")
    schema = json.loads((folder / "large/schema.json").read_text())
    schema["x"]["shape"] = [1, 8, 8_000_000]
    (folder / "large/schema.json").chmod(0o644)
    (folder / "large/schema.json").write_text(json.dumps(schema))
    elbo.environment["ELBO_MEMORY"] = "1"
    elbo.refuses("out of memory (ELBO_MEMORY is 1)", "sample", "large", "-n", 2, "-o", "s.npy")
    elbo.environment.pop("ELBO_MEMORY")


def check_data(elbo, folder):
    """Labels that are not whole, and a folder of pictures with what never ends among them."""
    def npy(kind, values):
        head = "{'descr': '<%s', 'fortran_order': False, 'shape': (%d,), }" % (kind, len(values))
        head += " " * (117 - len(head)) + "\n"
        return (b"\x93NUMPY\1\0" + struct.pack("<H", len(head)) + head.encode()
                + struct.pack("<%d%s" % (len(values), {"f8": "d"}[kind]), *values))
    (folder / "x.npy").write_bytes(npy("f8", [0.5 * i for i in range(20)]))
    (folder / "y.npy").write_bytes(npy("f8", [0.9, 1.9] * 10))
    elbo.refuses("label 0 is not a whole number", "train", "x.npy", "--labels", "y.npy", "--dry-run")
    (folder / "y.npy").write_bytes(npy("f8", [0, 1] * 10))
    elbo.must("train", "x.npy", "--labels", "y.npy", "--dry-run")
    pictures = folder / "pictures"
    pictures.mkdir()
    (pictures / "a.png").symlink_to("/dev/zero")
    elbo.refuses("not a plain file", "train", "pictures", "--dry-run")
    (pictures / "a.png").unlink()
    os.mkfifo(pictures / "a.png")
    elbo.refuses("not a plain file", "train", "pictures", "--dry-run")


def check_hangup(elbo, folder):
    """A terminal that is closed stops and saves; one that nohup keeps away does not."""
    copy(folder, "hung")
    first = elbo.start("train", "--resume", "hung", "--epochs", 100000)
    first.stderr.readline()  # it is at work
    first.stderr.close()     # nobody reads what it says
    time.sleep(0.5)
    assert first.poll() is None, "a lost terminal ended the training"
    first.send_signal(signal.SIGHUP)
    assert first.wait(100) == 128 + signal.SIGHUP, first.returncode
    assert not [p.name for p in (folder / "hung").iterdir() if p.name.startswith(".")]
    check_closed_terminal(elbo, folder)
    names = elbo("sample", "\x1b[31mred", "-n", 1)[1]
    assert "\x1b" not in names and "\\x1b[31mred" in names, names


def check_closed_terminal(elbo, folder):
    """In a terminal of its own, as somebody's is who closes the window; what was learned is kept, and goes on."""
    copy(folder, "closed")
    window, terminal = pty.openpty()
    training = subprocess.Popen([elbo.program, "train", "--resume", "closed", "--epochs", "100000"], cwd=folder,
                                env=elbo.environment, stdin=terminal, stdout=terminal, stderr=terminal,
                                start_new_session=True, preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
    os.close(terminal)
    said = b""
    while b"epoch 4" not in said:
        said += os.read(window, 4096)
    os.close(window)
    assert training.wait(100) == 128 + signal.SIGHUP, training.returncode
    lines = [json.loads(line) for line in (folder / "closed/log.jsonl").read_text().splitlines()]
    reached = lines[-1]["epoch"]
    assert reached >= 3, reached
    elbo.must("train", "--resume", "closed", "--epochs", reached + 2, "-q")
    again = [json.loads(line) for line in (folder / "closed/log.jsonl").read_text().splitlines()]
    assert again[:len(lines)] == lines and again[-1]["epoch"] == reached + 2, (reached, again[-1])


def check_one_writer(elbo, folder):
    copy(folder, "shared")
    first = elbo.start("train", "--resume", "shared", "--epochs", 100000, "-q")
    while not (folder / "shared/.lock").exists() and first.poll() is None:
        time.sleep(0.05)
    time.sleep(0.3)
    elbo.refuses(f"process {first.pid} on", "train", "--resume", "shared", "--epochs", 100000, "-q")
    elbo.refuses(f"process {first.pid} on", "train", "builtin:digits", "--rows", 50, "--epochs", 1,
                 "--force", "-o", "shared", *NETS)
    first.send_signal(signal.SIGKILL)
    first.wait()
    elbo.must("train", "--resume", "shared", "--epochs", 2, "-q")
    assert not [p.name for p in (folder / "shared").iterdir() if p.name.startswith(".")]


def check_half_made(elbo, folder):
    """Killed before the spec was there: the same command makes the run."""
    half = folder / "half"
    half.mkdir()
    shutil.copy(folder / "run/schema.json", half)
    (half / ".spec.json.1.0.tmp").write_text("{")
    again = ["train", "builtin:digits", "--rows", 50, "--epochs", 1, "-o", "half", *NETS]
    elbo.must(*again)
    elbo.refuses("--force replaces it", *again)
    other = folder / "other"
    other.mkdir()
    (other / "thesis.txt").write_text("mine")
    shutil.copy(folder / "run/schema.json", other)
    elbo.refuses("is not a run", "train", "builtin:digits", "--rows", 50, "-o", "other", "--force",
                 *NETS)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", required=True)
    program = parser.parse_args().program
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        elbo = Elbo(program, folder)
        elbo.must("train", "builtin:digits", "--rows", 100, "--epochs", 1, "-o", "run", *NETS)
        for check in (check_deep, check_wrong_facts, check_links, check_weights, check_memory,
                      check_data, check_hangup, check_one_writer, check_half_made):
            check(elbo, folder)
            print(check.__name__[6:], "held", flush=True)


if __name__ == "__main__":
    sys.exit(main())
