#!/usr/bin/env python3
"""Writes a seed corpus for each harness: seeds.py FOLDER makes FOLDER/HARNESS/…; small valid files."""
import base64
import gzip
import io
import json
import pathlib
import random
import sqlite3
import struct
import sys
import tarfile
import tempfile
import zipfile
import zlib

# What the standard library cannot encode: 8 x 8 pixels each.
PICTURES = {
    "grey.jpg": "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDABALDA4MChAODQ4SERATGCgaGBYWGDEjJR0oOjM9PDkzODdASFxOQERXRTc4UG1R"
                "V19iZ2hnPk1xeXBkeFxlZ2P/wAALCAAIAAgBAREA/8QAFAABAAAAAAAAAAAAAAAAAAAAAv/EAB8QAAIBAwUBAAAAAAAAAAAA"
                "AAECBAMRMQUUQVFScf/aAAgBAQAAPwAU46VqbQNPZUiIDuJN7BwMgHz2efmf/9k=",
    "lossless.webp": "UklGRioAAABXRUJQVlA4TB4AAAAvB8ABAM1kRP8DZNI2aqqvb/2zbwZme0piAlh23AA=",
    "lossy.webp": "UklGRmgAAABXRUJQVlA4IFwAAADwAQCdASoIAAgAA4BaJagCdAEXfmVuy0AAziow+Jd6d+EiBUBoNkdP6LotIaZ9/DcOf/mV"
                  "4f3i0R0KefS3tEDpk9DtILjwzgBXJYPn/AxJvSRzXylOo82prnAAAA==",
    "four.gif": "R0lGODdhCAAIAJEAAAAA/1AKw6AUh/AeSywAAAAACAAIAAACD0Q0hpcMqFqDJ0bnKJ2zAAA7",
    "lzw.tif": "SUkqAFQAAACAAASko3pRct4BigmnJLrxwgYVlA6ppfuQEi4pnhOsJzgwYlY9qBiuoHjQsn5Rsh2hIblxAqZlvAKjovoRUs55"
               "hgemJDqxovYNwEAACQAAAQMAAQAAAAgAAAABAQMAAQAAAAgAAAACAQMAAQAAAAgAAAADAQMAAQAAAAUAAAAGAQMAAQAAAAEA"
               "AAARAQQAAQAAAAgAAAAVAQMAAQAAAAEAAAAWAQMAAQAAAAgAAAAXAQQAAQAAAEsAAAAAAAAA",
}


def png(width=4, height=4, depth=8, colour=2, interlaced=0):
    def part(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    channels = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colour]
    row = b"\0" + bytes(range(17, 17 + (width * channels * depth + 7) // 8))
    palette = part(b"PLTE", bytes(range(48))) if colour == 3 else b""
    return (b"\x89PNG\r\n\x1a\n"
            + part(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlaced))
            + palette + part(b"IDAT", zlib.compress(row * height)) + part(b"IEND", b""))


def bmp():
    rows = bytes(range(4 * 3 * 4))
    return b"BM" + struct.pack("<IHHIIiiHHIIiiII", 54 + len(rows), 0, 0, 54, 40, 4, 4, 1, 24, 0, len(rows),
                               0, 0, 0, 0) + rows


def npy(kind="<f4", shape=(3, 2), data=None, fortran=False, version=1):
    head = "{'descr': '%s', 'fortran_order': %s, 'shape': %s, }" % (kind, fortran, shape)
    head += " " * (64 - (len(head) + 11) % 64) + "\n"
    count = 1
    for n in shape:
        count *= n
    size = struct.pack("<H" if version == 1 else "<I", len(head))
    return (b"\x93NUMPY" + bytes([version, 0]) + size + head.encode()
            + (data or bytes(count * int(kind[2:]))))


def npz(parts):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return out.getvalue()


def tar(parts, form=tarfile.USTAR_FORMAT):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as archive:
        for name, content in parts.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    written = out.getvalue().rstrip(b"\0")  # the end is two blocks of zeros, not twenty
    return written + bytes(-len(written) % 512 + 1024)


def safetensors(header, data=b""):
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def idx(code=8, sizes=(3, 2, 2), width=1):
    count = width
    for n in sizes:
        count *= n
    return bytes([0, 0, code, len(sizes)]) + b"".join(struct.pack(">I", n) for n in sizes) + bytes(count)


def database():
    with tempfile.NamedTemporaryFile(suffix=".db") as file:
        base = sqlite3.connect(file.name)
        base.execute("pragma page_size = 512")
        base.execute("create table t(a integer, b text, c blob)")
        base.executemany("insert into t values (?, ?, ?)", [(1, "x", b"\0\1"), (2, None, None), (None, "y,z", b"")])
        base.commit()
        base.close()
        return pathlib.Path(file.name).read_bytes()


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def event(payload):
    def masked(data):
        crc = crc32c(data)
        return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)
    size = struct.pack("<Q", len(payload))
    return size + masked(size) + payload + masked(payload)


