"""The figures of scripts/reproduce_image_vae.sh as a table, each with its protocol.

  bench/image_vae_table.py OUT
"""
import json
import pathlib
import sys

FIGURES = [("pictures", "psnr"), ("pictures", "ssim"), ("pictures", "ms_ssim"), ("perceptual", "distance"),
           ("reconstruction_frechet", "distance"), ("interpolation_frechet", "distance"), ("frechet", "distance")]


def main(out):
    protocols = {}
    print("| run | " + " | ".join(" ".join(f).replace("_", " ") for f in FIGURES) + " |")
    print("| --- |" + " --- |" * len(FIGURES))
    for name in ("pixels", "features", "diffusion", "cifar"):
        path = pathlib.Path(out) / f"{name}.json"
        if not path.exists() or not path.stat().st_size:
            continue
        metrics = json.loads(path.read_text())["metrics"]
        cells = []
        for metric, figure in FIGURES:
            value = metrics.get(metric, {}).get(figure)
            cells.append("" if value is None else f"{value:.4g}")
            if value is not None:
                protocols[metric] = metrics[metric]["protocol"]
        print(f"| {name} | " + " | ".join(cells) + " |")
    for metric, protocol in protocols.items():
        print(f"{metric}: " + ", ".join(f"{k} {v}" for k, v in protocol.items()))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
