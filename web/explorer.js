// The explorer: a map of codes, sliders, walks and samples of one model, asked by its HTTP API or,
// on a page without a server, by offline.js. A module: its names are its own.

const $ = id => document.getElementById(id);
const colours = 10; // of the palette, --c0 to --c9
const sliderReach = 4, walkSteps = 24, walkPause = 90;

let info; // what /api/info says of the model
let code; // the chosen point
let view = { x: 0, y: 0, span: 1 }; // the part of the map that is seen
let known; // names and columns of the rows on the map, from a server alone
let tint; // what the map's points are coloured by: [colour of each], and a legend
let points; // where the rows are on the map; `plane`: in the plane of the axes, where each point has a code
let plane = true;
let standing; // the row of the map whose code is chosen; none after any other change
const hidden = new Set(); // classes that the legend has switched off
const ends = {}; // of a walk: A and B

// ---- questions ----

async function askServer(path, body, type) {
  const headers = {};
  const question = { method: "GET", headers };
  if (body !== undefined) {
    question.method = "POST";
    question.body = type ? body : JSON.stringify(body);
    headers["Content-Type"] = type ?? "application/json";
  }
  const response = await fetch(path, question);
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.error ?? response.statusText);
  return answer;
}

async function ask(path, body, type) {
  const answer = await (window.elboOffline ?? askServer)(path, body, type);
  $("problem").textContent = "";
  return answer;
}

// What goes wrong is shown; the page stays as it is.
async function attempt(act) {
  try {
    await act();
  } catch (error) {
    $("problem").textContent = error.message;
  }
}

const condition = () => (info.conditional ? $("condition").value : "");

// ---- rows as the page shows them ----

function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

function shownCells(cells) {
  const table = element("table", { className: "cells" });
  for (const [name, value] of cells) {
    table.append(element("tr", {}, element("th", { textContent: name }), element("td", { textContent: value })));
  }
  return table;
}

// Rows that are one list of numbers with names are shown, typed and listed as those of a table.
const namedNumbers = () => !info.columns && info.shape.length === 1 && info.names?.length === info.shape[0];
const cellNames = () => info.columns?.map(({ name }) => name) ?? info.names;
const shortNumber = value => {
  if (value === null) return "";
  return Number(Math.abs(value) < 1e5 ? value.toPrecision(5) : value.toFixed(2));
};
const cellsOf = row =>
  (info.columns ? cellNames().map(name => row[name]) : row.map(shortNumber));

// Columns over time, one chart below the other; a column has one scale for all rows that were shown.
const spans = [];
const overTime = () => info.shape.length === 2 && info.names?.length > 0;
const columnOf = (row, k) => Array.from({ length: info.shape[0] }, (_, t) => row[t * info.shape[1] + k]);

function widen(rows) {
  if (!overTime()) return;
  for (let k = 0; k < info.shape[1]; k++) {
    const values = rows.flatMap(row => columnOf(row, k)).concat(spans[k] ?? []);
    spans[k] = [Math.min(...values), Math.max(...values)];
  }
}

function svg(tag, attributes) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

function shownLine(values, k) {
  const [low, high] = spans[k];
  const x = i => 100 * i / Math.max(1, values.length - 1), y = v => 28 - 26 * (v - low) / Math.max(1e-12, high - low);
  const d = values.map((v, i) => `${i ? "L" : "M"}${x(i).toFixed(2)} ${y(v).toFixed(2)}`).join("");
  const chart = svg("svg", { viewBox: "0 0 100 30", preserveAspectRatio: "none", role: "img" });
  chart.setAttribute("aria-label", `${info.names[k]} over ${values.length} steps`);
  chart.append(svg("path", { d, style: `stroke: var(--c${k % colours})` }));
  const range = [low, high].map(v => Number(v.toPrecision(3))).join(" to ");
  return element("figure", {}, element("figcaption", { textContent: `${info.names[k]} (${range})` }), chart);
}

