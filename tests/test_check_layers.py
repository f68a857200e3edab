"""tools/check_layers.py finds an include to the right, one beside, and an unknown folder."""
import pathlib
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tools"))
import check_layers  # noqa: E402

FILES = {
    "core/a.h": '#include "elbo/model/model.h"\n',  # to the right
    "heads/b.cpp": '#include "elbo/latents/latent.h"\n',  # beside
    "model/c.cpp": '#include "elbo/core/a.h"\n#include "elbo/model/d.h"\n',  # both allowed
    "tasks/task.h": '#include "elbo/train/run.h"\n',  # allowed
    "misc/e.h": "",  # no such layer
}

with tempfile.TemporaryDirectory() as folder:
    root = pathlib.Path(folder)
    for name, text in FILES.items():
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text(text)
    found = sorted(line.removeprefix(f"{root}/") for line in check_layers.main(root).splitlines())

expected = ["core/a.h:1: core may not include model", "heads/b.cpp:1: heads may not include latents"]
assert found[:2] == expected and len(found) == 3 and found[2].startswith("misc/e.h: misc"), found
