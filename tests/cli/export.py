#!/usr/bin/env python3
"""Exported files: ONNX by protoc, weights by the rules of safetensors, the card by its headings."""
import argparse
import json
import math
import pathlib
import shutil
import struct
import subprocess
import tempfile

SIZES = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "U8": 1, "BOOL": 1}


def run(program, *arguments):
    done = subprocess.run([program, *map(str, arguments)], capture_output=True, text=True,
                          timeout=1800)
    return done.returncode, done.stdout, done.stderr


def must(program, *arguments):
    status, out, err = run(program, *arguments)
    assert status == 0, (arguments, err)
    return out


def check_safetensors(path):
    """Header length, JSON, types, shapes; data without holes or overlaps, to the last byte."""
    data = path.read_bytes()
    size = struct.unpack("<Q", data[:8])[0]
    assert size % 8 == 0, "tensors would not be aligned"
    assert data[8:9] == b"{"
    header = json.loads(data[8:8 + size].decode())
    about = header.pop("__metadata__", {})
    assert all(isinstance(value, str) for value in about.values())
    ends = [0]
    for one in sorted(header.values(), key=lambda one: one["data_offsets"]):
        begin, end = one["data_offsets"]
        assert begin == ends[-1], "a hole or an overlap"
        assert end - begin == SIZES[one["dtype"]] * math.prod(one["shape"])
        ends.append(end)
    assert 8 + size + ends[-1] == len(data), "bytes at the end that belong to nothing"
    return header


def check_onnx(folder):
    for part in ("encoder", "decoder", "sampler"):
        path = folder / f"{part}.onnx"
        assert path.stat().st_size > 1000
        if not shutil.which("protoc"):
            continue
        with path.open("rb") as file:
            text = subprocess.run(["protoc", "--decode_raw"], stdin=file, capture_output=True,
                                  check=True).stdout.decode()
        assert text.startswith('1: 8\n2: "elbo"\n7 {'), text[:80]
        assert "8 {\n  2: 17\n}" in text


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", required=True)
    program = str(pathlib.Path(parser.parse_args().program).resolve())
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        model = folder / "run"
        must(program, "train", "builtin:digits", "--rows", 200, "--epochs", 1, "--batch", 50,
             "--set", "encoder=mlp", "--set", "decoder=mlp", "--set", "latent.size=4", "--out", model, "-q")
        header = check_safetensors(model / "weights.safetensors")
        assert any(one["dtype"] == "F32" for one in header.values())

        found = json.loads(must(program, "export", model, "--onnx", folder / "out", "--json"))
        assert [pathlib.Path(one["file"]).name for one in found["files"]] == [
            "encoder.onnx", "decoder.onnx", "sampler.onnx"]
        assert found["files"][0]["inputs"] == [
            {"name": "x", "shape": "rows x 1 x 28 x 28", "type": "Float"}]
        check_onnx(folder / "out")

        numbers = folder / "numbers.json"
        numbers.write_text(must(program, "evaluate", model, "--rows", 50, "--draws", 2, "--json"))
        must(program, "export", model, "--card", folder / "CARD.md", "--evaluation", numbers)
        card = (folder / "CARD.md").read_text()
        bound = json.loads(numbers.read_text())["negative_elbo"]
        for text in ("# run\n", "## Model", "## Data", "builtin:digits", "## Training", "## Numbers",
                     f"| negative_elbo | {bound:.6g} |", "## Limits", "Licence of the model"):
            assert text in card, text

        status, _, err = run(program, "export", model)
        assert status == 1 and "name --onnx, --card" in err, err
        status, _, err = run(program, "export", model, "--onnx", folder / "x", "--evaluation", numbers)
        assert status == 1 and "--card" in err, err
        status, _, err = run(program, "export", model, "--card", folder / "x.md", "--evaluation",
                             folder / "CARD.md")
        assert status == 1 and "elbo evaluate RUN --json" in err, err


if __name__ == "__main__":
    main()