def request(body, *headers, line="POST /api/sample"):
    head = [line + " HTTP/1.1", "Host: 127.0.0.1", "Authorization: Bearer secret", *headers]
    return ("\r\n".join(head) + "\r\n\r\n").encode() + body


def table():
    kinds = ["{i},{word},{x:.2f},2024-01-{d:02},{yes}", "{i};{word};{x:.2f};{d}.1.2024;{yes}"]
    head = "number,city,share,day,yes"
    for form, sign in zip(kinds, ",;"):
        lines = [head.replace(",", sign)]
        for i in range(12):
            lines.append(form.format(i=i, word=random.choice(["Ulm", "\"a, b\"", "Köln", ""]), x=random.random(),
                                     d=i + 1, yes=random.choice(["yes", "no"])))
        yield ("\n".join(lines) + "\n").encode()


def schemas():
    yield {"shape": [3], "kind": "real", "detail": {"loc": [0, 1, 2], "scale": [1, 1, 1], "columns": ["a", "b", "c"]}}
    yield {"shape": [1, 4, 4], "kind": "binary", "detail": {"binarize": "dynamic"}}
    yield {"shape": [1], "kind": "category", "detail": {"classes": ["x", "y"]}}
    yield {"shape": [5], "kind": "token", "detail": {"tokens": "characters", "tokenizer": {},
                                                      "vocabulary": ["", "\ufffd", "a", "b", " "]}}
    yield {"shape": [5], "kind": "token", "detail": {"tokens": "bpe", "vocabulary": ["", "\ufffd", "a", "ab"],
                                                      "tokenizer": {"size": 4, "merges": [["a", "b"]]}}}
    fixtures = pathlib.Path(__file__).parent.parent / "fixtures/runs"
    for path in sorted(fixtures.glob("*/schema.json")):
        yield from json.loads(path.read_text()).values()


def specs():
    yield {"split": "test", "binarize": "static", "rows": 10, "seed": 1, "resize": "8x8"}
    fixtures = pathlib.Path(__file__).parent.parent / "fixtures/runs"
    for path in sorted(fixtures.glob("*/spec.json")):
        yield json.loads(path.read_text())["data"].get("options", {})


SMILES = ["CCO", "c1ccccc1O", "C[C@H](N)C(=O)O", "F/C=C/F", "[Na+].[Cl-]", "C1CC2CC1CC2", "c1cc2ccccc2[nH]1",
          "N#CC(=O)[O-]", "O=S(=O)(N)c1ccc%10ccccc%10c1", "[13CH4]", "C(C)(C)(C)C"]
SELFIES = ["[C][C][O]", "[C][=C][C][=C][C][=C][Ring1][=Branch1]", "[C][Branch1][C][F][C]", "[Na+1].[Cl-1]",
           "[C@@H1][Branch1][C][N][C]", "[nop][C][#N]"]


def packed(side=b"\xffhead", blocks=((3, [1, 2, 3, 1]),)):
    """As elbo compress writes it."""
    words = [struct.pack(f"<{len(w)}I", *w) for _, w in blocks]
    header = json.dumps({"kind": "array", "model": "0", "rows": sum(n for n, _ in blocks), "size": 9, "sha256": "0",
                         "side": [len(side), zlib.crc32(side)],
                         "blocks": [[n, len(w), zlib.crc32(w)] for (n, _), w in zip(blocks, words)]}).encode()
    head = struct.pack("<III", 1, len(header), zlib.crc32(header))
    return b"\x89elbo\r\n\x1a" + head + header + side + b"".join(words)


