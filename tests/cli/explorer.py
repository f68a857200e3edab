#!/usr/bin/env python3
"""The explorer as people use it, in a real browser: clicks, sliders, a dropped picture, a walk, phone width.

The served page always; the page that needs no server where ELBO_NODE_MODULES names a folder with
node_modules/onnxruntime-web: both must then show the same picture for the same code.
"""
import argparse
import base64
import json
import os
import pathlib
import shutil
import struct
import subprocess
import sys
import tempfile
import zlib

import browser
import serve

READY = ("document.querySelectorAll('#here img').length === 1 && "
         "document.querySelectorAll('#gallery button').length === 32")
SECTIONS = "[...document.querySelectorAll('main > section')]"
# Differences of two pictures at data addresses, largest of all channels and pixels.
DIFFERENCE = """(async () => {
  const pixels = async address => {
    const image = new Image(); image.src = address; await image.decode();
    const canvas = document.createElement('canvas');
    canvas.width = image.naturalWidth; canvas.height = image.naturalHeight;
    const pen = canvas.getContext('2d', {willReadFrequently: true}); pen.drawImage(image, 0, 0);
    return [...pen.getImageData(0, 0, canvas.width, canvas.height).data];
  };
  const [a, b] = [await pixels(%r), await pixels(%r)];
  return a.length === b.length ? Math.max(...a.map((v, i) => Math.abs(v - b[i]))) : 255;
})()"""
# Colours within each section of a screenshot.
COLOURS = """(async () => {
  const image = new Image(); image.src = %r; await image.decode();
  const canvas = document.createElement('canvas');
  canvas.width = image.naturalWidth; canvas.height = image.naturalHeight;
  const pen = canvas.getContext('2d', {willReadFrequently: true}); pen.drawImage(image, 0, 0);
  return SECTIONS.map(s => s.getBoundingClientRect()).filter(r => r.bottom < canvas.height).map(r =>
    new Set(new Uint32Array(pen.getImageData(r.x, r.y, r.width, r.height).data.buffer)).size);
})()""".replace("SECTIONS", SECTIONS)


def seven():
    """A picture as large as the model's, so that nothing is resized, in black and white alone."""
    lines = []
    for y in range(28):
        stroke = range(7, 21) if 5 <= y < 8 else range(20 - (y - 5) // 2, 23 - (y - 5) // 2) if 8 <= y < 24 else ()
        lines.append(bytes([0] + [255 if x in stroke else 0 for x in range(28)]))

    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 28, 28, 8, 0, 0, 0, 0)) +
            chunk(b"IDAT", zlib.compress(b"".join(lines))) + chunk(b"IEND", b""))


def shown(page):
    return page.value("document.querySelector('#here img').src")


def changes(page, act):
    """The picture of the chosen point after an act that must change it."""
    before = shown(page)
    act()
    page.until("document.querySelector('#here img').src !== " + repr(before), 20)
    return shown(page)


def difference(page, one, other):
    return page.value(DIFFERENCE % (one, other))


def check_layout(page):
    """Sections stand side by side or below each other, never over each other or beyond the edge."""
    page.until(READY)
    assert page.value("document.documentElement.scrollWidth <= innerWidth"), "wider than the window"
    boxes = page.value(SECTIONS + ".map(s => s.getBoundingClientRect()).map(r => [r.left, r.top, r.right, r.bottom])")
    assert len(boxes) == 4, boxes
    for i, a in enumerate(boxes):
        assert a[2] - a[0] > 250 and a[3] - a[1] > 60, a
        for b in boxes[:i]:
            apart = a[0] >= b[2] or b[0] >= a[2] or a[1] >= b[3] or b[1] >= a[3]
            assert apart, (a, b)
    picture = "data:image/png;base64," + base64.b64encode(page.picture()).decode()
    colours = page.value(COLOURS % picture)
    assert colours and min(colours) > 8, ("a section is empty", colours)