function shownLines(row) {
  const most = 12;
  const lines = Array.from({ length: Math.min(most, info.shape[1]) }, (_, k) => shownLine(columnOf(row, k), k));
  return element("div", { className: "lines" }, ...lines);
}

function shown(row, alt) {
  if (info.picture) {
    return element("img", { src: row, alt, className: info.molecules ? "molecule" : "picture" });
  }
  if (typeof row === "string") return element("p", { textContent: row });
  if (Array.isArray(row) && overTime()) return shownLines(row);
  if (Array.isArray(row)) {
    return shownCells(row.slice(0, 64).map((value, i) => [info.names?.[i] ?? "x" + i, shortNumber(value)]));
  }
  return shownCells(info.columns.map(({ name }) => [name, row[name]]));
}

// ---- the chosen point ----

let wish = null, busy = false;
let walks = 0; // changes whenever somebody goes anywhere

// Where a number of the code was moved, levels of the model below it have followed; what was
// changed since then stays.
function follow(asked, answered) {
  code = code.map((v, i) => (v === asked[i] ? answered[i] : v));
  if (wish) wish.code = code.slice();
  info.sliders.forEach(showSlider);
  draw();
}

// The newest wish wins: a moving slider must not queue up questions. `place`: of the one number
// that was moved.
async function decode(place) {
  wish = { code: code.slice(), moved: place };
  if (busy) return;
  busy = true;
  await attempt(async () => {
    while (wish) {
      const asked = wish;
      wish = null;
      const question = { codes: [asked.code], condition: condition(), moved: asked.moved };
      const { codes, rows } = await ask("/api/decode", question);
      if (asked.moved !== undefined) follow(asked.code, codes[0]);
      widen(rows);
      $("here").replaceChildren(shown(rows[0], "The row decoded at the chosen point"));
    }
  });
  busy = false;
}

// Codes of whole numbers have no axes: only rows have places then.
const walkable = () => plane && info.map.axes.length > 0;
const along = axis => axis.reduce((sum, v, i) => sum + v * (code[i] - info.map.mean[i]), 0);
const at = () => (walkable() ? info.map.axes.map(along) : points[standing]);

// To a point of the map: the code moves along the two axes only.
function go(...to) {
  const here = at();
  info.map.axes.forEach((axis, k) => axis.forEach((v, i) => {
    code[i] += v * (to[k] - here[k]);
  }));
  moved();
}

function showSlider({ dimension, mean, deviation, values }) {
  const value = code[dimension];
  if (values) {
    const apart = values.map(v => Math.abs(v - value));
    $("d" + dimension).value = apart.indexOf(Math.min(...apart));
  } else {
    $("d" + dimension).value = (value - mean) / deviation;
  }
  $("o" + dimension).value = values ? value : value.toFixed(2);
}

function moved(row) {
  standing = row;
  walks++; // a walk that is still shown ends: somebody has gone elsewhere
  info.sliders.forEach(showSlider);
  draw();
  decode();
}

// ---- the map ----

const half = () => $("map").width / 2;
const place = ([x, y = 0]) => [
  half() + (x - view.x) / view.span * half(),
  half() - (y - view.y) / view.span * half(),
];
const unplace = (px, py) => [
  view.x + (px - half()) / half() * view.span,
  view.y - (py - half()) / half() * view.span,
];

function dot(pen, [x, y], radius, how) {
  pen.beginPath();
  pen.arc(x, y, radius, 0, 7);
  pen[how]();
}

