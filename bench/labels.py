#!/usr/bin/env python3
"""What labels are good for, measured on real pictures: class-conditional samples, the smile vector,
denoising, augmentation, and few labels. An independent classifier in PyTorch judges."""
import argparse
import gzip
import io
import json
import os
import pathlib
import statistics
import tarfile
import tempfile
import time

import numpy as np
import torch
from PIL import Image

import classifier
import program

# The codes whose neighbours carry the labels: shades, whose neighbours are more alike than those of drawn bits.
M1 = """--model vae_gated --binarize none --set likelihood=bernoulli --epochs 40 --lr cosine(0.001,0.00002,40e)"""

# Shades, not drawn bits.
FEW = "--binarize none --set likelihood=bernoulli --model few_labels"

# The published recipe of ADGM and SDGM (Maaloee et al. 2016) as far as a few hours go: 2 x 500 units with batch
# normalisation, a and z of 100, pictures drawn as bits anew each epoch, 100 unlabelled and 100 labelled rows in a
# step, the classifier weighted by a tenth of rows per label (30: a row is one of 200, half of these have labels).
OWN_NET = '{"type":"mlp","hidden":[500,500],"norm":"batch"}'
OWN = ["--binarize", "dynamic", "--batch", 200, "--lr", 0.0003, "--clip", 5, "--validation", 0, "--seed", 1,
       "--set", f"encoder={OWN_NET}", "--set", f"decoder={OWN_NET}",
       "--set", 'latent.joint={"type":"mlp","hidden":[500]}', "--set", "latent.alpha=30"]


def idx(path):
    with gzip.open(path) as file:
        raw = file.read()
    sizes = [int.from_bytes(raw[4 + 4 * i:8 + 4 * i], "big") for i in range(raw[3])]
    return np.frombuffer(raw, np.uint8, offset=4 + 4 * raw[3]).reshape(sizes)


def digits(folder, part):
    x = torch.from_numpy(idx(folder / f"mnist/{part}-images-idx3-ubyte.gz").copy())
    y = torch.from_numpy(idx(folder / f"mnist/{part}-labels-idx1-ubyte.gz").copy())
    return x.unsqueeze(1).float() / 255, y.long()


def faces(folder):
    """[N, 1, 64, 64] bytes and 1 = smiling, in a seeded order."""
    x, y = [], []
    with tarfile.open(folder / "smiles.tar.gz") as archive:
        for member in sorted(archive, key=lambda m: m.name):
            if member.name.endswith(".jpg"):
                image = Image.open(io.BytesIO(archive.extractfile(member).read())).convert("L")
                x.append(np.array(image, np.uint8))
                y.append(int("positives" in member.name))
    order = np.random.default_rng(0).permutation(len(x))
    return np.stack(x)[order][:, None], np.array(y, np.int64)[order]


def pictures(path):
    x = torch.from_numpy(np.load(path)).float()
    return x.reshape(len(x), 1, *x.shape[-2:])


