#!/usr/bin/env python3
"""Random tables whose truth is known: types, spellings, separators, missing words and encodings are drawn,
and `elbo inspect` must find them, or say that it is unsure (a note that names the column and the option, or a
refusal).

  python3 bench/table_property.py --program build/elbo [--tables 2000] [--first 0] [--train-each 10]

For every table: the number of rows, names, types and missing cells, and the smallest and largest cell of each
column of numbers or times, which are written anew from what was read and must have the bytes of the file. Every
so many tables (--train-each; 0 = none) a small model is trained: `impute` of the table itself must leave all
bytes as they are, and cells that it fills must be spelled as their column is. Prints a table of counts and
exits with 1 where a difference was silent."""
import argparse
import collections
import csv
import datetime
import gzip
import io
import json
import os
import pathlib
import random
import re
import subprocess
import sys
import tempfile

NUMBER = {"real", "count", "positive"}
EVERYWHERE = ["", "NA", "N/A", "NaN", "nan", "null", "NULL", "?"]
BY_COLUMN = ["None", "n/a", "-", ".", "<NA>", "#N/A", "NaT", "missing", "--"]


def grouped(value, decimals, group, point):
    text = f"{abs(value):,.{decimals}f}".replace(",", "\0").replace(".", point).replace("\0", group)
    return ("-" if value < 0 else "") + text


class Column:
    """A kind of column: cells as text, the types that are right, and how a cell is spelled."""

    def __init__(self, kind, cells, types, spelled=None, order=None, holes=True):
        self.kind, self.cells, self.types = kind, cells, types
        self.spelled, self.order, self.holes = spelled, order, holes
        self.missing = 0


def real(r, n):
    decimals, scale, middle = r.randint(1, 4), 10 ** r.uniform(-0.5, 4), r.choice([0, 0, 50, -1000, 1e5])
    values = [r.gauss(middle, scale) for _ in range(n)]
    point = r.choice(".." + (",") if r.delimiter != "," else ".")
    cells = [f"{v:.{decimals}f}".replace(".", point) for v in values]
    cells = ["0" + c[2:] if False else c for c in cells]
    return Column("real " + point, cells, {"real", "positive"}, rf"-?\d+\{point}\d{{{decimals}}}",
                  lambda c: float(c.replace(",", ".")))


def count(r, n):
    mean = 10 ** r.uniform(1.5, 5)
    cells = [str(int(r.expovariate(1 / mean))) for _ in range(n)]
    return Column("count", cells, {"count", "positive", "real"}, r"\d+", int)


def negative(r, n):
    cells = [str(r.randint(-5000, 5000)) for _ in range(n)]
    return Column("whole", cells, {"real"}, r"-?\d+", int)


def grade(r, n):
    top, low = r.randint(3, 12), r.choice([0, 1])
    cells = [str(r.randint(low, low + top - 1)) for _ in range(n)]
    return Column("grade", cells, {"ordinal"}, r"\d+")


def mixed_grade(r, n):
    """The same grades as whole numbers and as decimals, as two tables put together have them."""
    cells = [str(r.randint(1, 5)) for _ in range(n)]
    cells = [c + ".0" if r.random() < 0.4 else c for c in cells]
    return Column("grade 1, 1.0", cells, {"ordinal"})


def word(r, n):
    pool = ["red", "green", "blue", "N", "9x", "a,b", "x y", "Ä", 'say "hi"', "north-west", "A1", "B2", "None of it", "a;b", "t|u"]
    words = r.sample(pool, r.randint(3, 6))
    return Column("word", [r.choice(words) for _ in range(n)], {"category"})


def binary(r, n):
    words = r.choice([("yes", "no"), ("True", "False"), ("0", "1"), ("M", "F"), ("ON", "OFF"), ("1", "2")])
    return Column("binary", [r.choice(words) for _ in range(n)], {"binary"})


