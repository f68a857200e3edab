"""Every model of the zoo is valid JSON with the keys that the program reads, and cites its paper; README counts them."""
import json
import pathlib
import re
import sys

KEYS = {"about": str, "group": str, "paper": str, "spec": dict}


def defect(path):
    try:
        entry = json.loads(path.read_text())
    except ValueError as error:
        return f"not JSON: {error}"
    for key, kind in KEYS.items():
        if not isinstance(entry.get(key), kind):
            return f'"{key}" is not a {kind.__name__}'
    unknown = set(entry) - set(KEYS)
    return f"unknown key {sorted(unknown)[0]}" if unknown else None


def main(root):
    files = sorted((root / "zoo").glob("*.json"))
    bad = [f"{p.relative_to(root)}: {d}" for p in files if (d := defect(p))]
    counted = re.search(r"\| models \| (\d+) in `zoo/`", (root / "README.md").read_text())
    if not counted or int(counted[1]) != len(files):
        bad.append(f"README.md: {counted[1] if counted else 'no'} models counted, zoo/ has {len(files)}")
    print(f"{len(files)} zoo models")
    return "\n".join(bad) if files else "zoo/ is empty"


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(__file__).resolve().parent.parent) or 0)
