#!/usr/bin/env python3
"""An SPDX 2.3 list of a package: its files with their checksums, the packages whose headers became part
of them, and those that they load.  spdx.py --name N --version V --tree FOLDER --depends LIST"""
import argparse
import datetime
import hashlib
import json
import os
import pathlib
import re
import subprocess

# Debian packages that are headers alone: compiled in, so that nothing at run time names them.
COMPILED_IN = {"nlohmann-json3-dev": "MIT", "libcli11-dev": "BSD-3-Clause", "libboost-dev": "BSL-1.0"}


def installed_version(package):
    done = subprocess.run(["dpkg-query", "-W", "-f=${Version}\n", package], text=True,
                          capture_output=True)
    return done.stdout.splitlines()[0] if done.returncode == 0 and done.stdout else None


def files_of(tree):
    for path in sorted(p for p in tree.rglob("*") if p.is_file() and not p.is_symlink()):
        content = path.read_bytes()
        name = str(path.relative_to(tree))
        yield {
            "SPDXID": "SPDXRef-File-" + hashlib.sha1(name.encode()).hexdigest()[:16],
            "fileName": "./" + name,
            "checksums": [{"algorithm": "SHA1", "checksumValue": hashlib.sha1(content).hexdigest()},
                          {"algorithm": "SHA256",
                           "checksumValue": hashlib.sha256(content).hexdigest()}],
            "licenseConcluded": "NOASSERTION",
            "copyrightText": "NOASSERTION",
        }


def package(name, version, licence="NOASSERTION", purl=None):
    entry = {"SPDXID": "SPDXRef-Package-" + re.sub(r"[^A-Za-z0-9.-]", "-", name), "name": name,
             "versionInfo": version, "downloadLocation": "NOASSERTION", "filesAnalyzed": False,
             "licenseConcluded": licence, "licenseDeclared": licence,
             "copyrightText": "NOASSERTION"}
    if purl:
        entry["externalRefs"] = [{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl",
                                  "referenceLocator": purl}]
    return entry


def document(name, version, tree, depends):
    files = list(files_of(tree))
    own = package(name, version, "Apache-2.0")
    own["filesAnalyzed"] = True
    sums = sorted(f["checksums"][0]["checksumValue"] for f in files)
    own["packageVerificationCode"] = {
        "packageVerificationCodeValue": hashlib.sha1("".join(sums).encode()).hexdigest()}
    own["hasFiles"] = [f["SPDXID"] for f in files]
    packages = [own]
    relations = [("SPDXRef-DOCUMENT", "DESCRIBES", own["SPDXID"])]
    loaded = [re.split(r"[ (|:]", one.strip())[0] for one in depends.split(",") if one.strip()]
    for kind, names in (("DEPENDS_ON", loaded), ("CONTAINS", sorted(COMPILED_IN))):
        for one in names:
            found = installed_version(one)
            if found is None:
                raise SystemExit(f"spdx: {one}: not an installed package")
            packages.append(package(one, found, COMPILED_IN.get(one, "NOASSERTION"),
                                    f"pkg:deb/debian/{one}@{found}"))
            relations.append((own["SPDXID"], kind, packages[-1]["SPDXID"]))
    made = datetime.datetime.fromtimestamp(int(os.environ.get("SOURCE_DATE_EPOCH", "0")),
                                           datetime.timezone.utc)
    return {
        "spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0", "SPDXID": "SPDXRef-DOCUMENT",
        "name": f"{name}-{version}",
        "documentNamespace": f"urn:spdx:{name}-{version}-"
                             + own["packageVerificationCode"]["packageVerificationCodeValue"],
        "creationInfo": {"created": made.strftime("%Y-%m-%dT%H:%M:%SZ"),
                         "creators": ["Tool: tools/spdx.py"]},
        "packages": packages, "files": files,
        "relationships": [{"spdxElementId": a, "relationshipType": kind, "relatedSpdxElement": b}
                          for a, kind, b in relations],
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    for option in ("--name", "--version", "--tree", "--depends"):
        parser.add_argument(option, required=True)
    a = parser.parse_args()
    print(json.dumps(document(a.name, a.version, pathlib.Path(a.tree), a.depends), indent=1))


if __name__ == "__main__":
    main()