def thousands(r, n):
    group = r.choice([",", " ", "'"]) if r.delimiter != "," or r.quote_all else r.choice([" ", "'", ","])
    cells = [grouped(int(r.lognormvariate(9, 2)), 0, group, ".") for _ in range(n)]
    return Column("thousands " + repr(group), cells, NUMBER, rf"\d{{1,3}}({re.escape(group)}\d{{3}})*",
                  lambda c: int(c.replace(group, "")))


def euro(r, n):
    cells = [grouped(r.uniform(0, 90000), 2, ".", ",") for _ in range(n)]
    return Column("1.234,56", cells, {"real", "positive"}, r"\d{1,3}(\.\d{3})*,\d\d",
                  lambda c: float(c.replace(".", "").replace(",", ".")))


def dollars(r, n):
    cells = ["$" + grouped(r.lognormvariate(7, 2), 2, ",", ".") for _ in range(n)]
    return Column("$1,234.56", cells, {"real", "positive"}, r"\$\d{1,3}(,\d{3})*\.\d\d",
                  lambda c: float(c[1:].replace(",", "")))


def percent(r, n):
    cells = [f"{r.uniform(0, 100):.1f}%" for _ in range(n)]
    return Column("12.5%", cells, {"real", "positive"}, r"\d+\.\d%", lambda c: float(c[:-1]))


def accounting(r, n):
    values = [r.gauss(0, 50) for _ in range(n)]
    cells = [f"{v:.2f}" if v >= 0 else f"({-v:.2f})" for v in values]
    return Column("(12.50)", cells, {"real"}, r"\d+\.\d\d|\(\d+\.\d\d\)",
                  lambda c: -float(c[1:-1]) if c[0] == "(" else float(c))


def scientific(r, n):
    cells = [f"{r.lognormvariate(0, 3):.4e}" for _ in range(n)]
    return Column("1.2e-05", cells, {"real", "positive"})


def code(r, n):
    width = r.randint(4, 6)
    codes = [f"{r.randint(0, 10 ** width - 1):0{width}d}" for _ in range(9)] + ["0" * (width - 3) + "123"]
    return Column("code 00123", [r.choice(codes) for _ in range(n)], {"category"})


def identifier(r, n):
    digits = r.randint(9, 18)
    numbers = set()
    while len(numbers) < n:
        numbers.add(r.randint(10 ** (digits - 1), 10 ** digits - 1))
    numbers = list(numbers)
    r.shuffle(numbers)
    return Column("identifier", [str(v) for v in numbers], {None}, holes=False)


def running(r, n):
    first = r.choice([0, 1, 1000])
    numbers = list(range(first, first + n))
    if r.random() < 0.5:
        r.shuffle(numbers)
    return Column("running number", [str(v) for v in numbers], {None}, holes=False)


def text(r, n):
    cells = ["".join(r.choice("abcdefghij ") for _ in range(12)).strip() or "x" for _ in range(n)]
    return Column("free text", [f"{c}{i}" for i, c in enumerate(cells)], {None}, holes=False)


def constant(r, n):
    return Column("constant", [r.choice(["5", "kg", "0.0", "2021-01-01"])] * n, {None}, holes=False)


def when(r, n):
    first = datetime.datetime(r.randint(1990, 2020), r.randint(1, 12), 1)
    return [first + datetime.timedelta(seconds=r.randint(0, 90000000), milliseconds=r.randint(0, 999))
            for _ in range(n)]