class Bench:
    def __init__(self, args):
        self.args = args
        self.folder = pathlib.Path(args.folder)
        self.folder.mkdir(parents=True, exist_ok=True)

    def elbo(self, *words):
        return program.elbo(self.args.program, *words)

    def train(self, name, *words):
        run, start = self.folder / name, time.time()
        if not (run / "weights.safetensors").exists() or self.args.force:
            self.elbo("train", *words, "--out", run, "--force", "-q")
        return run, (time.time() - start) / 60

    def conditional(self):
        mnist = f"mnist:{self.args.data / 'mnist'}"
        run, minutes = self.train("conditional", mnist, "--condition", "label", "--model", "vae_gated",
                                  "--set", "objective.beta=linear(0, 2, 5e)", "--epochs", 30)
        x, y = digits(self.args.data, "train")
        net = classifier.train(x, y, 10, 8, 0)
        right = []
        for k in range(10):
            path = self.folder / "class.npy"
            self.elbo("sample", run, "-n", 1000, "--condition", k, "--seed", k, "-o", path, "-q")
            right.append((classifier.classes_of(net, pictures(path)) == k).double().mean().item())
        self.elbo("edit", run, "--set", "label=all", "-o", self.folder / "styles.png", "-q")
        return {"minutes": minutes, "classifier": classifier.accuracy(net, *digits(self.args.data, "t10k")),
                "agreement": statistics.mean(right), "lowest class": min(right)}

    def denoise(self):
        mnist = f"mnist:{self.args.data / 'mnist'}"
        run, minutes = self.train("denoise", mnist, "--binarize", "none", "--model", "denoising_vae", "--set",
                                  "objective.noise=gaussian", "--set", "objective.amount=0.3", "--epochs", 15)
        told = json.loads(self.elbo("denoise", run, "--noise", "gaussian", "--amount", 0.3, "--json", "-q",
                                    "-o", self.folder / "denoised.png"))
        return {"minutes": minutes, **told["psnr"], "filter width": told["filter_width"]}

    def augment(self):
        """20 labelled digits a class; the model has seen all others without their labels."""
        mnist = f"mnist:{self.args.data / 'mnist'}"
        run, minutes = self.train("augment", mnist, "--binarize", "none", "--set", "likelihood=bernoulli",
                                  "--model", "vae", "--epochs", 15)
        x, y = digits(self.args.data, "train")
        test = digits(self.args.data, "t10k")
        plain, more = [], []
        for draw in range(5):
            order = torch.from_numpy(np.random.default_rng(draw).permutation(len(x)))
            rows = torch.cat([order[y[order] == k][:20] for k in range(10)])
            few, out = self.folder / "few.npz", self.folder / "more.npz"
            np.savez(few, x=(x[rows] * 255).byte().numpy(), y=y[rows].numpy())
            self.elbo("augment", run, few, "-n", 20, "--spread", self.args.spread, "--seed", draw, "-o", out, "-q")
            made = np.load(out)
            made_x = torch.from_numpy(made["x"]).float().reshape(-1, 1, 28, 28) / 255
            made_y = torch.from_numpy(made["y"]).long()
            # As many steps for both.
            plain.append(classifier.accuracy(classifier.train(x[rows], y[rows], 10, 630, draw, batch=64), *test))
            more.append(classifier.accuracy(classifier.train(made_x, made_y, 10, 30, draw, batch=64), *test))
        return {"minutes": minutes, "without": statistics.mean(plain), "with": statistics.mean(more),
                "gain in points": 100 * (statistics.mean(more) - statistics.mean(plain))}

    def smiles(self):
        x, y = faces(self.args.data)
        cut = len(x) * 4 // 5
        np.savez(self.folder / "faces.npz", x=x[:cut], y=y[:cut])
        neutral = x[cut:][y[cut:] == 0]
        np.savez(self.folder / "neutral.npz", x=neutral)
        run, minutes = self.train("smiles", self.folder / "faces.npz", *self.args.smile_model.split(),
                                  "--epochs", self.args.smile_epochs)
        unit = torch.from_numpy(x).float() / 255
        labels = torch.from_numpy(y)
        net = classifier.train(unit[:cut], labels[:cut], 2, 8, 0)
        judged = unit[cut:][labels[cut:] == 0]
        calm = classifier.classes_of(net, judged) == 0
        result = {"minutes": minutes, "classifier": classifier.accuracy(net, unit[cut:], labels[cut:]),
                  "faces": int(calm.sum())}
        codes = self.folder / "codes.npy"
        self.elbo("encode", run, self.folder / "neutral.npz", "-o", codes, "-q")
        z = np.load(codes)

        def smiling(path):
            return classifier.classes_of(net, pictures(path)) == 1

        def decoded(moved, name):
            np.save(self.folder / "moved.npy", moved.astype(np.float32))
            self.elbo("decode", run, self.folder / "moved.npy", "-o", self.folder / name, "-q")
            return self.folder / name

        rebuilt = smiling(decoded(z, "rebuilt.npy"))
        kept = calm & ~rebuilt  # what turns to a smile by reconstruction alone is no feat of the walk
        result["smiling once rebuilt"] = rebuilt[calm].double().mean().item()
        for amount in self.args.amounts:
            path = self.folder / "edited.npy"
            told = json.loads(self.elbo("edit", run, self.folder / "neutral.npz", "--along", "1:0", "--amount", amount,
                                        "--steps", 1, "-o", path, "--json", "-q", "--method", self.args.method))
            length = told["direction"]["length"] * abs(amount)
            directions = np.random.default_rng(1).normal(size=(10, z.shape[1]))
            directions *= length / np.linalg.norm(directions, axis=1, keepdims=True)
            random = [smiling(decoded(z + d, "random.npy"))[kept].double().mean().item() for d in directions]
            result[f"amount {amount}"] = {"smiling": smiling(path)[kept].double().mean().item(),
                                          "along random": statistics.mean(random)}
        self.elbo("edit", run, self.folder / "neutral.npz", "--along", "1:0", "--amount", "-1..2", "--steps", 7,
                  "--show", 12, "-o", self.folder / "smiles.png", "-q")
        return result

    def spread(self, draw, share):
        """The run of M1, the file of labels spread over its training rows, and minutes."""
        m1, start = self.folder / f"m1-{draw}", time.time()
        self.train(m1.name, f"mnist:{self.args.data / 'mnist'}", "--labels-per-class", self.args.per_class,
                   "--label-seed", draw, *M1.split())
        path = self.folder / f"spread-{draw}-{share}.csv"
        if not path.exists() or self.args.force:
            self.elbo("classify", m1, "--method", "spread", "--views", 8, "--split", "train", "--share", share,
                      "--json", "-q", "-o", path)
        return m1, path, (time.time() - start) / 60

    def classified(self, run, *words):
        return json.loads(self.elbo("classify", run, *words, "--json", "-q", "-o", self.folder / "classes.csv"))["error"]

    def few(self):
        """`--draws` draws of few labels, judged on the 10,000 test digits: spread over the codes of M1, the surest
        `--share` of them teach a convolutional M2."""
        errors, looked, minutes = [], [], []
        for draw in range(1, self.args.draws + 1):
            _, labels, first = self.spread(draw, self.args.share)
            run, second = self.train(f"few-{draw}", f"mnist:{self.args.data / 'mnist'}", "--labels", labels,
                                     *self.args.few_train.split())
            errors.append(self.classified(run))
            looked.append(self.classified(run, "--views", self.args.views))
            minutes.append(first + second)
        return {"minutes": minutes, "errors": errors, "mean": statistics.mean(errors), "with views": looked,
                "mean with views": statistics.mean(looked)}

    def stacked(self):
        """M1+M2: the same draws, spread over all training rows; an M2 of M1's codes learns from them."""
        errors, minutes = [], []
        for draw in range(1, self.args.draws + 1):
            m1, labels, first = self.spread(draw, 1.0)
            start, codes, test = time.time(), self.folder / "codes.npy", self.folder / "codes.npz"
            self.elbo("encode", m1, "--split", "train", "-q", "-o", codes)
            run, _ = self.train(f"stacked-{draw}", codes, "--labels", labels, "--model", "m2", "--epochs", 8, "--lr",
                                "cosine(0.002,0.00005,8e)")
            self.elbo("encode", m1, "--split", "test", "-q", "-o", codes)
            np.savez(test, x=np.load(codes), y=digits(self.args.data, "t10k")[1].numpy())
            errors.append(self.classified(run, test))
            minutes.append(first + (time.time() - start) / 60)
        return {"minutes": minutes, "errors": errors, "mean": statistics.mean(errors)}

    def own(self):
        """ADGM (`--own-model`) by its own recipe: the error on the test digits after some epochs."""
        x, y = (idx(self.args.data / f"mnist/train-{part}-ubyte.gz") for part in ("images-idx3", "labels-idx1"))
        draws = np.random.default_rng(1)
        rows = np.concatenate([draws.permutation(np.flatnonzero(y == k))[:10] for k in range(10)])
        rows = np.tile(rows, len(x) // len(rows))  # as many with a label as without
        file, run = self.folder / "own.npz", self.folder / self.args.own_model
        np.savez(file, x=np.concatenate([x, x[rows]]), y=np.concatenate([np.full(len(x), -1), y[rows]]))
        start, curve = time.time(), {}
        for epochs in self.args.own_epochs:
            if curve:
                self.elbo("train", "--resume", run, "--epochs", epochs, "-q")
            else:
                self.elbo("train", file, "--model", self.args.own_model, "--out", run, "--force", "--epochs", epochs,
                          *OWN, "-q")
            curve[epochs] = self.classified(run, f"mnist:{self.args.data / 'mnist'}")
        return {"minutes": (time.time() - start) / 60, "errors": curve}

    def supervised(self):
        """The judge's own network on the same 100 labels."""
        x, y = digits(self.args.data, "train")
        errors = []
        for draw in range(1, self.args.draws + 1):
            order = torch.from_numpy(np.random.default_rng(draw).permutation(len(x)))
            rows = torch.cat([order[y[order] == k][:10] for k in range(10)])
            net = classifier.train(x[rows], y[rows], 10, 300, draw, batch=50)
            errors.append(1 - classifier.accuracy(net, *digits(self.args.data, "t10k")))
        return {"errors": errors, "mean": statistics.mean(errors)}


def main():
    here = pathlib.Path(__file__).resolve().parent.parent
    data = os.environ.get("ELBO_DATA", here.parent / "shared/data")
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", nargs="+",
                        choices=["conditional", "denoise", "augment", "smiles", "few", "stacked", "own",
                                 "supervised"])
    parser.add_argument("--program", default=here / "build/elbo")
    parser.add_argument("--data", default=data, type=pathlib.Path)
    parser.add_argument("--folder", default=os.path.join(tempfile.gettempdir(), "elbo-labels"),
                        help="runs and pictures; a run that is there is not trained again")
    parser.add_argument("--force", action="store_true", help="train again")
    parser.add_argument("--draws", default=5, type=int)
    parser.add_argument("--spread", default=2.0, type=float)
    parser.add_argument("--smile-model", default="--model vae --set latent.size=64")
    parser.add_argument("--smile-epochs", default=20, type=int)
    parser.add_argument("--method", default="mean")
    parser.add_argument("--amounts", default=[1.0, 1.5, 2.0], type=float, nargs="+")
    parser.add_argument("--per-class", default=10, type=int, help="labels of each class that few and stacked see")
    parser.add_argument("--share", default=1.0, type=float, help="of each class's spread labels that teach")
    parser.add_argument("--views", default=32, type=int, help="of each picture that is classified")
    parser.add_argument("--few-train", default=FEW)
    parser.add_argument("--own-model", default="adgm", choices=["adgm", "sdgm"])
    parser.add_argument("--own-epochs", default=[1, 2, 3, 4, 6, 8, 10, 13, 16, 20, 25, 30], type=int, nargs="+")
    args = parser.parse_args()
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", os.cpu_count())))
    bench = Bench(args)
    for name in args.what:
        print(json.dumps({name: getattr(bench, name)()}), flush=True)


if __name__ == "__main__":
    main()
