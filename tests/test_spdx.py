#!/usr/bin/env python3
"""The list of a package names its files with their checksums, what it loads and what is compiled in."""
import hashlib
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

SCRIPT = pathlib.Path(__file__).parents[1] / "tools" / "spdx.py"


def listed(folder, depends):
    return subprocess.run([sys.executable, str(SCRIPT), "--name", "elbo", "--version", "1.2.3",
                           "--tree", folder, "--depends", depends], capture_output=True, text=True)


def main():
    if not shutil.which("dpkg-query"):
        print("there is no dpkg-query here")
        return 77
    with tempfile.TemporaryDirectory() as folder:
        program = pathlib.Path(folder) / "usr/bin/elbo"
        program.parent.mkdir(parents=True)
        program.write_bytes(b"bytes")
        done = listed(folder, "libc6 (>= 2.36), zlib1g (>= 1:1.2)")
        assert done.returncode == 0, done.stderr
        document = json.loads(done.stdout)
        assert document["spdxVersion"] == "SPDX-2.3"
        (entry,) = document["files"]
        sums = {c["algorithm"]: c["checksumValue"] for c in entry["checksums"]}
        assert entry["fileName"] == "./usr/bin/elbo"
        assert sums["SHA256"] == hashlib.sha256(b"bytes").hexdigest()
        packages = {p["SPDXID"]: p for p in document["packages"]}
        related = {(r["relationshipType"], packages[r["relatedSpdxElement"]]["name"])
                   for r in document["relationships"]}
        assert {("DESCRIBES", "elbo"), ("DEPENDS_ON", "libc6"), ("DEPENDS_ON", "zlib1g"),
                ("CONTAINS", "nlohmann-json3-dev")} <= related, related
        assert all(p["versionInfo"] for p in packages.values())
        done = listed(folder, "no-such-package-at-all")
        assert done.returncode != 0 and "no-such-package-at-all" in done.stderr, done
    return 0


if __name__ == "__main__":
    sys.exit(main())