DATES = [
    ("%Y-%m-%d", r"\d{4}-\d\d-\d\d"), ("%Y/%m/%d", r"\d{4}/\d\d/\d\d"), ("%d.%m.%Y", r"\d\d\.\d\d\.\d{4}"),
    ("%d/%m/%Y", r"\d\d/\d\d/\d{4}"), ("%m/%d/%Y", r"\d\d/\d\d/\d{4}"), ("%d-%b-%Y", r"\d\d-[A-Z][a-z]{2}-\d{4}"),
    ("%b %d, %Y", r"[A-Z][a-z]{2} \d\d, \d{4}"), ("%Y-%m-%d %H:%M:%S", r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"),
    ("%Y-%m-%dT%H:%M:%SZ", r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"), ("%Y-%m-%d %H:%M:%S+02:00", r"[-\d]+ [\d:]+\+02:00"),
    ("%Y-%m-%d %H:%M:%S.{ms}", r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}"), ("%d/%m/%Y %H:%M", r"\d\d/\d\d/\d{4} \d\d:\d\d"),
    ("%m/%d/%Y %I:%M:%S %p", r"\d\d/\d\d/\d{4} \d\d:\d\d:\d\d [AP]M"), ("%Y%m%d", r"\d{8}"),
    ("%Y%m%d%H%M%S", r"\d{14}")]


def date(r, n):
    pattern, spelled = r.choice(DATES)
    times = when(r, n)
    cells = [t.strftime(pattern).replace("{ms}", f"{t.microsecond // 1000:03d}") for t in times]
    key = dict(zip(cells, times))
    return Column("date " + pattern, cells, {"date"}, spelled, key.get)


def bare_date(r, n):
    """1/5/2021 and 2021/1/5 0:07, as spreadsheets write them."""
    times = when(r, n)
    if r.random() < 0.5:
        cells = [f"{t.month}/{t.day}/{t.year}" for t in times]
        spelled = r"\d\d?/\d\d?/\d{4}"
    else:
        cells = [f"{t.year}/{t.month}/{t.day} {t.hour}:{t.minute:02d}" for t in times]
        spelled = r"\d{4}/\d\d?/\d\d? \d\d?:\d\d"
    key = dict(zip(cells, times))
    return Column("date, bare", cells, {"date"}, spelled, key.get)


def unix(r, n):
    unit = r.choice([1, 1000])
    cells = [str(r.randint(1200000000, 1700000000) * unit + (r.randint(0, 999) if unit > 1 else 0)) for _ in range(n)]
    column = Column("Unix time", cells, {"date"}, r"\d+", int)
    column.name = r.choice(["timestamp", "epoch", "event_time", "created_unix"])
    return column


KINDS = [real, real, count, negative, grade, mixed_grade, word, binary, thousands, euro, dollars, percent,
         accounting, scientific, code, identifier, running, text, constant, date, date, bare_date, unix]
NAMES = ["alpha", "beta", "size", "2019", "a b", "x=y", "Länge", "t,u", "q;r", "NA", "n", "Preis (€)", "p>q", 'in "q"']


def put_holes(r, column):
    """Cells of a column that a word for a missing cell replaces."""
    if not column.holes or r.random() < 0.6:
        return
    numbers = column.types <= NUMBER | {"date"}
    words = EVERYWHERE + (BY_COLUMN if numbers else [])
    words = r.sample(words, r.choice([1, 1, 2]))
    share = r.uniform(0.02, 0.4)
    for i in range(len(column.cells)):
        if r.random() < share:
            column.cells[i] = r.choice(words)
            column.missing += 1


def spelled_line(cells, delimiter, quote_all, end):
    def cell(c):
        special = quote_all or any(s in c for s in (delimiter, '"', "\n", "\r")) or c != c.strip()
        return '"' + c.replace('"', '""') + '"' if special else c
    return delimiter.join(map(cell, cells)) + end


class Table:
    def __init__(self, seed):
        r = random.Random(seed)
        r.delimiter = r.choice([",", ",", ";", "\t", "|"])
        r.quote_all = r.random() < 0.1
        self.rows = r.randint(120, 500)
        self.columns, names = [], set()
        for _ in range(r.randint(2, 7)):
            column = r.choice(KINDS)(r, self.rows)
            column.name = getattr(column, "name", None) or r.choice(NAMES) + (str(r.randint(0, 99)) if r.random() < 0.7 else "")
            if column.name in names or (r.delimiter == "," and column.kind in ("1.234,56",) and False):
                continue
            names.add(column.name)
            column.lowest = column.highest = None
            if column.order:
                column.lowest, column.highest = min(column.cells, key=column.order), max(column.cells, key=column.order)
            put_holes(r, column)
            seen = [c for c in column.cells if c not in EVERYWHERE + BY_COLUMN]
            if column.order and seen:
                column.lowest, column.highest = min(seen, key=column.order), max(seen, key=column.order)
            self.columns.append(column)
        self.end = r.choice(["\n", "\n", "\r\n", "\r"])
        self.delimiter = r.delimiter
        self.encoding = r.choice(["utf-8", "utf-8", "utf-8", "utf-8-sig"])
        self.packed = r.random() < 0.1
        lines = [spelled_line([c.name for c in self.columns], r.delimiter, r.quote_all, self.end)]
        for row in zip(*[c.cells for c in self.columns]):
            lines.append(spelled_line(row, r.delimiter, r.quote_all, self.end))
        if r.random() < 0.1:
            lines[-1] = lines[-1][:-len(self.end)]  # no line end behind the last row
        self.bytes = "".join(lines).encode(self.encoding)

    def learns(self):
        return any(c.types != {None} for c in self.columns)

    def write(self, folder):
        path = folder / ("t.tsv" if self.delimiter == "\t" else "t.csv")
        if self.packed:
            path = path.with_name(path.name + ".gz")
            path.write_bytes(gzip.compress(self.bytes))
        else:
            path.write_bytes(self.bytes)
        return path


class Judge:
    def __init__(self, program, folder, verbose):
        self.program, self.folder, self.verbose = program, folder, verbose
        self.counts = collections.Counter()
        self.by_kind = collections.defaultdict(collections.Counter)
        self.environment = {**os.environ, "OMP_NUM_THREADS": "1", "ELBO_PREPARED": "1"}

    def run(self, *words):
        return subprocess.run([self.program, *map(str, words)], capture_output=True, text=True, env=self.environment)

    def tell(self, seed, what, *more):
        print(f"table {seed}: {what}:", *more, flush=True)

    def column(self, seed, column, found, notes):
        """equal, said (a note names the column) or silent."""
        got = found.get(column.name)
        kind = got["type"] if got else None
        own = [n for n in notes if f'column "{column.name}"' in n]
        problem = ""
        if kind not in column.types:
            problem = f"type {kind}, expected one of {column.types}"
        elif got and got["missing"] != column.missing:
            problem = f"{got['missing']} missing cells, expected {column.missing}"
        elif got and kind in NUMBER | {"date"} and column.order and column.spelled:
            shown = got["values"]
            if shown != f"{column.lowest} to {column.highest}":
                problem = f"values {shown}, expected {column.lowest} to {column.highest}"
        verdict = "equal" if not problem else "said" if own and "values" not in problem else "silent"
        self.by_kind[column.kind][verdict] += 1
        if verdict == "silent" or (problem and self.verbose):
            self.tell(seed, verdict, column.kind, repr(column.name), problem, column.cells[:4], own)
        return verdict

    def inspect(self, seed, table, path):
        done = self.run("inspect", path, "--json")
        if done.returncode != 0:
            lines = done.stderr.splitlines()
            plain = done.returncode == 1 and len(lines) == 1
            self.counts["refused" if plain else "broken"] += 1
            if not plain or self.verbose:
                self.tell(seed, "refused" if plain else "broken", done.stderr.strip()[:300], [c.kind for c in table.columns])
            for column in table.columns:
                if f'column "{column.name}"' in done.stderr:
                    self.by_kind[column.kind]["refused"] += 1
            return False
        found = json.loads(done.stdout)
        if any(n.startswith("the first line is a row") for n in found["notes"]):
            self.counts["said"] += 1
            if self.verbose:
                self.tell(seed, "said", found["notes"][0], [c.name for c in table.columns])
            return False
        verdicts = [self.column(seed, c, {x["name"]: x for x in found["columns"]}, found["notes"])
                    for c in table.columns]
        names = {c.name for c in table.columns}
        if found["rows"] != table.rows or not {x["name"] for x in found["columns"]} <= names:
            self.tell(seed, "silent", "rows", found["rows"], "of", table.rows, [x["name"] for x in found["columns"]])
            verdicts.append("silent")
        worst = "silent" if "silent" in verdicts else "said" if "said" in verdicts else "equal"
        self.counts[worst] += 1
        return worst != "silent"

    def write_back(self, seed, table, path):
        small = ["--set", "encoder.hidden=[8]", "--set", "decoder.hidden=[8]", "--set", "latent.size=2"]
        done = self.run("train", path, "--out", self.folder / "run", "--force", "-q", "--steps", 5, *small)
        if done.returncode != 0:
            self.counts["not trained"] += 1
            self.tell(seed, "not trained", done.stderr.strip()[:300])
            return
        self.counts["trained"] += 1
        out = self.folder / "out.csv"
        done = self.run("impute", self.folder / "run", path, "-o", out, "--json")
        if done.returncode != 0:
            self.counts["bytes differ"] += 1
            self.tell(seed, "not written back", done.stderr.strip()[:300])
            return
        filled = json.loads(done.stdout)["cells_filled"]
        self.compare(seed, table, out.read_bytes(), filled)

    def compare(self, seed, table, written, filled):
        """Known cells keep their bytes, filled ones are spelled as the column is."""
        read = lambda data: list(csv.reader(io.StringIO(data.decode(table.encoding), newline=""), delimiter=table.delimiter))
        if not filled:
            same = written == table.bytes
            self.counts["bytes equal" if same else "bytes differ"] += 1
            if not same:
                self.tell(seed, "bytes differ")
            return
        before, after = read(table.bytes), read(written)
        wrong = [] if len(before) == len(after) else ["rows"]
        missing = EVERYWHERE + BY_COLUMN
        for a, b in zip(before[1:], after[1:]):
            for column, x, y in zip(table.columns, a, b):
                if x == y:
                    continue
                hole = column.name in filled and x in missing
                if not hole or (column.spelled and not re.fullmatch(column.spelled, y)):
                    wrong.append((column.kind, column.name, x, y))
        self.counts["cells equal" if not wrong else "bytes differ"] += 1
        if wrong:
            self.tell(seed, "cells differ", wrong[:3])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default="build/elbo", type=os.path.abspath)
    parser.add_argument("--tables", type=int, default=2000)
    parser.add_argument("--first", type=int, default=0, help="seed of the first table")
    parser.add_argument("--train-each", type=int, default=10)
    parser.add_argument("--verbose", action="store_true", help="show what was said or refused, too")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="elbo-property-") as folder:
        judge = Judge(options.program, pathlib.Path(folder), options.verbose)
        tables = 0
        for seed in range(options.first, options.first + options.tables):
            table = Table(seed)
            if not table.learns():
                continue
            tables += 1
            path = table.write(pathlib.Path(folder))
            fine = judge.inspect(seed, table, path)
            if fine and options.train_each and seed % options.train_each == 0:
                judge.write_back(seed, table, path)
            path.unlink()
    print(f"{'column':32} {'equal':>7} {'said':>7} {'refused':>8} {'silent':>7}")
    for kind, counts in sorted(judge.by_kind.items()):
        print(f"{kind:32} {counts['equal']:7} {counts['said']:7} {counts['refused']:8} {counts['silent']:7}")
    print(f"{tables} tables: " + ", ".join(f"{count} {what}" for what, count in sorted(judge.counts.items())))
    sys.exit(any(judge.counts[bad] for bad in ("silent", "broken", "bytes differ")))


if __name__ == "__main__":
    main()
