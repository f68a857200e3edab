#!/usr/bin/env python3
"""Anomalies planted in mixed tables: trains on clean rows, scores others of which one in a hundred was
changed, prints AUROC per kind of change.

payments: a generated table of payments (category, merchant, quantity, price, total, time, country) with
four kinds of changes, each of which leaves every single cell usual: a merchant of another category, a
total that is not quantity x price, an hour of another category, a price of another category.
adult: the raw Adult census (needs the data), with an education that is not that of its number, wives
and husbands of the other sex, wives and husbands who have never married, and doctors and masters of 17 to
19 years.
shoppers: raw sessions of a shop (needs the data), with a special day in a month that has none, page time
without pages, a bounce rate above the exit rate, and many pages in no time."""
import argparse
import csv
import gzip
import os
import pathlib
import random
import tempfile
import time

import numpy as np

import program

CATEGORIES = {"food": (8, (7, 21), ["grocer", "bakery", "market"]), "fuel": (55, (5, 23), ["pump", "station"]),
              "rent": (850, (9, 11), ["agency", "owner"]), "travel": (240, (6, 18), ["rail", "airline", "coach"]),
              "games": (35, (17, 23), ["arcade", "studio"])}


def payment(r):
    kind = r.choices(list(CATEGORIES), (50, 20, 5, 10, 15))[0]
    price, hours, merchants = CATEGORIES[kind]
    quantity = r.choices((1, 2, 3, 4), (60, 25, 10, 5))[0] if kind in ("food", "games") else 1
    price = round(price * r.lognormvariate(0, 0.25), 2)
    when = f"2024-{r.randint(1, 12):02}-{r.randint(1, 28):02} {r.randint(*hours):02}:{r.randint(0, 59):02}"
    return {"category": kind, "merchant": r.choice(merchants), "quantity": quantity, "price": price,
            "total": round(quantity * price, 2), "hour": int(when[11:13]), "day": when[:10],
            "country": r.choices(("AT", "DE", "CH"), (7, 2, 1))[0]}


def changed_payment(r, kind):
    while True:
        row, other = payment(r), payment(r)
        if row["category"] == other["category"]:
            continue
        if kind == "merchant":
            row["merchant"] = other["merchant"]
        elif kind == "total":
            row["total"] = other["total"]
            if abs(row["total"] / (row["quantity"] * row["price"]) - 1) < 0.5:
                continue
        elif kind == "hour":
            low, high = CATEGORIES[row["category"]][1]
            row["hour"] = other["hour"]
            if low <= row["hour"] <= high:
                continue
        else:
            row["price"], row["total"] = other["price"], round(other["price"] * row["quantity"], 2)
            if 0.3 < row["price"] / CATEGORIES[row["category"]][0] < 3:
                continue
        return row


