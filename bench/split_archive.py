"""Every fifth of an archive's pictures, drawn at random, apart from the others.

  bench/split_archive.py ARCHIVE OUT          OUT/train.tar.gz, OUT/test.tar.gz (folders, so labels, stay)
"""
import pathlib
import random
import sys
import tarfile


def main(archive, out):
    pathlib.Path(out).mkdir(parents=True, exist_ok=True)
    with tarfile.open(archive) as source:
        members = sorted((m for m in source if m.isfile() and m.name.lower().endswith((".jpg", ".png"))),
                         key=lambda m: m.name)
        held_out = set(random.Random(0).sample(range(len(members)), len(members) // 5))
        with tarfile.open(f"{out}/train.tar.gz", "w:gz", compresslevel=1) as train, \
                tarfile.open(f"{out}/test.tar.gz", "w:gz", compresslevel=1) as test:
            for i, member in enumerate(members):
                (test if i in held_out else train).addfile(member, source.extractfile(member))


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