function draw() {
  const canvas = $("map"), pen = canvas.getContext("2d"), style = getComputedStyle(document.body);
  const palette = Array.from({ length: colours }, (_, k) => style.getPropertyValue("--c" + k));
  pen.clearRect(0, 0, canvas.width, canvas.height);
  pen.globalAlpha = .7;
  points.forEach((point, i) => {
    if (hidden.has(tint.of(i))) return;
    pen.fillStyle = tint.shade(i, palette);
    dot(pen, place(point), 3.2, "fill");
  });
  pen.globalAlpha = 1;
  pen.strokeStyle = pen.fillStyle = style.color;
  pen.font = "bold 22px sans-serif";
  pen.lineWidth = 3;
  if (at()) dot(pen, place(at()), 9, "stroke");
  if (!plane) return;
  for (const [name, end] of Object.entries(ends)) {
    if (!end.at) continue;
    const [x, y] = place(end.at);
    pen.fillText(name, x + 6, y - 6);
    dot(pen, [x, y], 4, "fill");
  }
  if (!ends.A?.at || !ends.B?.at) return;
  pen.lineWidth = 1.5;
  pen.beginPath();
  pen.moveTo(...place(ends.A.at));
  pen.lineTo(...place(ends.B.at));
  pen.stroke();
}

function whole() {
  view = { x: 0, y: 0, span: 1.1 * Math.max(1e-6, ...points.flat().map(Math.abs)) };
  draw();
}

function look(change) {
  Object.assign(view, change);
  draw();
}

// Where the pointer is, in the canvas's own pixels.
function spot(event) {
  const canvas = $("map"), box = canvas.getBoundingClientRect();
  return [
    (event.clientX - box.left) * canvas.width / box.width,
    (event.clientY - box.top) * canvas.height / box.height,
  ];
}

// The row under the pointer, or the nearest one; -1 where there is none.
function rowAt([x, y], nearest = 9) {
  let best = -1;
  points.forEach((point, i) => {
    const [px, py] = place(point), distance = Math.hypot(px - x, py - y);
    if (distance < nearest && !hidden.has(tint.of(i))) [best, nearest] = [i, distance];
  });
  return best;
}

// Rows of arrays have numbers for names.
const called = name => (/^\d+$/.test(name) ? "row " + name : name);

function pointAt(row) {
  const label = info.classes[info.map.labels[row]];
  const name = row < 0 ? "" : called(known?.names[row] ?? String(row));
  $("pointed").textContent = name ? name + (label === undefined ? "" : ": " + label) : "\u00a0";
}

// Two fingers zoom, about the point between them.
function pinch(fingers, before) {
  const [a, b] = [...fingers.values()], middle = [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2];
  const apart = Math.hypot(a[0] - b[0], a[1] - b[1]);
  if (before) zoomAt(before / Math.max(1, apart), middle);
  return apart;
}

function zoomAt(factor, spot) {
  const before = unplace(...spot);
  view.span *= factor;
  const after = unplace(...spot); // what is under the pointer stays there
  look({ x: view.x + before[0] - after[0], y: view.y + before[1] - after[1] });
}

