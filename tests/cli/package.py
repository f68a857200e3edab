#!/usr/bin/env python3
"""The packages of a build hold the program, libraries, headers, manual page and completion, with what
they depend on; the program in them runs."""
import argparse
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile

SCRIPT = pathlib.Path(__file__).parents[2] / "scripts" / "package.sh"


def output(*command):
    return subprocess.run(list(map(str, command)), check=True, text=True,
                          capture_output=True).stdout


def one(folder, pattern):
    found = list(folder.glob(pattern))
    assert len(found) == 1, (pattern, found)
    return found[0]


def check_deb(deb):
    def field(name):
        return output("dpkg-deb", "--field", deb, name).strip()

    depends = field("Depends")
    assert "libc6" in depends and "libtorch" in depends, depends
    assert 0 < int(field("Installed-Size")) < 60 * 1024
    names = [line.split()[5] for line in output("dpkg-deb", "--contents", deb).splitlines()]
    for end in ("/usr/bin/elbo", "/libelbo.so", "/libelbo_distributions.so", "/elboConfig.cmake",
                "/include/elbo/train/trainer.h", "/man1/elbo.1.gz", "/completions/elbo",
                "/doc/elbo/copyright", "/doc/elbo/changelog.gz"):
        assert any(name.endswith(end) for name in names), (end, names)


def check_archive(archive, folder, version):
    with tarfile.open(archive) as tar:
        tar.extractall(folder)
    program = one(folder, "elbo_*/bin/elbo")
    assert output(program, "--version").strip() == f"elbo {version}"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", required=True)
    parser.add_argument("--build", required=True)
    a = parser.parse_args()
    if not shutil.which("dpkg-shlibdeps"):
        print("there is no dpkg-shlibdeps here: apt-get install dpkg-dev")
        return 77
    libtorch = re.search(r"libtorch_cpu\S* => (\S+)", output("ldd", pathlib.Path(a.build) / "libelbo.so"))
    if libtorch and subprocess.run(["dpkg", "-S", os.path.realpath(libtorch[1])], capture_output=True).returncode:
        print(f"{libtorch[1]} belongs to no Debian package, on which a .deb could depend")
        return 77
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        done = subprocess.run([str(SCRIPT), "--from", a.build, "--to", name], text=True,
                              capture_output=True, timeout=1800)
        assert done.returncode == 0, done.stdout + done.stderr
        version = output(a.program, "--version").split()[1]
        check_deb(one(folder, "*.deb"))
        check_archive(one(folder, "*.tar.gz"), folder, version)
        listed = json.loads(one(folder, "*.spdx.json").read_text())
        assert any(f["fileName"] == "./usr/bin/elbo" for f in listed["files"])
        assert version in one(folder, "*.notes.md").read_text().splitlines()[0]
    return 0


if __name__ == "__main__":
    sys.exit(main())
