#!/usr/bin/env python3
"""Attacks the server as other pages, machines and clients could: each is refused within its bound.

On loopback only, with a small model; ends by itself.
"""
import argparse
import json
import os
import pathlib
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import zlib

import serve

MEGABYTE = 1 << 20
DEEP = "[" * 100000 + "]" * 100000


def peak(s):
    """Most memory that the server has held, in bytes."""
    status = pathlib.Path(f"/proc/{s.process.pid}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) * 1024


def raw(s, pieces, wait=10):
    """Sends bytes as they are; the status of the answer, 0 where the line is closed without one."""
    with socket.create_connection(("127.0.0.1", s.port), timeout=wait) as c:
        try:
            for piece in pieces:
                c.sendall(piece)
        except OSError:
            pass  # closed while we send: the answer may be there
        try:
            said = c.recv(4096)
        except OSError:
            return 0
    return int(said.split()[1]) if said.startswith(b"HTTP/1.1 ") else 0


def said_to(s, pieces):
    """All that the server says until it closes."""
    with socket.create_connection(("127.0.0.1", s.port), timeout=10) as c:
        for piece in pieces:
            c.sendall(piece)
        said = b""
        while piece := c.recv(65536):
            said += piece
    return said


def check_deep(s):
    for body in ('{"n": ' + DEEP + "}", '{"codes": ' + DEEP + "}", DEEP,
                 '{"task": "sample", "options": {"n": ' + DEEP + "}}"):
        for path in ("/api/sample", "/api/decode", "/api/encode", "/api/jobs"):
            assert "nested" in s.json("POST", path, body, 400)["error"]
    many = "[" + "0," * 2_000_000 + "0]"
    assert "values" in s.json("POST", "/api/decode", many, 400)["error"]


def check_origin(s):
    own = f"http://127.0.0.1:{s.port}"
    for host in ("evil.example", f"evil.example:{s.port}", "localhost.evil.example", "1.2.3.4",
                 "127.evil.example", "[::2]", "localhost@evil.example"):
        assert s.ask("GET", "/api/info", headers={"Host": host})[0] == 403, host
        assert s.ask("GET", "/", headers={"Host": host})[0] == 403, host
    for host in ("localhost", f"localhost:{s.port}", "127.0.0.1", "[::1]:80", "LOCALHOST"):
        assert s.ask("GET", "/api/info", headers={"Host": host})[0] == 200, host
    assert raw(s, [b"GET /api/info HTTP/1.1\r\n\r\n"]) == 400
    body = {"n": 1}
    for origin in ("http://evil.example", "null", "http://127.0.0.1:1", own + ".evil.example"):
        s.json("POST", "/api/sample", body, 403, {"Origin": origin})
    s.json("POST", "/api/sample", None, 403, {"Sec-Fetch-Site": "cross-site"})
    s.json("POST", "/api/sample", body, 200, {"Origin": own, "Sec-Fetch-Site": "same-origin"})
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x",
                 "", "image/png"):
        s.json("POST", "/api/sample", json.dumps(body), 415, {"Content-Type": kind})
    s.json("POST", "/api/sample", body, 200, {"Content-Type": "application/json; charset=utf-8"})
    assert s.ask("OPTIONS", "/api/sample", headers={"Origin": "http://evil.example"})[0] == 403