function watchPointer(canvas) {
  let start = null, dragged = false, apart = 0;
  const fingers = new Map();
  const lift = event => fingers.delete(event.pointerId);
  canvas.addEventListener("pointercancel", lift);
  canvas.addEventListener("pointerleave", () => pointAt(-1));
  canvas.addEventListener("pointerdown", event => {
    fingers.set(event.pointerId, spot(event));
    apart = 0;
    start = { spot: spot(event), view: { ...view } };
    dragged = false;
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener("pointermove", event => {
    if (!fingers.size) pointAt(rowAt(spot(event)));
    if (fingers.has(event.pointerId)) fingers.set(event.pointerId, spot(event));
    if (fingers.size > 1) {
      apart = pinch(fingers, apart);
      start = null;
    }
    if (!start) return;
    const [x, y] = spot(event), dx = x - start.spot[0], dy = y - start.spot[1];
    dragged ||= Math.hypot(dx, dy) > 6;
    const scale = view.span / half();
    if (dragged) look({ x: start.view.x - dx * scale, y: start.view.y + dy * scale });
  });
  canvas.addEventListener("pointerup", event => {
    lift(event);
    const row = known ? rowAt(spot(event), plane && !walkable() ? Infinity : 9) : -1;
    if (start && !dragged) row >= 0 ? attempt(() => openRow(row)) : walkable() && go(...unplace(...spot(event)));
    start = null;
  });
  canvas.addEventListener("wheel", event => {
    event.preventDefault();
    zoomAt(Math.exp(event.deltaY / 500), spot(event));
  }, { passive: false });
}

function watchKeys(canvas) {
  const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
  const zooms = { "+": 1 / 1.2, "=": 1 / 1.2, "-": 1.2 };
  canvas.addEventListener("keydown", event => {
    const zoom = zooms[event.key];
    if (zoom) look({ span: view.span * zoom });
    if (!(event.key in moves)) return;
    event.preventDefault();
    const [dx, dy] = moves[event.key].map(direction => direction * view.span / 20);
    if (event.shiftKey || !walkable()) return look({ x: view.x + dx, y: view.y + dy });
    const [x, y = 0] = at();
    go(x + dx, y + dy);
  });
}

// Points by class, or by a column: its classes, or its numbers from the least to the largest.
const byLabel = () => ({
  of: i => Math.max(0, info.map.labels[i] ?? 0),
  shade: (i, palette) => palette[Math.max(0, info.map.labels[i] ?? 0) % colours],
  names: info.classes,
  used: [...new Set(info.map.labels)].filter(label => label >= 0),
});

function byColumn({ values, classes, ends }) {
  if (classes.length) {
    const of = i => values[i] ?? -1;
    return {
      of, names: classes, used: [...new Set(values)].filter(v => v !== null),
      shade: (i, palette) => of(i) < 0 ? "#8888" : palette[of(i) % colours],
    };
  }
  const order = values.filter(v => v !== null).sort((a, b) => a - b), rank = new Map();
  order.forEach((v, i) => rank.set(v, i / Math.max(1, order.length - 1)));
  const shade = i => values[i] === null ? "#8888" : `hsl(${250 - 220 * rank.get(values[i])} 75% 55%)`;
  return { of: () => null, shade, names: [], used: [], ends };
}

function showLegend() {
  $("legend").replaceChildren();
  if (tint.ends) {
    const bar = element("i", { className: "scale" });
    return $("legend").append(tint.ends[0], bar, tint.ends[1]);
  }
  for (const label of tint.used.sort((a, b) => a - b).slice(0, 20)) {
    const chip = element("i");
    chip.style.background = `var(--c${label % colours})`;
    const onclick = event => {
      hidden.has(label) ? hidden.delete(label) : hidden.add(label);
      event.currentTarget.setAttribute("aria-pressed", !hidden.has(label));
      draw();
    };
    const how = { onclick, className: "key", title: "show or hide" };
    const key = element("button", how, chip, tint.names[label] ?? String(label));
    key.setAttribute("aria-pressed", "true");
    $("legend").append(key);
  }
}

function colourBy(name) {
  hidden.clear();
  const column = known?.columns.find(column => column.name === name);
  tint = column ? byColumn(column) : byLabel();
  showLegend();
  draw();
}

// ---- rows of the map ----

async function openRow(place) {
  const answer = await ask("/api/open", { place });
  showOwn(answer, place);
  $("own").prepend(element("p", { textContent: called(answer.name) }));
}

// Neighbours beside each other: only rows have a place there.
async function layOut(kind) {
  plane = !["t-SNE", "UMAP"].includes(kind);
  points = info.map.points;
  if (!plane) {
    const laid = (await ask("/api/layout", { kind })).points;
    const middle = [0, 1].map(k => laid.reduce((sum, point) => sum + point[k], 0) / laid.length);
    points = laid.map(([x, y]) => [x - middle[0], y - middle[1]]);
  }
  whole();
}

async function nearest() {
  const { rows, names, places } = await ask("/api/near", { code, n: 6 });
  widen(rows);
  const opens = i => ({ onclick: () => attempt(() => openRow(places[i])), className: "near", title: called(names[i]) });
  const button = i => element("button", opens(i), called(names[i]));
  const listed = info.columns || namedNumbers();
  $("near").className = listed ? "scroll" : "tiles";
  if (listed) return $("near").replaceChildren(table(rows, button));
  $("near").replaceChildren(...rows.map((row, i) => {
    const name = element("small", { textContent: called(names[i]) });
    return element("button", opens(i), name, shown(row, called(names[i])));
  }));
}

// What only a server knows: the map works without it.
async function learnRows() {
  if (window.elboOffline) return;
  known = await ask("/api/rows");
  $("nearest").hidden = false;
  $("layout-row").hidden = info.map.points.length < 10 || info.code_size < 3;
  const choices = [...(info.map.labels.length ? ["class"] : []), ...known.columns.map(column => column.name)];
  $("colour-row").hidden = choices.length < 2;
  $("colour").append(...choices.map(name => new Option(name)));
  if (!info.map.labels.length && choices.length) colourBy(choices[0]);
}

// ---- walks and samples ----

function setEnd(name) {
  ends[name] = { code: code.slice(), at: at() };
  $("play").disabled = !(ends.A && ends.B);
  draw();
}

// Points between two codes; of whole numbers one after the other becomes that of the end.
function way(from, to) {
  const changing = info.map.whole.filter(i => from[i] !== to[i]);
  const turn = new Map(info.map.whole.map(i => [i, (changing.indexOf(i) + 1) / changing.length]));
  const between = (v, i, share) => (turn.has(i) ? (share >= turn.get(i) ? to[i] : v) : v + (to[i] - v) * share);
  return Array.from({ length: walkSteps + 1 }, (_, k) => from.map((v, i) => between(v, i, k / walkSteps)));
}

async function play() {
  const codes = way(ends.A.code, ends.B.code);
  const mine = ++walks;
  const { rows } = await ask("/api/decode", { codes, condition: condition() });
  widen(rows);
  for (const [k, row] of rows.entries()) {
    if (mine !== walks) return;
    code = codes[k];
    draw();
    $("here").replaceChildren(shown(row, "Step " + k + " of the walk"));
    await new Promise(next => setTimeout(next, walkPause));
  }
  if (mine === walks) moved();
}

function shownSample(row, itsCode, number) {
  if (!info.picture) return shown(row);
  const picture = shown(row, "Sample " + number + ": go there");
  picture.className = "";
  const onclick = () => {
    code = itsCode.slice();
    moved();
  };
  return element("button", { onclick }, picture);
}

// Rows below the names of their columns; `lead` makes what stands before the row of that place.
function table(rows, lead) {
  const first = lead ? [element("th")] : [];
  const head = element("tr", {}, ...first, ...cellNames().map(name => element("th", { textContent: name })));
  const cells = row => cellsOf(row).map(cell => element("td", { textContent: cell }));
  const begin = i => (lead ? [element("td", {}, lead(i))] : []);
  const lines = rows.map((row, i) => element("tr", {}, ...begin(i), ...cells(row)));
  return element("div", { className: "scroll" }, element("table", {}, head, ...lines));
}

// Rows as a file: cells separated by commas, texts as lines.
function offerDownload(rows) {
  const quoted = cell => /[",\n]/.test(cell) ? `"${cell.replaceAll("\"", "\"\"")}"` : cell;
  const line = cells => cells.map(cell => quoted(String(cell))).join(",");
  const names = info.columns || namedNumbers() ? cellNames() : undefined;
  const cells = row => (info.columns ? names.map(name => row[name]) : row);
  const lines = rows.map(row => (typeof row === "string" ? row : line(cells(row))));
  const text = (names ? [line(names), ...lines] : lines).join("\n") + "\n";
  $("download").hidden = info.picture;
  $("download").download = names || typeof rows[0] !== "string" ? "samples.csv" : "samples.txt";
  $("download").href = "data:text/plain;charset=utf-8," + encodeURIComponent(text);
}

async function samples() {
  const temperature = Number($("temperature").value);
  const n = info.molecules ? 12 : info.picture ? 32 : 8;
  const answer = await ask("/api/sample", { n, temperature, condition: condition() });
  if (!info.picture) offerDownload(answer.rows);
  widen(answer.rows);
  const listed = info.columns || namedNumbers();
  $("gallery").className = info.molecules ? "molecules" : info.picture ? "" : listed ? "one" : "rows";
  if (listed) return $("gallery").replaceChildren(table(answer.rows));
  $("gallery").replaceChildren(...answer.rows.map((row, i) => shownSample(row, answer.codes[i], i + 1)));
}

// ---- the reader's own row ----

function showOwn(answer, row) {
  widen([answer.data, answer.reconstruction]);
  const nats = element("p");
  if (answer.nats !== undefined) nats.textContent = "−log p(x) ≈ " + answer.nats.toFixed(2) + " nats";
  if (answer.p_value !== undefined) {
    nats.textContent += ", p-value " + answer.p_value.toPrecision(2) + " (share of normal rows that are as unusual)";
  }
  const captioned = (caption, row) =>
    element("figure", {}, element("figcaption", { textContent: caption }), shown(row, caption));
  const tables = info.columns || namedNumbers();
  const pair = element("div", { className: tables ? "pair tables" : "pair" },
    captioned("As the model reads it", answer.data), captioned("As it rebuilds it", answer.reconstruction));
  $("own").replaceChildren(pair, nats);
  code = answer.code.slice();
  moved(row);
}

async function encodePicture(file) {
  if (!file) return;
  const path = "/api/encode?condition=" + encodeURIComponent(condition());
  showOwn(await ask(path, await file.arrayBuffer(), file.type || "image/png"));
}

async function encodeCells() {
  const typed = [...new FormData($("form"))];
  const row = info.columns ? Object.fromEntries(typed.filter(([, text]) => text !== "")) : typed.map(numberOf);
  showOwn(await ask("/api/encode", { row, condition: condition() }));
}

function numberOf([name, text]) {
  if (text.trim() === "" || Number.isNaN(Number(text))) throw new Error(`${name}: expected a number`);
  return Number(text);
}

async function encodeText() {
  const text = $("text").value;
  const row = info.texts ? text : text.split(/[\s,;]+/).filter(Boolean).map(Number);
  if (!info.texts && row.some(Number.isNaN)) throw new Error("expected numbers, separated by commas or spaces");
  showOwn(await ask("/api/encode", { row, condition: condition() }));
}

function addCell(column, i) {
  const head = element("th", { id: "c" + i, textContent: column.name, title: column.name });
  const input = element("input", { type: "text", name: column.name });
  input.setAttribute("aria-labelledby", head.id);
  const cell = element("td", {}, input);
  if (column.classes.length) {
    const options = column.classes.slice(0, 200).map(name => new Option(name));
    cell.append(element("datalist", { id: "l" + i }, ...options));
    input.setAttribute("list", "l" + i);
  }
  $("cells").append(element("tr", {}, head, cell));
}

function watchDrop(area) {
  for (const kind of ["dragover", "dragenter", "dragleave", "drop"]) {
    area.addEventListener(kind, event => {
      if (kind !== "dragleave") event.preventDefault();
      area.classList.toggle("over", kind === "dragover" || kind === "dragenter");
      if (kind === "drop") attempt(() => encodePicture(event.dataTransfer.files[0]));
    });
  }
}

// ---- the page ----

function addSlider(slider) {
  const { dimension, name, mean, deviation, values } = slider;
  const reach = { type: "range", min: -sliderReach, max: sliderReach, step: .05 };
  const range = values ? { ...reach, min: 0, max: values.length - 1, step: 1 } : reach;
  const input = element("input", { id: "d" + dimension, ...range });
  input.oninput = () => {
    code[dimension] = values ? values[Number(input.value)] : mean + Number(input.value) * deviation;
    $("o" + dimension).value = values ? code[dimension] : code[dimension].toFixed(2);
    standing = undefined;
    draw();
    decode(dimension);
  };
  $("sliders").append(element("div", { className: "slider" },
    element("label", { htmlFor: input.id, textContent: name }), input, element("output", { id: "o" + dimension })));
}

// Moves the code from where it is towards a class, and back.
function addAttribute({ name, step }, k) {
  const input = element("input", { id: "a" + k, type: "range", min: -2, max: 2, step: .05, value: 0 });
  let last = 0;
  input.oninput = () => {
    const change = Number(input.value) - last;
    last += change;
    code = code.map((v, i) => v + change * step[i]);
    moved();
  };
  resets.push(() => { input.value = last = 0; });
  $("attributes").append(element("div", { className: "slider attribute" },
    element("label", { htmlFor: input.id, textContent: name, title: name }), input, element("span")));
}
const resets = []; // attribute sliders stand in the middle again

function build() {
  const many = info.columns ?? (namedNumbers() ? info.names : undefined);
  const size = info.texts || info.molecules ? `up to ${info.shape[0]} tokens` : `${info.shape.join("×")} ${info.kind}`;
  const rows = many ? `${many.length} columns` : size;
  $("about").textContent = `${info.model} on ${info.data} · rows of ${rows} · ${info.code_size} numbers per code`;
  code = info.map.mean.slice();
  document.title = $("title").textContent = "elbo: " + (info.run ?? "explorer");
  info.attributes?.forEach(addAttribute);
  info.sliders.forEach(addSlider);
  tint = byLabel();
  points = info.map.points;
  showLegend();
  $("condition-row").hidden = !info.conditional;
  if (info.conditional) $("condition").append(...info.classes.map(name => new Option(name, name)));
  $("own-row").hidden = info.encodes === false;
  $("drop").hidden = !info.picture || info.molecules;
  $("form").hidden = !many;
  const numbers = !info.texts && !many && !info.picture;
  $("text-form").hidden = !info.texts && !numbers;
  const text = info.molecules ? "A molecule as SMILES" : "A text";
  document.querySelector("[for=text]").textContent = numbers ? `The ${info.shape.join("×")} numbers of a row` : text;
  if (namedNumbers()) $("fill").textContent = "Read them";
  // Whole numbers do not lie nearer to a middle or farther from it.
  const warm = [document.querySelector("[for=temperature]"), $("temperature"), $("temperature-shown")];
  for (const part of warm) part.hidden = !info.map.axes.length;
  $("report").hidden = Boolean(window.elboOffline);
  many?.forEach((column, i) => addCell(info.columns ? column : { name: column, classes: [] }, i));
  watch();
  whole();
  moved();
  attempt(samples);
  attempt(learnRows);
}

function watch() {
  watchPointer($("map"));
  watchKeys($("map"));
  watchDrop($("drop"));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  $("set-a").onclick = () => setEnd("A");
  $("set-b").onclick = () => setEnd("B");
  $("play").onclick = () => attempt(play);
  $("whole").onclick = whole;
  $("closer").onclick = () => zoomAt(1 / 1.4, [half(), half()]);
  $("farther").onclick = () => zoomAt(1.4, [half(), half()]);
  $("layout").onchange = event => attempt(() => layOut(event.target.value));
  $("colour").onchange = event => colourBy(event.target.value);
  $("nearest").onclick = () => attempt(nearest);
  $("text-form").onsubmit = event => {
    event.preventDefault();
    attempt(encodeText);
  };
  $("centre").onclick = () => {
    code = info.map.mean.slice();
    resets.forEach(reset => reset());
    moved();
  };
  $("condition").onchange = () => {
    decode();
    attempt(samples);
  };
  $("temperature").oninput = event => {
    $("temperature-shown").value = event.target.value;
  };
  $("temperature").onchange = () => attempt(samples);
  $("again").onclick = () => attempt(samples);
  $("file").onchange = event => attempt(() => encodePicture(event.target.files[0]));
  $("form").onsubmit = event => {
    event.preventDefault();
    attempt(encodeCells);
  };
}

attempt(async () => {
  info = await ask("/api/info");
  build();
});