def corpus():
    random.seed(0)
    picture = {"png.png": png(), "palette.png": png(colour=3), "deep.png": png(depth=16), "alpha.png": png(colour=6),
               "bits.png": png(depth=1, colour=0), "colour.bmp": bmp(), "text.pgm": b"P2\n2 2\n255\n0 1 2 3\n",
               "bytes.ppm": b"P6\n2 2\n255\n" + bytes(12),
               **{name: base64.b64decode(text) for name, text in PICTURES.items()}}
    text = "Ein Satz. A second one, longer than the first.\n\nA paragraph: “quoted”, 3.5 % of it.\n".encode()
    arrays = [npy(), npy("<f8", (4,)), npy("|u1", (2, 3, 3)), npy(">i8", (2, 2), fortran=True), npy("<f2", (3, 1), version=2)]
    archives = {"a.tar": tar({"a/1.png": png(), "b/2.png": png()}), "pax.tar": tar({"é" * 80 + ".png": png()}, tarfile.PAX_FORMAT),
                "gnu.tar": tar({"long" * 40 + ".png": png()}, tarfile.GNU_FORMAT)}
    shards = {"one.tar": tar({"1.png": png(), "1.cls": b"0", "2.png": png(), "2.cls": b"1"}),
              "json.tar": tar({"1.png": png(), "1.json": b'{"label": 1}'})}
    zipped = {"stored.zip": npz({"a.png": png()}), "packed.tgz": gzip.compress(archives["a.tar"], mtime=0)}
    tables = list(table())
    json_body = b'{"n": 4, "temperature": 0.5, "codes": [[0.1, -1e3]], "condition": "7"}'
    kind = "Content-Type: application/json"
    floats = struct.pack("<6f", *range(6))
    return {
        "npy": arrays,
        "npz": [npz({"x.npy": arrays[0], "y.npy": npy("<i8", (3,))}), npz({"x_train.npy": arrays[0], "x_test.npy": arrays[0]})],
        "safetensors": [safetensors({"a": {"dtype": "F32", "shape": [3, 2], "data_offsets": [0, 24]},
                                     "__metadata__": {"elbo": "{}"}}, floats),
                        safetensors({"a": {"dtype": "I64", "shape": [2], "data_offsets": [0, 16]},
                                     "b": {"dtype": "BOOL", "shape": [], "data_offsets": [16, 17]}}, bytes(17))],
        "published_config": [json.dumps({"_class_name": "AutoencoderKL", "block_out_channels": [32, 64], "latent_channels": 4,
                                         "act_fn": "silu", "scaling_factor": 0.18215, "shift_factor": None,
                                         "down_block_types": ["DownEncoderBlock2D"] * 2, "sample_size": 512}).encode(),
                             b"{}"],
        "published_weights": [safetensors({name: {"dtype": "F32", "shape": [1, 1, 1, 1], "data_offsets": [4 * k, 4 * k + 4]}
                                           for k, name in enumerate(names)}, bytes(12))
                              for names in (["encoder.conv_in.weight", "decoder.conv_in.weight",
                                             "encoder.down.0.block.0.conv1.weight"],
                                            ["vae.encoder.conv_in.weight", "vae.decoder.conv_in.weight",
                                             "vae.encoder.down_blocks.0.resnets.0.conv1.weight"])],
        "packed": [packed(), packed(blocks=((2, [7, 0, 1, 5]), (1, [0, 9, 3])))],
        "gzip": [gzip.compress(text, mtime=0), gzip.compress(text, mtime=0) + gzip.compress(b"", mtime=0), b"plain"],
        "picture": picture, "images": {**archives, **zipped}, "archive": {**archives, **zipped},
        "tar": archives, "shards": shards, "events": [event(b"\x09\0\0\0\0\0\0\xf0?") + event(b"a" * 40)],
        "json": [json_body, b'[1, 2.5, "\\u00e9", null, true, {"a": {"b": []}}]', b"-0.0"],
        "utf16": ["a, b\n1, 2\n".encode("utf-16"), "\U0001f600".encode("utf-16"), b"\xfe\xff\0a\0b"],
        "sqlite": [database()],
        "csv": tables + [b'a,b\r\n"x ""y""",\r\n', b"\xef\xbb\xbfa\tb\n1\t2\n", b"1 2\n 3   4\n", gzip.compress(tables[0], mtime=0)],
        "table": tables + [gzip.compress(tables[0], mtime=0), b"a,b\n1,\n,NA\n3,4e5\n1_000,0x1\n"],
        "series": [b"time,a,b\n" + b"".join(b"2024-01-%02d,%d,%d\n" % (d, d, d * d) for d in range(1, 20)),
                   b"a,b\n" + b"".join(b"%d,%d.5\n" % (d, -d) for d in range(10))],
        "text": [text, "Über uns\n".encode() * 5, text.decode().encode("utf-16")], "bpe": [text * 4],
        "molecules": ["\n".join(SMILES[:6]).encode(), b"smiles,name,logp\nCCO,ethanol,-0.1\nCC,ethane,1.8\n"],
        "smiles": [s.encode() for s in SMILES], "grammar": [s.encode() for s in SMILES],
        "selfies": [s.encode() for s in SELFIES],
        "idx": [idx(), idx(9, (4,), 1), idx(13, (2, 3), 4), gzip.compress(idx(), mtime=0)],
        "schema": [json.dumps(s).encode() for s in schemas()],
        "spec": [json.dumps(s).encode() for s in specs()],
        "http": [request(json_body, kind, "Content-Length: %d" % len(json_body)),
                 request(b"4\r\n{}  \r\n0\r\n\r\n", kind, "Transfer-Encoding: chunked"),
                 request(b"", line="GET /api/jobs/12") * 2, request(b"", line="GET /?token=secret"),
                 request(b"", "Origin: http://name.example", "Cookie: elbo=secret", line="DELETE /api/jobs/1"),
                 request(b"", "Range: bytes=0-,1-", "Expect: 100-continue", line="GET /%41?a=%42&b")],
    }


def main():
    folder = pathlib.Path(sys.argv[1])
    for name, files in corpus().items():
        (folder / name).mkdir(parents=True, exist_ok=True)
        named = files if isinstance(files, dict) else {f"seed{i}": f for i, f in enumerate(files)}
        for file, content in named.items():
            (folder / name / file).write_bytes(content)


if __name__ == "__main__":
    main()