def check_shapes(s):
    """Requests that two readers could take for different ones."""
    head = b"POST /api/sample HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    for lengths in (b"Content-Length: abc", b"Content-Length: 2\r\nContent-Length: 2",
                    b"Content-Length: 2\r\nTransfer-Encoding: chunked", b"Content-Length: -1",
                    b"Content-Length: +2", b"Content-Length : 2", b" Content-Length: 2"):
        assert raw(s, [head, lengths, b"\r\n\r\n{}"]) == 400, lengths
    assert raw(s, [head, b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"]) == 501
    assert raw(s, [head, b"Content-Length: 99999999999999999999\r\n\r\n"]) == 413
    chunked = head + b"Transfer-Encoding: chunked\r\n\r\n"
    assert raw(s, [chunked, b"4\r\n{\"n\"\r\n", b"4;x=y\r\n: 1}\r\n0\r\n\r\n"]) == 200
    for bad in (b"z\r\n", b"-1\r\n", b"ffffffffffffffffff\r\n"):
        assert raw(s, [chunked, bad]) in (400, 413), bad
    # What follows a body in pieces is no second request.
    twice = said_to(s, [chunked, b"2\r\n{}x\r\nGET / HTTP/1.1\r\nHost: localhost\r\n\r\n"])
    assert twice.count(b"HTTP/1.1 ") == 1, twice[:300]
    unread = head + b"Origin: http://evil.example\r\nContent-Length: 50\r\n\r\n"
    twice = said_to(s, [unread, b"GET /api/info HTTP/1.1\r\nHost: localhost\r\n\r\n"])
    assert twice.count(b"HTTP/1.1 ") == 1, twice[:300]
    assert raw(s, [head, b"\r\n"]) == 200  # no length: no body
    assert raw(s, [b"GET /api/info HTTP/1.1\nHost: localhost\r\n\r\n"]) == 400
    assert raw(s, [b"GET /api/info HTTP/1.1\r\nHost: localhost\nX: y\r\n\r\n"]) == 400
    assert raw(s, [b"GET /%zz?a=%f HTTP/1.1\r\nHost: localhost\r\n\r\n"]) in (400, 404)
    assert raw(s, [b"GET / HTTP/3\r\nHost: localhost\r\n\r\n"]) in (400, 505)
    s.json("POST", "/api/encode?condition=%ff", png(8, 8), 400, {"Content-Type": "image/png"})
    s.json("POST", "/api/sample", '{"n": 2.5}', 400)
    s.json("POST", "/api/sample", '{"n": 1, "condition": "nan,0,0,0,0,0,0,0,0,0"}', 400)


def png(width, height):
    def part(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    packer = zlib.compressobj(9)
    rows = b"".join(packer.compress(b"\0" * (1 + 3 * width)) for _ in range(height))
    return (b"\x89PNG\r\n\x1a\n" + part(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
            + part(b"IDAT", rows + packer.flush()) + part(b"IEND", b""))


def check_memory(s):
    before = peak(s)
    head = b"POST /api/sample HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    megabyte = b" " * MEGABYTE
    piece = b"100000\r\n" + megabyte + b"\r\n"
    assert raw(s, [head, b"Transfer-Encoding: chunked\r\n\r\n", *[piece] * 50]) == 413
    assert raw(s, [head, b"Content-Length: 400000000\r\n\r\n", *[megabyte] * 40]) == 413
    assert raw(s, [head, b"Content-Encoding: gzip\r\nContent-Length: 10\r\n\r\n0123456789"]) == 415
    long = b"a" * MEGABYTE
    assert raw(s, [b"GET / HTTP/1.1\r\nHost: localhost\r\nX: ", *[long] * 40]) in (431, 0)
    assert raw(s, [b"GET /", *[long] * 40]) in (414, 431, 0)
    many = b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"A: b\r\n" * 1000 + b"\r\n"
    assert raw(s, [many]) == 431
    different = b"".join(b"A%d: b\r\n" % i for i in range(500))
    assert raw(s, [b"GET / HTTP/1.1\r\nHost: localhost\r\n" + different + b"\r\n"]) == 431
    s.json("POST", "/api/encode", png(16384, 4096), 400, {"Content-Type": "image/png"})
    job = s.json("POST", "/api/jobs", {"task": "sample", "options": {"n": 3000}, "ending": ".npy"})
    wait_for(s, job["id"])
    ranges = "bytes=" + ",".join(["0-"] * 1300)
    status, content = s.ask("GET", f"/api/jobs/{job['id']}/file", headers={"Range": ranges})
    whole = s.ask("GET", f"/api/jobs/{job['id']}/file")[1]
    assert status == 200 and content == whole and len(whole) > 3000, (status, len(content))
    s.json("POST", "/api/jobs", {"task": "score", "options": {"rows": 1, "draws": 300000}}, 413)
    s.json("POST", "/api/jobs", {"task": "sample", "options": {"n": 100000000}}, 413)
    assert peak(s) - before < 200 * MEGABYTE, (before, peak(s))


def wait_for(s, job, state="done"):
    for _ in range(400):
        found = s.json("GET", f"/api/jobs/{job}")
        if found["state"] not in ("waiting", "running"):
            break
        time.sleep(0.05)
    assert found["state"] == state, found
    return found


def check_jobs(s):
    for name, value in (("normal", "private.db"), ("normal", "shards:notes"), ("normal", "table:-"),
                        ("normal", "x"), ("smooth", {"a": 1}), ("draws", [1]), ("shard", "/etc"),
                        ("anomalies", "x.npy"), ("threshold", "a=b.csv"), ("nothing", 1)):
        s.json("POST", "/api/jobs", {"task": "score", "options": {name: value}}, 400)
    for name, value in (("fix", "z=x.npy"), ("condition", "a.tsv"), ("fix", "z=1;y=/etc/x.csv")):
        s.json("POST", "/api/jobs", {"task": "sample", "options": {name: value}}, 400)
    job = s.json("POST", "/api/jobs", {"task": "score", "options": {"rows": 5, "draws": 2, "score": "elbo"},
                                       "ending": ".csv"})
    wait_for(s, job["id"])
    # A full queue is told, and cancelled jobs give their places back.
    long = [s.json("POST", "/api/jobs", {"task": "sample", "options": {"n": 400000},
                                          "ending": ".npy"})["id"]
            for _ in range(17)]
    statuses = [s.ask("POST", "/api/jobs", {"task": "sample"})[0] for _ in range(3)]
    assert statuses[-1] == 429, statuses
    for one in long:
        s.json("DELETE", f"/api/jobs/{one}")
    s.json("POST", "/api/jobs", {"task": "sample", "options": {"n": 2}})
    for one in long:
        wait_for(s, one, "cancelled")


def check_sandbox(program, s, confined):
    """The server has given up what it does not need, where the system allows that."""
    support = json.loads(subprocess.run([program, "doctor", "--json"], stdout=subprocess.PIPE, check=True).stdout)["sandbox"]
    status = pathlib.Path(f"/proc/{s.process.pid}/status").read_text()
    fact = {name: status.split(name + ":")[1].split()[0] for name in ("NoNewPrivs", "Seccomp")}
    assert fact["NoNewPrivs"] == ("1" if confined else "0"), fact
    assert fact["Seccomp"] == ("2" if confined and "seccomp" in support else "0"), (fact, support)
    assert s.json("POST", "/api/sample", {"n": 1}), "a confined server does not answer"


def check_slow(s):
    """More slow clients than there are places keep nobody out, and end nothing."""
    slow = []
    for i in range(400):
        c = socket.create_connection(("127.0.0.1", s.port))
        if i % 3:
            c.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " if i % 3 == 1 else
                      b"POST /api/decode HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json"
                      b"\r\nContent-Length: 100\r\n\r\n{")
        slow.append(c)
        if i % 100 == 99:
            assert s.json("GET", "/api/info")["code_size"] == 4
    return slow


def end(s, slow):
    """SIGTERM ends the server while clients go on sending."""
    s.process.send_signal(signal.SIGTERM)
    began = time.monotonic()
    while s.process.poll() is None and time.monotonic() - began < 60:
        for c in slow:
            try:
                c.send(b"x")
            except OSError:
                pass
        time.sleep(0.2)
    assert s.process.returncode == 0, s.process.returncode


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", required=True)
    program = str(pathlib.Path(parser.parse_args().program).resolve())
    folder = tempfile.mkdtemp()
    temporary = pathlib.Path(folder) / "tmp"
    temporary.mkdir()
    os.environ["TMPDIR"] = str(temporary)
    try:
        run = folder + "/run"
        serve.train(program, run)
        with serve.Served(program, run) as s:
            for check in (check_deep, check_origin, check_shapes, check_memory, check_jobs):
                check(s)
                print(check.__name__[6:], "held", flush=True)
            check_sandbox(program, s, True)
        with serve.Served(program, run, "--no-sandbox", "--allow-host", "box.example,other") as s:
            check_sandbox(program, s, False)
            assert s.ask("GET", "/api/info", headers={"Host": "box.example:80"})[0] == 200
            assert s.ask("GET", "/api/info", headers={"Host": "evil.example"})[0] == 403
        s = serve.Served(program, run, "--connections", "200")
        s.json("POST", "/api/jobs", {"task": "sample", "options": {"n": 400000},
                                          "ending": ".npy"})
        end(s, check_slow(s))
        assert not list(temporary.iterdir()), list(temporary.iterdir())
        s = serve.Served(program, run)
        s.process.kill()
        s.process.wait()
        assert len(list(temporary.iterdir())) == 1
        with serve.Served(program, run):
            assert len(list(temporary.iterdir())) == 1, "what a killed server left stays"
    finally:
        shutil.rmtree(folder)
    print("attacks: all held")


if __name__ == "__main__":
    sys.exit(main())
