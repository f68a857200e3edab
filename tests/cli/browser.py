"""Chromium without a window, spoken to through its debugging pipe: pages are opened, clicked, typed into and looked at."""

import base64
import json
import os
import shutil
import subprocess
import tempfile
import time


def found():
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


class Browser:
    """One page. `complaints` are what its console said: errors, refused requests, exceptions."""

    def __init__(self, width=1200, height=1300):
        self.folder = tempfile.mkdtemp()
        to_read, self.out = os.pipe()
        self.into, to_write = os.pipe()

        def pipes():  # the browser reads from 3 and writes to 4
            os.dup2(to_read, 100)
            os.dup2(to_write, 101)
            os.dup2(100, 3)
            os.dup2(101, 4)

        self.process = subprocess.Popen(
            [found(), "--headless=new", "--no-sandbox", "--disable-gpu", f"--user-data-dir={self.folder}",
             f"--window-size={width},{height}", "--remote-debugging-pipe"],
            preexec_fn=pipes, close_fds=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(to_read)
        os.close(to_write)
        self.number, self.session, self.rest, self.complaints = 0, None, b"", []
        page = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.ask("Target.attachToTarget", targetId=page, flatten=True)["sessionId"]
        for part in ("Page", "Runtime", "Log"):
            self.ask(part + ".enable")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.close(self.out)
        self.process.terminate()
        self.process.wait(20)
        os.close(self.into)
        shutil.rmtree(self.folder, ignore_errors=True)

    def hear(self):
        while b"\0" not in self.rest:
            more = os.read(self.into, 1 << 20)
            assert more, "the browser has gone"
            self.rest += more
        message, self.rest = self.rest.split(b"\0", 1)
        return json.loads(message)

    def ask(self, method, **parameters):
        self.number += 1
        words = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            words["sessionId"] = self.session
        os.write(self.out, json.dumps(words).encode() + b"\0")
        while True:
            answer = self.hear()
            self.note(answer)
            if answer.get("id") == self.number:
                assert "error" not in answer, (method, answer["error"])
                return answer["result"]

    def note(self, message):
        told = message.get("params", {})
        if message.get("method") == "Runtime.exceptionThrown":
            self.complaints.append(told["exceptionDetails"].get("exception", {}).get("description", "exception"))
        elif message.get("method") == "Log.entryAdded":
            self.complaints.append(told["entry"]["text"])
        elif message.get("method") == "Runtime.consoleAPICalled" and told["type"] in ("error", "warning", "assert"):
            self.complaints.append(str(told["args"][:1]))

    def open(self, address):
        """Until the page and what belongs to it are there."""
        self.ask("Page.navigate", url=address)
        self.until(f"location.href.startsWith({json.dumps(address)}) && document.readyState === 'complete'")

    def value(self, script):
        """What the script's last expression is, promises waited for."""
        done = self.ask("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in done, (script, done["exceptionDetails"])
        return done["result"].get("value")

    def until(self, script, seconds=60):
        end = time.monotonic() + seconds
        while not self.value(script):
            assert time.monotonic() < end, (script, self.complaints[:3], self.value("document.body.innerText")[:500])
            time.sleep(0.05)

    def click(self, selector, dx=0.5, dy=0.5):
        """With the mouse, at this share of the element's width and height."""
        x, y, w, h = self.value("(() => { const e = document.querySelector(" + json.dumps(selector) + "); "
                                "e.scrollIntoView({block: 'center'}); const r = e.getBoundingClientRect(); "
                                "return [r.x, r.y, r.width, r.height]; })()")
        for kind in ("mousePressed", "mouseReleased"):
            self.ask("Input.dispatchMouseEvent", type=kind, x=x + w * dx, y=y + h * dy, button="left", clickCount=1)

    def drop(self, selector, name, kind, content):
        """A file let go over an element."""
        self.value("(() => { const bytes = Uint8Array.from(atob(" + json.dumps(base64.b64encode(content).decode()) +
                   "), c => c.charCodeAt(0)); const data = new DataTransfer(); data.items.add(new File([bytes], " +
                   json.dumps(name) + ", {type: " + json.dumps(kind) + "})); document.querySelector(" +
                   json.dumps(selector) + ").dispatchEvent(new DragEvent('drop', {dataTransfer: data, bubbles: true, "
                   "cancelable: true})); })()")

    def slide(self, selector, value):
        self.value("(() => { const e = document.querySelector(" + json.dumps(selector) + "); e.value = " +
                   json.dumps(value) + "; e.dispatchEvent(new Event('input', {bubbles: true})); })()")

    def picture(self):
        return base64.b64decode(self.ask("Page.captureScreenshot")["data"])
