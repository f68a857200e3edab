"""No file of src/elbo includes a folder to the right of its own, nor one beside it."""
import pathlib
import re
import sys

LAYERS = [
    "core",
    "kernels",
    "exact",
    "group host",
    "io",
    "chem",
    "data distributions nn",
    "model",
    "densities heads latents objectives",
    "train",
    "eval coding",
    "export",
    "tasks",
    "serve",
    "capi",
    "cli",
]
RANK = {folder: i for i, layer in enumerate(LAYERS) for folder in layer.split()}


def main(source):
    bad = []
    for path in sorted([*source.rglob("*.h"), *source.rglob("*.cpp")]):
        if path.parent == source:
            continue  # an umbrella: it includes what a user needs from several folders
        here = path.relative_to(source).parts[0]
        if here not in RANK:
            bad.append(f"{path}: {here} is in no layer; known: {' '.join(RANK)}")
            continue
        for number, line in enumerate(path.read_text().splitlines(), 1):
            found = re.match(r'\s*#\s*include ["<]elbo/(\w+)/', line)
            if found and found[1] != here and RANK.get(found[1], len(RANK)) >= RANK[here]:
                bad.append(f"{path}:{number}: {here} may not include {found[1]}")
    return "\n".join(bad)


if __name__ == "__main__":
    root = pathlib.Path(__file__).resolve().parent.parent
    sys.exit(main(pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else root / "src/elbo") or 0)
