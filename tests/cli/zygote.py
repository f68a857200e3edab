"""Runs the program many times: as forked children of one process that has loaded it, or as itself.

Both give the same `Ended`. A share of the trials goes both ways (`Trials.both`), to show that they agree.
"""
import dataclasses
import json
import os
import pathlib
import re
import resource
import shutil
import subprocess
import tempfile
import time

LONG = 600  # seconds that even a busy machine does not need for a trial
CALM = {"OMP_NUM_THREADS": "1", "ELBO_PREPARED": "1"}


@dataclasses.dataclass
class Ended:
    status: int  # of exit, or minus the signal
    said: str
    complaint: str
    memory: int  # peak, bytes
    late: bool  # killed at the limit

    def told(self):
        """What two runs of the same command have in common: no times and rates."""
        return (self.status, *(re.sub(r"[0-9.]+ ?(ms|s|min|GB|MB|kB)\b|(\"[a-z_]*(seconds|memory)[a-z_]*\": ?)[0-9.e+-]+", "#", text)
                               for text in (self.said, self.complaint)))


def scratch():
    """Where short trials write: memory, where the system has such a folder."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


class Trials:
    """`zygote` is the program of tests/zygote; without it every trial is a process of its own."""

    def __init__(self, program, zygote=None, environment=None, before=()):
        self.program, self.before = os.path.abspath(program), list(before)
        self.environment = dict(os.environ, **CALM, **(environment or {}))
        self.zygote, self.forks, self.starts = None, 0, 0
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="elbo-said-", dir=scratch()))
        if zygote:
            self.zygote = subprocess.Popen([os.path.abspath(zygote)], env=self.environment, text=True,
                                           stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            threads = json.loads(self.zygote.stdout.readline())["threads"]
            assert threads == 1, f"a process of {threads} threads cannot be forked"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.zygote:
            self.zygote.stdin.close()
            self.zygote.wait(60)
            self.zygote.stdout.close()
        shutil.rmtree(self.folder)

    def ended(self, status, memory, late):
        texts = [(self.folder / name).read_bytes().decode(errors="replace") for name in ("said", "complaint")]
        return Ended(status, *texts, memory, late)

    def forked(self, words, folder, limit=LONG, **how):
        """A child of the zygote; `how`: see tests/zygote/zygote.cpp."""
        request = {"words": list(map(str, words)), "folder": str(folder), "limit": limit,
                   "stdout": str(self.folder / "said"), "stderr": str(self.folder / "complaint"), **how}
        self.forks += 1
        self.zygote.stdin.write(json.dumps(request) + "\n")
        self.zygote.stdin.flush()
        answer = json.loads(self.zygote.stdout.readline())
        return self.ended(answer["status"], answer["memory"], answer["late"])

    def started(self, words, folder, limit=LONG, work=0):
        """A process of its own."""
        def bound():
            if work:
                resource.setrlimit(resource.RLIMIT_CPU, (work, work + 1))

        self.starts += 1
        with open(self.folder / "said", "wb") as said, open(self.folder / "complaint", "wb") as complaint:
            process = subprocess.Popen([*self.before, self.program, *map(str, words)], cwd=folder, env=self.environment,
                                       stdin=subprocess.DEVNULL, stdout=said, stderr=complaint, preexec_fn=bound)
            until, late = time.monotonic() + limit, False
            while True:
                ended, status, usage = os.wait4(process.pid, os.WNOHANG)
                if ended:
                    break
                if not late and time.monotonic() > until:
                    process.kill()
                    late = True
                time.sleep(0.002)
            process.returncode = os.waitstatus_to_exitcode(status)
        return self.ended(process.returncode, usage.ru_maxrss << 10, late)

    def run(self, words, folder, limit=LONG, work=0, **how):
        if not self.zygote:
            return self.started(words, folder, limit, work)
        return self.forked(words, folder, limit, work=work, **how)
