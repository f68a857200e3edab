#!/usr/bin/env python3
"""A report opens in a real browser without errors and without asking the network for anything.

Trains two small runs, makes their reports, and where Chromium is installed loads the pages headless:
its console must stay empty, and the script must have made the charts ready for the keyboard.
"""
import argparse
import html.parser
import os
import pathlib
import subprocess
import sys
import tempfile
import time

import browser


class Structure(html.parser.HTMLParser):
    """Every picture has a text; nothing is fetched; tags are closed."""

    VOID = {"meta", "link", "img", "br"}

    def __init__(self):
        super().__init__()
        self.open, self.bad, self.pictures = [], [], 0

    def handle_starttag(self, tag, attributes):
        a = dict(attributes)
        if tag == "img" or (tag == "svg" and a.get("role") == "img"):
            self.pictures += 1
            if not a.get("alt") and not a.get("aria-label"):
                self.bad.append(f"{tag} without text")
        for name in ("src", "href"):
            if name in a and not a[name].startswith(("data:", "#")):
                self.bad.append(f"{tag} {name}={a[name]}")
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if tag not in self.VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.bad.append(f"</{tag}> closes another tag")


def check_structure(page):
    parser = Structure()
    parser.feed(page.read_text())
    assert not parser.bad, parser.bad[:5]
    assert not parser.open, parser.open
    assert parser.pictures >= 5, parser.pictures


def browse(page):
    """The page as the browser leaves it, and what its console said."""
    with browser.Browser() as seen:
        seen.open(page.as_uri())
        time.sleep(0.3)  # a refused request is told a little later
        return seen.value("document.documentElement.outerHTML"), seen.complaints


def table(path):
    lines = ["joined,age,town,plan"]
    for i in range(240):
        lines.append(f"2023-{1 + i * 7 % 12:02}-{1 + i % 28:02},{18 + i * 13 % 60},{('Rome', 'Oslo', 'Bern')[i % 3]},"
                     f"{('basic', 'pro')[i * i % 2]}")
    path.write_text("\n".join(lines) + "\n")


def check_widths(page):
    """Nothing sticks out of the window, by day and by night."""
    with browser.Browser() as seen:
        for width in (375, 800, 1280):
            for theme in ("light", "dark"):
                seen.ask("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1,
                         mobile=width < 600)
                seen.ask("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": theme}])
                seen.open(page.as_uri())
                wide = seen.value("document.documentElement.scrollWidth - innerWidth")
                assert wide <= 0, (page.name, width, theme, wide)
        assert not seen.complaints, seen.complaints[:5]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", required=True)
    program = parser.parse_args().program
    opened = browser.found()
    environment = dict(os.environ, OMP_NUM_THREADS="1", ELBO_PREPARED="1")
    with tempfile.TemporaryDirectory() as folder:
        def elbo(*words):
            subprocess.run([program, *words], check=True, cwd=folder, env=environment,
                           stdout=subprocess.DEVNULL, timeout=1800)

        small = ["--rows", "300", "--epochs", "3", "--set", "encoder=mlp", "--set", "decoder=mlp",
                 "--set", "latent.size=3", "-q"]
        elbo("train", "builtin:digits", "--out", "one", *small)
        elbo("train", "builtin:gaussian", "--out", "two", *small)
        table(pathlib.Path(folder, "people.csv"))
        elbo("train", "people.csv", "--out", "three", "--epochs", "1", "--set", "latent.size=2", "-q")
        elbo("report", "three", "--rows", "60", "--draws", "2", "-q")
        elbo("report", "one", "--rows", "60", "--draws", "2", "-q")
        elbo("report", "one", "two", "-o", "both.html", "--rows", "60", "--draws", "2", "-q")
        for name in ("one/report.html", "both.html", "three/report.html"):
            page = pathlib.Path(folder) / name
            check_structure(page)
            if not opened:
                continue
            seen, console = browse(page)
            assert not console, console[:5]
            check_widths(page)
            assert 'tabindex="0"' in seen and 'id="tip"' in seen, "the script did not run"
            # A page with a mistake must be told from one without.
            broken = page.with_name("broken.html")
            broken.write_text(page.read_text().replace("</body>", "<img src='http://localhost/x'>"
                                                       "<script>nothing()</script></body>"))
            _, console = browse(broken)
            assert len(console) >= 2, console
        shown = pathlib.Path(folder, "three", "report.html").read_text()
        for words in ("Rome", ">2023-", "Associations in the data", "share wrong"):
            assert words in shown, words
    print("report pages are sound" + ("" if opened else " (no browser found: structure only)"))


if __name__ == "__main__":
    sys.exit(main())