def payments(rows, seed):
    r = random.Random(seed)
    kinds = ("merchant", "total", "hour", "price")
    normal = [payment(r) for _ in range(2 * rows)]
    planted = [(kind, changed_payment(r, kind)) for kind in kinds for _ in range(rows // 400)]
    return normal[:rows], normal[rows:], planted


def halves(data, name, r):
    with gzip.open(data / f"tabular/raw/{name}.train.csv.gz", "rt", newline="") as file:
        rows = list(csv.DictReader(file))
    r.shuffle(rows)
    return rows[:len(rows) // 2], rows[len(rows) // 2:]


def plant(test, changes, r):
    """Each (change, rows it is for) in a four-hundredth of the rows."""
    planted = []
    for change, among in changes:
        for _ in range(len(test) // 400):
            row = dict(r.choice(among))
            change(row)
            planted.append((change.__name__, row))
    return planted


def adult(data, seed):
    r = random.Random(seed)
    train, test = halves(data, "adult", r)
    married = [row for row in test if row["relationship"] in ("Husband", "Wife")]
    learned = [row for row in test if row["education"] in ("Doctorate", "Masters", "Prof-school")]
    words = sorted({row["education"] for row in train + test})

    def education(row):
        row["education"] = r.choice([word for word in words if word != row["education"]])

    def sex(row):
        row["sex"] = "Female" if row["relationship"] == "Husband" else "Male"

    def marital_status(row):
        row["marital_status"] = "Never-married"

    def age(row):
        row["age"] = str(r.randint(17, 19))

    changes = ((education, test), (sex, married), (marital_status, married), (age, learned))
    return train, test, plant(test, changes, r)


def shoppers(data, seed):
    r = random.Random(seed)
    train, test = halves(data, "shoppers", r)
    special = {row["Month"] for row in train + test if float(row["SpecialDay"]) > 0}
    others = [row for row in test if row["Month"] not in special]
    waiting = [row for row in test if float(row["Administrative_Duration"]) > 60]
    leaving = [row for row in test if float(row["ExitRates"]) > float(row["BounceRates"]) + 0.02]
    reading = [row for row in test if int(row["ProductRelated"]) >= 50]

    def special_day(row):
        row["SpecialDay"] = r.choice(("0.4", "0.6", "0.8", "1.0"))

    def no_pages(row):
        row["Administrative"] = "0"

    def rates(row):
        row["BounceRates"], row["ExitRates"] = row["ExitRates"], row["BounceRates"]

    def no_time(row):
        row["ProductRelated_Duration"] = f"{r.uniform(1, 60):.1f}"

    changes = ((special_day, others), (no_pages, waiting), (rates, leaving), (no_time, reading))
    return train, test, plant(test, changes, r)


def write(path, rows):
    with open(path, "w", newline="") as file:
        out = csv.DictWriter(file, list(rows[0]))
        out.writeheader()
        out.writerows(rows)


def auroc(scores, positive):
    """Ties count half."""
    order = np.argsort(scores)
    ranks = np.empty(len(scores))
    ranks[order] = np.arange(1, len(scores) + 1)
    for value in np.unique(scores[positive]):
        same = scores == value
        ranks[same] = ranks[same].mean()
    n = positive.sum()
    return (ranks[positive].sum() - n * (n + 1) / 2) / (n * (len(scores) - n))


def judge(args, train, test, planted):
    with tempfile.TemporaryDirectory() as folder:
        write(f"{folder}/train.csv", train)
        write(f"{folder}/test.csv", test + [row for _, row in planted])
        start = time.time()
        program.elbo(args.program, "train", f"{folder}/train.csv", "--for", "anomalies", "--out", f"{folder}/run",
                     "-q", "--seed", args.seed, *args.train)
        middle = time.time()
        program.elbo(args.program, "score", f"{folder}/run", f"{folder}/test.csv", "-o", f"{folder}/s.npy", "-q",
                     *args.score)
        print(f"  {len(train)} rows: training {middle - start:.0f} s, scores {time.time() - middle:.0f} s")
        scores = np.load(f"{folder}/s.npy")[:, 0]
    normal = scores[:len(test)]
    for kind in dict.fromkeys(kind for kind, _ in planted):
        found = np.array([s for s, (k, _) in zip(scores[len(test):], planted) if k == kind])
        both = np.concatenate([normal, found])
        print(f"  {kind:24} {auroc(both, np.arange(len(both)) >= len(normal)):.4f}")


TABLES = {"payments": lambda args, data: payments(args.rows, args.seed),
          "adult": lambda args, data: adult(data, args.seed),
          "shoppers": lambda args, data: shoppers(data, args.seed)}


def main():
    here = pathlib.Path(__file__).resolve().parent.parent
    data = pathlib.Path(os.environ.get("ELBO_DATA", here.parent / "shared/data"))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default="elbo")
    parser.add_argument("--rows", default=8000, type=int, help="of payments")
    parser.add_argument("--seed", default=0, type=int)
    parser.add_argument("--tables", default="payments,adult,shoppers")
    parser.add_argument("--train", default=[], type=str.split, help="further options of elbo train")
    parser.add_argument("--score", default=[], type=str.split, help="further options of elbo score")
    args = parser.parse_args()
    for table in args.tables.split(","):
        print(table)
        judge(args, *TABLES[table](args, data))


if __name__ == "__main__":
    main()
