"""Serves a small model and asks it as clients do: rightly, wrongly and slowly."""

import argparse
import base64
import http.client
import json
import pathlib
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.parse


def train(program, folder, epochs=1):
    nets = []
    for part in ("encoder", "decoder"):
        nets += ["--set", f"{part}.type=mlp", "--set", f"{part}.hidden=[32]"]
    subprocess.run([program, "train", "builtin:digits", "--rows", "400", "--epochs", str(epochs), "--out",
                    folder, "-q", "--set", "latent.size=4", "--condition", "label", *nets], check=True)


class Served:
    def __init__(self, program, run, *options):
        self.process = subprocess.Popen([program, "serve", run, "--port", "0", "--json", *options],
                                        stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        self.address = json.loads(line)["address"]
        self.port = urllib.parse.urlparse(self.address).port

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        status = self.process.wait(20)
        assert status == 0, f"the server ended with {status}"

    def ask(self, method, path, body=None, headers=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=300)
        if isinstance(body, (dict, list)):
            body = json.dumps(body)
        headers = dict(headers or {})
        if body is not None:
            headers.setdefault("Content-Type", "application/json")
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        content = response.read()
        connection.close()
        return response.status, content

    def json(self, method, path, body=None, status=200, headers=None):
        found, content = self.ask(method, path, body, headers)
        assert found == status, f"{method} {path}: {found}, expected {status}: {content[:300]}"
        return json.loads(content)


def check_answers(s):
    info = s.json("GET", "/api/info")
    assert info["code_size"] == 4 and len(info["sliders"]) == 4 and info["picture"], info
    assert len(info["map"]["points"]) == len(info["map"]["labels"]) > 0
    # Many, for a code that is rounded changes a grey level of one picture in a hundred.
    drawn = s.json("POST", "/api/sample", {"n": 200, "condition": "7"})
    assert len(drawn["codes"]) == len(drawn["rows"]) == 200
    again = s.json("POST", "/api/decode", {"codes": drawn["codes"], "condition": "7"})
    assert again["rows"] == drawn["rows"], "decoding the codes of samples gives other pictures"
    other = s.json("POST", "/api/decode", {"codes": drawn["codes"], "condition": "1"})
    assert other["rows"] != drawn["rows"], "the condition changes nothing"
    png = base64.b64decode(drawn["rows"][0].split(",")[1])
    encoded = s.json("POST", "/api/encode", png, headers={"Content-Type": "image/png"})
    assert len(encoded["code"]) == 4 and encoded["nats"] > 0, encoded
    told = [s.json("POST", f"/api/encode?condition={k}", png, headers={"Content-Type": "image/png"}) for k in (3, 7)]
    assert told[0]["code"] != told[1]["code"], "a picture's class is not told to the model"
    paths = s.json("GET", "/openapi.json")["paths"]
    assert "/api/decode" in paths and "/api/jobs/{id}" in paths


def check_jobs(s):
    job = s.json("POST", "/api/jobs", {"task": "sample", "options": {"n": 4}, "ending": ".png"})
    for _ in range(200):
        state = s.json("GET", f"/api/jobs/{job['id']}")
        if state["state"] not in ("waiting", "running"):
            break
        time.sleep(0.05)
    assert state["state"] == "done" and state["progress"] == 1, state
    status, content = s.ask("GET", f"/api/jobs/{job['id']}/file")
    assert status == 200 and content.startswith(b"\x89PNG"), content[:50]
    long = s.json("POST", "/api/jobs", {"task": "sample", "options": {"n": 500000}, "ending": ".npy"})
    s.json("DELETE", f"/api/jobs/{long['id']}")
    for _ in range(400):
        state = s.json("GET", f"/api/jobs/{long['id']}")
        if state["state"] == "cancelled":
            break
        time.sleep(0.05)
    assert state["state"] == "cancelled", state


def check_refusals(s):
    for body in ("{bad", "[]", '{"codes": 3}', '{"codes": [[1, 2]]}', '{"codes": [["a", 1, 2, 3]]}',
                 '{"codes": [[1e999, 1, 2, 3]]}', '{"codes": [[1, 2, 3, 4], [1]]}',
                 '{"codes": [[1, 2, 3, 4]], "moved": 4}', '{"codes": [[1, 2, 3, 4]], "moved": "z0"}',
                 '{"codes": [[1, 2, 3, 4]], "moved": 0.5}', '{"codes": [[1, 2, 3, 4]], "condition": "none such"}',
                 '{"codes": [[1, 2, 3, 4]], "condition": "/etc/passwd.csv"}', "[" * 100000):
        assert "error" in s.json("POST", "/api/decode", body, 400), body
    s.json("POST", "/api/sample", {"n": 10**9}, 400)
    s.json("POST", "/api/sample", {"n": 4, "temperature": "hot"}, 400)
    s.json("POST", "/api/encode", b"no picture", 400, {"Content-Type": "image/png"})
    s.json("POST", "/api/jobs", {"task": "no such"}, 400)
    s.json("POST", "/api/jobs", {"task": "sample", "options": {"fix": "z=/etc/hosts.csv"}}, 400)
    s.json("POST", "/api/jobs", {"task": "sample", "ending": "/../x"}, 400)
    s.json("GET", "/api/jobs/99", status=400)
    s.json("GET", "/api/jobs/99/file", status=404)
    s.json("PUT", "/api/info", "x", 404)
    s.json("GET", "/../../etc/passwd", status=404)
    s.json("GET", "/%2e%2e/%2e%2e/etc/passwd", status=404)
    s.json("POST", "/api/decode", b"x" * (9 << 20), 413)


def check_hardness(s):
    # Of this process, too, few files may be open at first.
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = 4096 if most == resource.RLIM_INFINITY else min(most, 4096)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    slow = [socket.create_connection(("127.0.0.1", s.port)) for _ in range(min(1000, most - 100))]
    for one in slow[::2]:  # the others say nothing
        one.sendall(b"POST /api/decode HTTP/1.1\r\nContent-Length: 100\r\n\r\n{")
    garbage = socket.create_connection(("127.0.0.1", s.port))
    garbage.sendall(b"\x00\xff" * 5000)
    assert s.json("GET", "/api/info")["code_size"] == 4, "slow clients keep others out"
    for one in [*slow, garbage]:
        one.close()


def check_cookie(s):
    """The page's address brings the token once; a cookie keeps it."""
    connection = http.client.HTTPConnection("127.0.0.1", s.port, timeout=30)
    connection.request("GET", "/?token=secret")
    response = connection.getresponse()
    cookie = response.getheader("Set-Cookie")
    assert response.status == 303 and response.getheader("Location") == "/", response.status
    assert "HttpOnly" in cookie and "SameSite=Strict" in cookie, cookie
    connection.close()
    cookie = cookie.split(";")[0]
    assert s.ask("GET", "/", headers={"Cookie": "a=b; " + cookie})[0] == 200
    s.json("GET", "/api/info", headers={"Cookie": cookie})
    s.json("GET", "/api/info", status=401, headers={"Cookie": cookie + "x"})
    assert s.ask("GET", "/?token=wrong")[0] == 401


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", required=True)
    program = str(pathlib.Path(parser.parse_args().program).resolve())
    folder = tempfile.mkdtemp()
    try:
        run = folder + "/run"
        train(program, run)
        with Served(program, run) as s:
            check_answers(s)
            check_jobs(s)
            check_refusals(s)
            check_hardness(s)
        pathlib.Path(folder + "/token").write_text("secret\n")
        with Served(program, run, "--token", "secret") as s:
            s.json("GET", "/api/info", status=401)
            s.json("GET", "/api/info", status=401, headers={"Authorization": "Bearer secre"})
            s.json("GET", "/api/info", headers={"Authorization": "Bearer secret"})
            s.json("GET", "/api/info?token=secret", status=401)  # addresses stay in histories
            check_cookie(s)
        with Served(program, run, "--token-file", folder + "/token") as s:
            s.json("GET", "/api/info", status=401)
            s.json("GET", "/api/info", headers={"Authorization": "Bearer secret"})
        open_to_all = subprocess.run([program, "serve", run, "--host", "0.0.0.0"],
                                     capture_output=True, text=True)
        assert open_to_all.returncode == 1 and "--token" in open_to_all.stderr, open_to_all
    finally:
        shutil.rmtree(folder)
    print("serve: all held")
    return 0


if __name__ == "__main__":
    sys.exit(main())