def check_use(page, address, png):
    page.open(address)
    page.until(READY)
    assert page.value("document.getElementById('about').textContent").startswith("vae on builtin:digits")
    check_layout(page)
    middle = shown(page)
    clicked = changes(page, lambda: page.click("#map", 0.7, 0.4))
    assert difference(page, middle, clicked) > 20, "a click on the map changes nothing that one sees"
    slid = changes(page, lambda: page.slide("#sliders input", "3"))
    page.value("document.getElementById('map').focus()")
    changes(page, lambda: page.ask("Input.dispatchKeyEvent", type="keyDown", key="ArrowLeft", code="ArrowLeft"))
    back = changes(page, lambda: page.click("#centre"))
    assert difference(page, middle, back) <= 1, "back to the middle is elsewhere"
    assert difference(page, middle, slid) > 20, "a slider changes nothing that one sees"
    # A class that is asked for.
    classes = page.value("document.querySelectorAll('#condition option').length")
    assert classes == 10, classes
    # A walk from here to there ends there.
    page.click("#set-a")
    there = changes(page, lambda: page.click("#map", 0.2, 0.3))
    page.click("#set-b")
    page.click("#play")
    page.until("[...document.querySelectorAll('#here img')].some(i => /Step/.test(i.alt))", 20)
    page.until("[...document.querySelectorAll('#here img')].some(i => /chosen point/.test(i.alt))", 30)
    assert difference(page, there, shown(page)) <= 1, "the walk ends elsewhere"
    # A sample leads to its code.
    changes(page, lambda: page.click("#gallery button:nth-child(5)"))
    page.drop("#drop", "seven.png", "image/png", png)
    page.until("document.querySelectorAll('#own img').length === 2", 30)
    data, rebuilt = page.value("[...document.querySelectorAll('#own img')].map(i => i.src)")
    page.drop("#drop", "noise.png", "image/png", b"no picture at all")
    page.until("document.getElementById('problem').textContent !== ''", 20)
    assert page.value("document.querySelectorAll('#own img').length") == 2, "what was there is gone"
    return middle, data, rebuilt


# Columns whose cells are easily spelled otherwise: dates with slashes and a time, decimal commas, counts, rare words.
HEADER = "when;price;visits;town"
TYPED = [{"when": "2024/03/09 7:05", "price": "12,5", "town": "Rome"},
         {"when": "2023-12-31", "price": "-3.25", "visits": "12", "town": "Paris"},
         {"visits": "0", "town": "Oslo"}]
REFUSED = [{"when": "2023/02/30"}, {"visits": "1,5"}, {"visits": "-1"}, {"town": "Nowhere"}, {"price": "0x10"}]
ANSWER = """(() => [...document.querySelectorAll('#own table')].map(t =>
  Object.fromEntries([...t.rows].map(r => [r.cells[0].textContent, r.cells[1].textContent]))))()"""


def table(path):
    lines = [HEADER]
    for i in range(240):
        lines.append(f"2023/{1 + i % 12:02}/{1 + i % 28:02} {i % 24:02}:{i % 60:02};"
                     f"{(i * 37 % 400 - 100) / 10:.1f};{i * i % 17};{('Rome', 'Paris', 'Oslo')[i % 3]}"
                     .replace(".", ","))
    path.write_text("\n".join(lines) + "\n")


def type_row(page, row):
    """A row through the form, and the two tables or the complaint that it leads to."""
    page.value("document.getElementById('own').replaceChildren()")
    page.value("document.getElementById('problem').textContent = ''")
    page.value("(() => { const row = " + json.dumps(row) + "; for (const i of document.querySelectorAll('#cells input')) "
               "i.value = row[i.name] ?? ''; document.querySelector('#form button').click(); })()")
    page.until("document.getElementById('problem').textContent || document.querySelectorAll('#own table').length === 2")
    return page.value(ANSWER)


def check_cells(page, address):
    page.open(address)
    page.until("document.querySelectorAll('#here table').length === 1")
    accepted = [type_row(page, row) for row in TYPED]
    for row, (data, filled) in zip(TYPED, accepted):
        assert [name for name in data if data[name]] == [n for n in HEADER.split(";") if n in row], (row, data)
        assert all(filled.values()), filled
    assert accepted[0][0]["when"] == "2023/12/28 23:47", accepted[0]  # the latest that was seen
    assert accepted[0][0]["price"] == "12,5", accepted[0]
    for row in REFUSED:
        assert type_row(page, row) == [], row
    return accepted


