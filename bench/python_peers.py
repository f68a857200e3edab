#!/usr/bin/env python3
"""The Python package beside pythae, PyOD and scikit-learn on the same data: lines of user code, seconds, figures.

  scripts/reproduce_python.sh          makes the environment of the peers and calls this

Every method has the settings that it comes with. A method runs in a process of its own with --threads threads;
its seconds are those of the processor in its function, imports included: other processes do not count. MNIST and OddBench
lie under --data, the tables with holes come with scikit-learn."""
import argparse
import gzip
import inspect
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

import numpy as np

# ---- What a user writes: the lines of these functions are counted


def pictures_elbo(train, test, seed):
    import elbo
    model = elbo.VAE(random_state=seed).fit(train)
    return model.transform(train), model.transform(test), model.reconstruct(test)


def pictures_pythae(train, test, seed):
    import torch
    from pythae.models import VAE, VAEConfig
    from pythae.pipelines import TrainingPipeline
    from pythae.trainers import BaseTrainerConfig
    settings = BaseTrainerConfig(output_dir="run", seed=seed, no_cuda=True)
    model = VAE(VAEConfig(input_dim=train.shape[1:]))
    train, test = torch.tensor(train / 255).float(), torch.tensor(test / 255).float()
    TrainingPipeline(training_config=settings, model=model)(train_data=train)
    with torch.no_grad():
        return model.embed(train).numpy(), model.embed(test).numpy(), model.reconstruct(test).numpy()


def outliers_elbo(train, test, seed):
    import elbo
    return -elbo.OutlierDetector(random_state=seed).fit(train).decision_function(test)


def outliers_pyod_vae(train, test, seed):
    from pyod.models.vae import VAE
    return VAE(random_state=seed, verbose=0).fit(train).decision_function(test)


def outliers_pyod_autoencoder(train, test, seed):
    from pyod.models.auto_encoder import AutoEncoder
    return AutoEncoder(random_state=seed, verbose=0).fit(train).decision_function(test)


def outliers_forest(train, test, seed):
    from sklearn.ensemble import IsolationForest
    return -IsolationForest(random_state=seed).fit(train).decision_function(test)


def holes_elbo(table, seed):
    import elbo
    return elbo.Imputer(random_state=seed).fit_transform(table)


def holes_iterative(table, seed):
    from sklearn.experimental import enable_iterative_imputer  # noqa: F401
    from sklearn.impute import IterativeImputer
    return IterativeImputer(random_state=seed).fit_transform(table)


def holes_mean(table, seed):
    from sklearn.impute import SimpleImputer
    return SimpleImputer().fit_transform(table)


# ---- Data and figures


def mnist(a, part):
    with gzip.open(a.data / f"mnist/{part}-images-idx3-ubyte.gz") as images, gzip.open(
        a.data / f"mnist/{part}-labels-idx1-ubyte.gz"
    ) as labels:
        x = np.frombuffer(images.read(), np.uint8, offset=16).reshape(-1, 1, 28, 28)
        return x, np.frombuffer(labels.read(), np.uint8, offset=8)


def pictures(a, method):
    from sklearn.neighbors import KNeighborsClassifier

    train, labels = (part[: a.pictures] for part in mnist(a, "train"))
    test, truth = mnist(a, "t10k")
    start = time.process_time()
    codes, judged, shown = method(train.copy(), test.copy(), a.seed)
    seconds = time.process_time() - start
    error = float(np.mean((shown.reshape(test.shape) - test / 255) ** 2)) * 784
    right = KNeighborsClassifier(5).fit(codes, labels).score(judged, truth)
    return seconds, f"squared error {error:.2f}, 5 neighbours of a code {100 * right:.1f} % ({codes.shape[1]} numbers)"


