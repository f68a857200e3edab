"""How sharp drawn pictures are: their mean squared difference of neighbouring pixels beside that of data.

  bench/sharpness.py --faces DATA OUT          train.npy and test.npy of the faces in DATA/smiles.tar.gz
  elbo sample RUN -n 500 -o drawn.npy
  bench/sharpness.py test.npy drawn.npy …      pictures [N, (1,) H, W], bytes or 0 to 1
"""
import pathlib
import sys

import numpy as np


def gradient_energy(path):
    pictures = np.load(path).astype(np.float64)
    pictures = pictures.reshape(len(pictures), *pictures.shape[-2:])
    if pictures.max() > 2:
        pictures /= 255
    down, across = np.diff(pictures, axis=1), np.diff(pictures, axis=2)
    return (down**2).mean() + (across**2).mean()


def write_faces(data, out):
    from labels import faces

    x, _ = faces(pathlib.Path(data))
    cut = len(x) * 4 // 5
    pathlib.Path(out).mkdir(parents=True, exist_ok=True)
    np.save(f"{out}/train.npy", x[:cut])
    np.save(f"{out}/test.npy", x[cut:])


def main(data, *drawn):
    real = gradient_energy(data)
    print(f"{data}: gradient energy {1000 * real:.2f}e-3")
    for path in drawn:
        made = gradient_energy(path)
        print(f"{path}: gradient energy {1000 * made:.2f}e-3, {made / real:.3f} of the data's")


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    if sys.argv[1] == "--faces":
        write_faces(*sys.argv[2:])
    else:
        main(*sys.argv[1:])