def check_rows(page):
    """Rows of the map: coloured by a column, opened, and the nearest ones of the chosen point."""
    page.until("document.querySelectorAll('#colour option').length === 4")
    painted = page.value("document.getElementById('map').toDataURL()")
    page.value("(() => { const s = document.getElementById('colour'); s.value = 'town'; s.onchange({target: s}); })()")
    assert page.value("document.querySelectorAll('#legend .key').length") == 3
    assert page.value("document.getElementById('map').toDataURL()") != painted, "the colours are the same"
    shown_all = page.value("document.getElementById('map').toDataURL()")
    page.click("#legend .key")
    assert page.value("document.getElementById('map').toDataURL()") != shown_all, "no class is hidden"
    page.click("#nearest")
    page.until("document.querySelectorAll('#near tr .near').length === 6")
    page.click("#near .near")
    page.until("/p-value/.test(document.getElementById('own').textContent)")
    assert page.value("document.querySelectorAll('#gallery th').length") == 4, "samples are one table"
    assert page.value("document.getElementById('download').href").startswith("data:text/plain"), "no download"


def check_texts(program, folder):
    """A text is typed in and read."""
    run = folder + "/texts"
    subprocess.run([program, "train", "builtin:sentences", "--rows", "200", "--steps", "5", "--out", run, "-q", "--set",
                    "latent.size=3", "--set", "encoder.hidden=16", "--set", "likelihood.net.type=gru", "--set",
                    "likelihood.net.hidden=16"], check=True)
    with serve.Served(program, run) as s, browser.Browser() as page:
        page.open(s.address)
        page.until("document.querySelectorAll('#here p').length === 1 && !document.getElementById('text-form').hidden")
        page.value("document.getElementById('text').value = 'the cow eats the hen'")
        page.click("#text-form button")
        page.until("document.querySelectorAll('#own p').length === 3")
        assert page.value("document.querySelector('#own p').textContent") == "the cow eats the hen"
        assert not page.complaints, page.complaints


def check_report(page, address):
    """The explorer leads to the report of its run, and that back."""
    page.click("#report")
    page.until("location.pathname === '/report' && !!document.getElementById('diagnosis') && !!document.querySelector('#explorer a')")
    page.click("#explorer a")
    page.until(f"location.href === {json.dumps(address)} && document.querySelectorAll('#gallery > *').length > 0")


def check_whole_codes(program, folder):
    """Codes of a codebook: rows are chosen on the map, numbers stay whole, a walk ends where it should."""
    run = folder + "/codebook"
    subprocess.run([program, "train", "builtin:digits", "--rows", "300", "--epochs", "3", "--out", run, "-q", "--model",
                    "vq_vae", "--set", "latent.positions=4", "--set", "latent.codes=16", "--set", "encoder=mlp", "--set",
                    "decoder=mlp"], check=True)
    with serve.Served(program, run) as s, browser.Browser() as page:
        page.open(s.address)
        page.until(READY)
        info = s.json("GET", "/api/info")
        assert info["map"]["axes"] == [] and info["map"]["whole"] == [0, 1, 2, 3], info["map"]["whole"]
        assert all(v == int(v) for slider in info["sliders"] for v in slider["values"])
        page.until("document.getElementById('nearest').hidden === false")  # names of rows are there
        for spot, end in ((0.3, "#set-a"), (0.8, "#set-b")):
            page.value("document.getElementById('own').replaceChildren()")
            page.click("#map", spot, 0.5)
            page.until("document.querySelectorAll('#own img').length === 2")
            page.click(end)
        there = shown(page)
        page.click("#play")
        page.until("[...document.querySelectorAll('#here img')].some(i => /Step/.test(i.alt))", 20)
        page.until("[...document.querySelectorAll('#here img')].some(i => /chosen point/.test(i.alt))", 30)
        assert difference(page, there, shown(page)) <= 1, "the walk ends elsewhere"
        page.slide("#sliders input", "0")
        shown_value = page.value("document.querySelector('#sliders output').value")
        assert float(shown_value) == info["sliders"][0]["values"][0], shown_value
        page.click("#nearest")
        page.until("document.querySelectorAll('#near .near').length === 6")
        check_report(page, s.address)
        assert not page.complaints, page.complaints


