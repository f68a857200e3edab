"""What no formatter checks: the length of files, and names that do not belong into this code."""
import pathlib
import re
import statistics
import sys

MOST_LINES = 400
MOST_COLUMNS = 120  # of web/, which no formatter formats
FORBIDDEN = [
    (r"#\s*include <torch/torch\.h>", "include the narrowest torch header that works"),
    (r"\bc10::(optional|nullopt)\b", "std::optional in our types, torch::nullopt in calls"),
    (r"\btorch::(optim|data)::", "the library has its own"),
    (r"\b(TODO|FIXME|XXX)\b", "open an issue instead"),
    (r"\busing namespace torch\b", "write torch::"),
    (r"\bstd::c(out|err)\b|\bf?printf\(", "only cli/ prints"),
]


# What every part calls alike; the build tells these apart (cmake/unity.cmake).
SAME_EVERYWHERE = {"added", "kWhere"}
LOCAL = re.compile(
    r"(?:template <[^>]*> )?(?:struct|class|enum(?: class)?|using) (\w+)(?: =| \{|;|$| :)"
    r"|(?:\w[\w:<>,*& ]* )[&*]?(\w+)(?:\(| = |\{|;)"
)


def local_names(path):
    """Names at the outermost level of the unnamed namespaces of a file."""
    names = set()
    for body in re.findall(r"^namespace \{$(.*?)^\}  // namespace$", path.read_text(), re.S | re.M):
        for line in body.splitlines():
            found = LOCAL.match(line)
            if found and not line.startswith(("namespace", "TEST_CASE")):
                names.add(found[1] or found[2])
    return names - SAME_EVERYWHERE


def local_clashes(folder):
    """Files of a folder may be compiled as one: their local names must differ."""
    owners, bad = {}, []
    for path in sorted(folder.glob("*.cpp")):
        if path.name.startswith(("dnnl_", "fused_", "main")):
            continue  # always compiled alone
        for name in local_names(path):
            other = owners.setdefault(name, path)
            if other != path:
                bad.append(f"{path}: the local name {name} is also in {other.name}")
    return bad


def check_web(folder):
    """Pages: short lines, and double quotes around a script's texts."""
    bad = []
    for path in sorted(folder.iterdir()):
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if len(line) > MOST_COLUMNS:
                bad.append(f"{path}:{number}: {len(line)} columns, at most {MOST_COLUMNS}")
            if path.suffix == ".js" and re.search(r"[(\[=:,?+] ?'", line):
                bad.append(f"{path}:{number}: a text in single quotes")
    return bad


def main(root):
    bad, lengths = check_web(root / "web"), []
    for folder in [root / "tests", *sorted(p for p in (root / "src/elbo").iterdir() if p.is_dir())]:
        bad += local_clashes(folder)
    source = root / "src/elbo"
    for path in sorted([*source.rglob("*.h"), *source.rglob("*.cpp")]):
        lines = path.read_text().splitlines()
        lengths.append(len(lines))
        name = path.relative_to(root)
        if len(lines) > MOST_LINES:
            bad.append(f"{name}: {len(lines)} lines, at most {MOST_LINES}")
        if path.suffix == ".h" and lines and "#pragma once" not in lines:
            if "pch.h" not in path.name:
                bad.append(f"{name}: no #pragma once")
        for pattern, why in FORBIDDEN:
            if "prints" in why and "cli" in path.parts:
                continue
            for number, line in enumerate(lines, 1):
                if re.search(pattern, line):
                    bad.append(f"{name}:{number}: {line.strip()}: {why}")
    print(
        f"{len(lengths)} files, {sum(lengths)} lines: "
        f"median {statistics.median(lengths):.0f}, longest {max(lengths)}"
    )
    return "\n".join(bad)


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(__file__).resolve().parent.parent) or 0)
