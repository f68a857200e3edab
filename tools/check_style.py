"""What no formatter checks: the length of files, names that do not belong into this code, and turns of
phrase that do not belong into its messages."""
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
    (r"\b(?:j|J|OrderedJ|Ordered)(?:son)?::(?:parse|accept|sax_parse)\(", "parse_json() bounds depth and size"),
    (r"\bstd::c(out|err)\b|\bf?printf\(", "only cli/ prints"),
]

# Turns of phrase that messages and helps are better without, and what to write.
TICS = [
    (r"\bso many\b", "this many, or the number of …"),
    (r"(?<!here )\b(is|are) no (?!longer)\w", "is not a …"),
    (r"\bstands? (with|without|alone)\b", "requires, or cannot be combined with"),
    (r"\b(is|are) told\b|\btells? (of|what|how|that)\b", "is given, shows, covers"),
    (r"\bmend(s|ed)?\b", "fix"),
    (r"\bmade rows\b", "synthetic rows"),
    (r"\bone's own\b", "your own"),
    (r"\bnot there\b|\bthere is not enough\b", "not found, not available, out of"),
    (r", as (\d|\\\"|--|\{)", "e.g. …"),
    (r"; (0|1|-1|\[\]) = |; (default|auto): ", "in brackets: (0 = …), (default: …)"),
    (r"^how many\b", "the number of …"),
]
TOKEN = re.compile(
    r"//[^\n]*|/\*.*?\*/|R\"(\w*)\(.*?\)\1\"|'(?:[^'\\\n]|\\.)'|\"(?:[^\"\\\n]|\\.)*\"", re.S
)


def literals(text):
    """Line and text of each string literal, adjacent ones as one."""
    found, end = [], None
    for token in TOKEN.finditer(text):
        if not token[0].startswith('"'):
            continue
        if end is not None and not text[end : token.start()].strip():
            found[-1][1] += token[0][1:-1]
        else:
            found.append([text.count("\n", 0, token.start()) + 1, token[0][1:-1]])
        end = token.end()
    return found


def tics(text):
    """Line, literal and better words of each turn of phrase that messages are better without."""
    return [
        (line, literal, better)
        for line, literal in literals(text)
        for pattern, better in TICS
        if re.search(pattern, literal)
    ]
# A kind of data is an enum, also where a part keeps a copy of it.
KIND_AS_TEXT = re.compile(
    r'\bkind\s*[!=]=\s*"(?:real|unit|binary|byte|count|category|token|table)"'
)


def kinds_as_text(root):
    """Comparisons of a kind of data with its name, outside of what reads and writes schemas."""
    bad = []
    for folder in ["src", "tests", "bench", "examples"]:
        for path in sorted((root / folder).rglob("*")):
            if path.suffix not in (".h", ".cpp") or re.match(r"schema.*\.cpp", path.name):
                continue
            for number, line in enumerate(path.read_text().splitlines(), 1):
                if KIND_AS_TEXT.search(line):
                    bad.append(f"{path.relative_to(root)}:{number}: compare with Kind, not a text")
    return bad


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
    return names


def local_clashes(folder):
    """Files of a folder may be compiled as one: their local names must differ."""
    owners, bad = {}, []
    for path in sorted(folder.glob("*.cpp")):
        if folder.name == "kernels" or path.name.startswith("main"):
            continue  # always compiled alone
        for name in local_names(path):
            other = owners.setdefault(name, path)
            if other != path:
                bad.append(f"{path}: the local name {name} is also in {other.name}")
    return bad


def type_clashes(source):
    """Types that others see: two of one name are one to the linker, whatever their folders."""
    owners, bad = {}, []
    for path in sorted([*source.rglob("*.h"), *source.rglob("*.cpp")]):
        text = re.sub(r"^namespace \{$.*?^\}  // namespace$", "", path.read_text(), flags=re.S | re.M)
        for name in re.findall(r"^(?:class|struct|enum class) (?:ELBO_API )?(\w+\b)(?!::)[^;{]*\{", text, re.M):
            other = owners.setdefault(name, path)
            if other != path and not path.stem.startswith("no_") and not other.stem.startswith("no_"):
                bad.append(f"{path}: the type {name} is also in {other}")
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
    bad += kinds_as_text(root)
    source = root / "src/elbo"
    bad += type_clashes(source)
    for path in sorted([*source.rglob("*.h"), *source.rglob("*.cpp")]):
        lines = path.read_text().splitlines()
        lengths.append(len(lines))
        name = path.relative_to(root)
        if len(lines) > MOST_LINES:
            bad.append(f"{name}: {len(lines)} lines, at most {MOST_LINES}")
        if path.suffix == ".h" and lines and "#pragma once" not in lines:
            if "pch.h" not in path.name:
                bad.append(f"{name}: no #pragma once")
        for number, literal, better in tics(path.read_text()):
            bad.append(f'{name}:{number}: "{literal}": better: {better}')
        for pattern, why in FORBIDDEN:
            if "prints" in why and "cli" in path.parts:
                continue
            if "parse_json" in why and path.name == "json_text.cpp":
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
