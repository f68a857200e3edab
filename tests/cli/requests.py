#!/usr/bin/env python3
"""Asks a server many times from several clients: rightly, wrongly and half; prints answers, times and memory.

The memory may not grow once a tenth of the requests is done, and every answer is of a kind that the request deserves.
"""
import argparse
import http.client
import json
import os
import pathlib
import random
import shutil
import socket
import sys
import tempfile
import threading
import time

import serve

USUAL = (("POST", "/api/decode", lambda r: {"codes": [[r.gauss(0, 1) for _ in range(4)]], "condition": "7"}, {200}),)
MIXED = USUAL * 6 + (
    ("POST", "/api/sample", lambda r: {"n": r.randrange(1, 5), "condition": str(r.randrange(10))}, {200}),
    ("GET", "/api/info", None, {200}), ("GET", "/nothing", None, {404}),
    ("POST", "/api/decode", lambda r: {"codes": r.choice([[], [[1]], "x", [[None] * 4], {}, [[1e999] * 4]])}, {400}),
    ("POST", "/api/sample", lambda r: {"n": r.choice([-1, "x", [], 1e300, 2.5, {}])}, {400}),
    ("POST", "/api/jobs", lambda r: {"task": "score", "options": {"normal": "x"}}, {400}),
    ("POST", "/api/decode", lambda r: "[" * r.randrange(1, 2000), {400}))


def resident(process):
    text = pathlib.Path(f"/proc/{process.pid}/status").read_text()
    return int(text.split("VmRSS:")[1].split()[0]) / 1024


class Client(threading.Thread):
    def __init__(self, port, count, seed, kinds):
        super().__init__()
        self.port, self.count, self.kinds = port, count, kinds
        self.random = random.Random(seed)
        self.times, self.wrong, self.done = [], [], 0

    def run(self):
        connection = None
        for _ in range(self.count):
            method, path, body, allowed = self.random.choice(self.kinds)
            text = body(self.random) if body else None
            text = text if isinstance(text, (str, type(None))) else json.dumps(text)
            began = time.monotonic()
            try:
                if connection is None:
                    connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
                connection.request(method, path, text, {"Content-Type": "application/json"} if text else {})
                answer = connection.getresponse()
                content = answer.read()
                if answer.status not in allowed:
                    self.wrong.append((method, path, text, answer.status, content[:200]))
                if answer.getheader("Connection") == "close":
                    connection.close()
                    connection = None
            except (OSError, http.client.HTTPException):
                connection = None  # the server closes a connection after a thousand requests
                self.done -= 1
            self.times.append(time.monotonic() - began)
            self.done += 1
            if len(self.kinds) > 1 and self.random.random() < 0.001:
                self.break_off()

    def break_off(self):
        """A client that goes away in the middle."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=60) as c:
            c.sendall(b"POST /api/decode HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{")


def ask_all(server, count, clients, kinds):
    """Times, wrong answers, and memory early and at the end, in MB."""
    threads = [Client(server.port, count // clients, seed, kinds) for seed in range(clients)]
    began, early = time.monotonic(), None
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        time.sleep(0.05)
        if early is None and sum(t.done for t in threads) > count / 10:
            early = resident(server.process)
    taken = time.monotonic() - began
    times = sorted(one for thread in threads for one in thread.times)
    return times, [w for t in threads for w in t.wrong], sum(t.done for t in threads), taken, early, resident(server.process)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", required=True)
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--clients", type=int, default=8)
    arguments = parser.parse_args()
    program = str(pathlib.Path(arguments.program).resolve())
    folder = tempfile.mkdtemp()
    wrong = 0
    try:
        serve.train(program, folder + "/run")
        print(f"{'requests':<10} {'answered':>9} {'per second':>10} {'p50 (ms)':>9} {'p99 (ms)':>9} {'slowest':>8} "
              f"{'early (MB)':>10} {'end (MB)':>9} {'files':>6}")
        with serve.Served(program, folder + "/run") as server:
            for name, kinds in (("usual", USUAL), ("mixed", MIXED)):
                times, bad, done, taken, early, end = ask_all(server, arguments.count // 2, arguments.clients, kinds)
                files = len(os.listdir(f"/proc/{server.process.pid}/fd"))
                at = [1000 * times[int(share * (len(times) - 1))] for share in (0.5, 0.99, 1)]
                print(f"{name:<10} {done:>9} {done / taken:>10.0f} {at[0]:>9.1f} {at[1]:>9.1f} {at[2]:>8.0f} {early:>10.1f} "
                      f"{end:>9.1f} {files:>6}", flush=True)
                for one in bad[:5]:
                    print("wrong:", *one)
                grown = end > early * 1.05 + 2
                if grown:
                    print(f"memory has grown from {early:.1f} to {end:.1f} MB")
                wrong += len(bad) + grown
    finally:
        shutil.rmtree(folder)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