def check_top_level(page):
    """Where a top level is moved, those below follow. Returns the place of the number that was moved."""
    names = page.value("[...document.querySelectorAll('#sliders label')].map(l => l.textContent)")
    assert len(names) == 12 and all(name[0] == "z" and "." in name for name in names), names
    top = [place for place, name in enumerate(names) if not name.startswith("z1.")]
    below = [place for place, name in enumerate(names) if name.startswith("z1.")]
    assert top and below, names
    outputs = "[...document.querySelectorAll('#sliders output')].map(o => o.value)"
    before = page.value(outputs)
    slider = page.value(f"document.querySelectorAll('#sliders input')[{top[0]}].id")
    changes(page, lambda: page.slide("#" + slider, "3.5"))
    page.until(f"{outputs}.some((v, i) => {json.dumps(below)}.includes(i) && v !== {json.dumps(before)}[i])")
    return int(slider[1:])


def check_moved(served, place):
    code = served.json("GET", "/api/info")["map"]["mean"]
    code[place] += 1
    answer = served.json("POST", "/api/decode", {"codes": [code], "moved": place})
    again = served.json("POST", "/api/decode", {"codes": answer["codes"]})
    assert answer["rows"] == again["rows"] != served.json("POST", "/api/decode", {"codes": [code]})["rows"]


def check_levels(program, folder, runtime):
    """A model of several levels: names of sliders say the level."""
    run = folder + "/levels"
    subprocess.run([program, "train", "builtin:digits", "--rows", "400", "--epochs", "12", "--batch", "32", "--lr",
                    "0.003", "--out", run, "-q", "--model", "ladder_vae"], check=True)
    with serve.Served(program, run) as s, browser.Browser() as page:
        page.open(s.address)
        page.until(READY)
        check_moved(s, check_top_level(page))
        assert not page.complaints, page.complaints
    if not runtime.is_dir():
        return
    subprocess.run([program, "report", run, "--interactive", "--runtime", runtime, "-o", folder + "/levels.html", "-q"],
                   check=True, stdout=subprocess.DEVNULL)
    with browser.Browser() as page:
        page.open(pathlib.Path(folder, "levels.html").as_uri())
        page.until(READY)
        check_top_level(page)
        assert not page.complaints, page.complaints


def loads_and_heats(folder):
    """The path of a series of two numbers, one each minute."""
    log = pathlib.Path(folder, "log.csv")
    log.write_text("time,load,heat\n" + "".join(
        f"2024-01-01 {i // 60:02}:{i % 60:02}:00,{i * 37 % 19},{20 + i % 24}\n" for i in range(300)))
    return log


def check_series(program, folder):
    """Windows of a series are drawn over time, and one is typed in as numbers."""
    log = loads_and_heats(folder)
    run = folder + "/series"
    subprocess.run([program, "train", f"series:{log}", "--window", "12", "--epochs", "2", "--out", run, "-q", "--set",
                    "latent.size=3"], check=True)
    with serve.Served(program, run) as s, browser.Browser() as page:
        page.open(s.address)
        page.until("document.querySelectorAll('#here .lines path').length === 2")
        page.until("document.querySelectorAll('#gallery .lines').length === 8")
        page.click("#map", 0.7, 0.4)
        page.value("document.getElementById('text').value = Array(24).fill(5).join(', ')")
        page.click("#text-form button")
        page.until("document.querySelectorAll('#own .lines').length === 2")
        assert not page.complaints, page.complaints


def check_numbers(program, folder):
    """Rows of a few numbers with names are typed and listed like those of a table."""
    log = loads_and_heats(folder)
    run = folder + "/numbers"
    subprocess.run([program, "train", f"series:{log}", "--window", "1", "--epochs", "2", "--out", run, "-q", "--set",
                    "latent.size=2"], check=True)
    with serve.Served(program, run) as s, browser.Browser() as page:
        page.open(s.address)
        page.until("document.querySelectorAll('#gallery th').length === 2")
        names = page.value("[...document.querySelectorAll('#cells input')].map(i => i.name)")
        assert names == ["load", "heat"], names
        page.click("#form button")
        page.until("/load: expected a number/.test(document.getElementById('problem').textContent)")
        page.value("document.querySelectorAll('#cells input').forEach(i => { i.value = '7'; })")
        page.click("#form button")
        page.until("document.querySelectorAll('#own table').length === 2")
        assert not page.complaints, page.complaints


