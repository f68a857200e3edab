"""People with a common number of hours and towns that the young leave out: `people.py make` prints them, `people.py
check REAL.csv MADE.csv` compares rows that a model made with them."""
import csv
import random
import sys


def make():
    draw = random.Random(7)
    print("age,hours,sex,town,rich,gain")
    for _ in range(1200):
        age = draw.randint(18, 90)
        hours = 40 if draw.random() < 0.5 else age // 2 + draw.randint(0, 20)
        sex = draw.choice("fm")
        town = "?" if age < 25 and draw.random() < 0.8 else "Rome" if age > 60 else draw.choice(("Oslo", "Bern"))
        rich = "yes" if age + draw.gauss(0, 9) > 60 else "no"
        print(f"{age},{hours},{sex},{town},{rich},{draw.choice((0, 0, 0, draw.uniform(1, 99))):.2f}")


def share(rows, fits):
    return sum(map(fits, rows)) / len(rows)


def check(real, made):
    shares = {
        "hours=40": (lambda r: r["hours"] == "40", 0.05),
        "town=?": (lambda r: r["town"] == "?", 0.03),
        "gain=0": (lambda r: float(r["gain"]) == 0, 0.05),
        "rich in Rome": (lambda r: r["town"] == "Rome" and r["rich"] == "yes", 0.06),
    }
    for name, (fits, by) in shares.items():
        found = share(real, fits), share(made, fits)
        assert abs(found[0] - found[1]) < by, (name, found)
    assert all(r["town"] in ("?", "Rome", "Oslo", "Bern") for r in made)
    assert all(r["age"].isdigit() and 18 <= int(r["age"]) <= 90 for r in made)
    assert not any("?" in (r["age"], r["hours"], r["sex"], r["rich"], r["gain"]) for r in made)
    young = [r for r in made if int(r["age"]) < 25]
    others = [r for r in made if int(r["age"]) > 30]
    assert share(young, lambda r: r["town"] == "?") > 2 * share(others, lambda r: r["town"] == "?")


if __name__ == "__main__":
    if sys.argv[1] == "make":
        make()
    else:
        check(*(list(csv.DictReader(open(path))) for path in sys.argv[2:4]))