def outliers(a, method):
    from sklearn.metrics import roc_auc_score

    found, seconds = [], 0.0
    for path in sorted((a.data / "oddbench").glob("*.npz"))[:: a.every]:
        data = np.load(path)
        train, test = (data[part].astype(np.float32) for part in ("train", "test"))
        start = time.process_time()
        scores = method(train, test, a.seed)
        seconds += time.process_time() - start
        found.append(roc_auc_score(data["test_labels"], scores))
    return seconds, f"mean AUROC {np.mean(found):.3f}, median {np.median(found):.3f}, lowest {min(found):.3f} ({len(found)} tables)"


def holes(a, method):
    from sklearn import datasets

    errors, seconds = {}, 0.0
    for name in ("iris", "wine", "diabetes", "breast_cancer"):
        full = getattr(datasets, f"load_{name}")().data
        full = (full - full.mean(0)) / full.std(0)
        errors[name] = []
        for mask in range(3):
            hidden = np.random.default_rng(mask).random(full.shape) < 0.3
            start = time.process_time()
            filled = method(np.where(hidden, np.nan, full), a.seed)
            seconds += time.process_time() - start
            errors[name].append(float(np.sqrt(np.mean((filled - full)[hidden] ** 2))))
    words = ", ".join(f"{name.replace('_', ' ')} {np.mean(taken):.3f}" for name, taken in errors.items())
    return seconds, f"RMSE {words}"


TASKS = {
    "pictures": (pictures, {"elbo.VAE": pictures_elbo, "pythae VAE": pictures_pythae}),
    "outliers": (outliers, {"elbo.OutlierDetector": outliers_elbo, "PyOD VAE": outliers_pyod_vae,
                            "PyOD AutoEncoder": outliers_pyod_autoencoder, "scikit-learn IsolationForest": outliers_forest}),
    "holes": (holes, {"elbo.Imputer": holes_elbo, "scikit-learn IterativeImputer": holes_iterative,
                      "the column's mean": holes_mean}),
}


def lines_of(method):
    """Lines of code without the function's head."""
    return len([line for line in inspect.getsource(method).splitlines()[1:] if line.strip()])


def child(a):
    task, name = a.child.split("/", 1)
    judge, methods = TASKS[task]
    os.chdir(tempfile.mkdtemp())
    seconds, figure = judge(a, methods[name])
    print("\n" + json.dumps({"seconds": seconds, "figure": figure}))


def main():
    here = pathlib.Path(__file__).resolve().parent
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default=os.environ.get("ELBO_DATA", here.parent.parent / "shared/data"), type=pathlib.Path)
    parser.add_argument("--pictures", default=10_000, type=int, help="of MNIST's training set")
    parser.add_argument("--every", default=4, type=int, help="of OddBench's tables in alphabetical order")
    parser.add_argument("--threads", default=1, type=int)
    parser.add_argument("--seed", default=0, type=int)
    parser.add_argument("--repeats", default=1, type=int, help="the least seconds are shown")
    parser.add_argument("--only", default="", help="tasks and methods whose names hold this word")
    parser.add_argument("--child", default="", help=argparse.SUPPRESS)
    a = parser.parse_args()
    a.data = a.data.resolve()
    if a.child:
        child(a)
        return
    os.environ["OMP_NUM_THREADS"] = str(a.threads)
    print("| task | method | lines | processor seconds | figures |\n| --- | --- | --- | --- | --- |", flush=True)
    for task, (_, methods) in TASKS.items():
        for name, method in methods.items():
            if a.only not in f"{task}/{name}":
                continue
            taken = []
            for _ in range(a.repeats):
                command = [sys.executable, __file__, *sys.argv[1:], "--child", f"{task}/{name}"]
                done = subprocess.run(command, capture_output=True, text=True)
                if done.returncode != 0:
                    raise SystemExit(f"{task}/{name}\n{done.stderr[-3000:]}")
                taken.append(json.loads(done.stdout.splitlines()[-1]))
            seconds = min(one["seconds"] for one in taken)
            print(f"| {task} | {name} | {lines_of(method)} | {seconds:.1f} | {taken[0]['figure']} |", flush=True)


if __name__ == "__main__":
    main()