def check_fingers(page):
    """Two fingers zoom the map."""
    page.ask("Emulation.setTouchEmulationEnabled", enabled=True, maxTouchPoints=2)
    before = page.value("document.getElementById('map').toDataURL()")
    x, y = page.value("(() => { const e = document.getElementById('map'); e.scrollIntoView({block: 'center'}); "
                      "const r = e.getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2]; })()")
    for kind, apart in (("touchStart", 20), ("touchMove", 40), ("touchMove", 80), ("touchEnd", 0)):
        points = [] if kind == "touchEnd" else [{"x": x - apart, "y": y, "id": 0}, {"x": x + apart, "y": y, "id": 1}]
        page.ask("Input.dispatchTouchEvent", type=kind, touchPoints=points)
    assert page.value("document.getElementById('map').toDataURL()") != before, "two fingers change nothing"


def check_maps(page):
    """Other maps of the same rows."""
    for kind in ("t-SNE", "UMAP", "principal axes"):
        before = page.value("document.getElementById('map').toDataURL()")
        page.value("(() => { const s = document.getElementById('layout'); s.value = %r; s.onchange({target: s}); })()" % kind)
        page.until("document.getElementById('map').toDataURL() !== " + repr(before), 60)


def check_tables(program, folder, runtime):
    """A table's form: with a server and without one, cells are read and spelled alike."""
    run = folder + "/table"
    table(pathlib.Path(folder, "table.csv"))
    subprocess.run([program, "train", folder + "/table.csv", "--types", "visits=count,town=category", "--epochs", "3",
                    "--out", run, "-q", "--set", "latent.size=2", "--set", "encoder.type=mlp", "--set",
                    "encoder.hidden=[16]", "--set", "decoder.type=mlp", "--set", "decoder.hidden=[16]"], check=True)
    with serve.Served(program, run) as s, browser.Browser() as page:
        served = check_cells(page, s.address)
        check_rows(page)
    if not runtime.is_dir():
        return
    subprocess.run([program, "report", run, "--interactive", "--runtime", runtime, "-o", folder + "/table.html", "-q"],
                   check=True, stdout=subprocess.DEVNULL)
    with browser.Browser() as page:
        alone = check_cells(page, pathlib.Path(folder, "table.html").as_uri())
        assert not page.complaints, page.complaints
    assert served == alone, (served, alone)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", required=True)
    program = str(pathlib.Path(parser.parse_args().program).resolve())
    if not browser.found():
        print("no browser: the explorer is not opened")
        return 0
    modules = os.environ.get("ELBO_NODE_MODULES")
    runtime = pathlib.Path(modules or "/nowhere") / "node_modules/onnxruntime-web/dist"
    folder = tempfile.mkdtemp()
    try:
        run = folder + "/run"
        serve.train(program, run, epochs=40)
        png = seven()
        with serve.Served(program, run) as s, browser.Browser() as page:
            served = check_use(page, s.address, png)
            assert all("400" in c for c in page.complaints), page.complaints  # of the file that is no picture
            page.ask("Emulation.setDeviceMetricsOverride", width=375, height=2400, deviceScaleFactor=1, mobile=True)
            check_layout(page)
            check_fingers(page)
            check_maps(page)
        if runtime.is_dir():
            subprocess.run([program, "report", run, "--interactive", "--runtime", runtime, "-o", folder + "/page.html",
                            "-q"], check=True, stdout=subprocess.DEVNULL)
            with browser.Browser() as page:
                alone = check_use(page, pathlib.Path(folder, "page.html").as_uri(), png)
                assert not page.complaints, page.complaints
                for one, other in zip(served, alone):
                    assert difference(page, one, other) <= 2, "the page alone shows something else"
        check_tables(program, folder, runtime)
        check_texts(program, folder)
        check_whole_codes(program, folder)
        check_levels(program, folder, runtime)
        check_series(program, folder)
        check_numbers(program, folder)
    finally:
        shutil.rmtree(folder)
    print("explorer: all held" + ("" if runtime.is_dir() else " (no onnxruntime-web: the served page only)"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
