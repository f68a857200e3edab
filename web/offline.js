// Answers the explorer's questions in the page itself: the model's graphs, run by ONNX Runtime Web.
// What the page carries, its kit, is made by serve/offline.cpp; pictures go through the graphs as
// the pixels of a canvas, cells follow the rules that the kit has for each column.
"use strict";
window.elboOffline = (() => {
  let kit, ort, decoder, encoder;

  async function unpack(id) {
    const text = document.getElementById(id).textContent;
    const packed = Uint8Array.from(atob(text), c => c.charCodeAt(0));
    const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
    return new Uint8Array(await new Response(stream).arrayBuffer());
  }
  const ready = (async () => {
    kit = JSON.parse(new TextDecoder().decode(await unpack("kit")));
    const script = URL.createObjectURL(new Blob([await unpack("runtime")], { type: "text/javascript" }));
    ort = await import(script);
    ort.env.wasm.numThreads = 1;
    ort.env.wasm.wasmBinary = (await unpack("machine")).buffer;
    decoder = await ort.InferenceSession.create(await unpack("decoder"));
    if (kit.encoder) encoder = await ort.InferenceSession.create(await unpack("encoder"));
  })();

  // ---- graphs ----

  let last = Promise.resolve();
  // A session runs one question at a time.
  const run = (session, feeds) => last = last.catch(() => {}).then(() => session.run(feeds));
  const tensor = (values, n, shape) => new ort.Tensor("float32", Float32Array.from(values), [n, ...shape]);
  const whole = (values, n, shape) =>
    new ort.Tensor("int64", BigInt64Array.from(values, v => BigInt(Math.round(v))), [n, ...shape]);

  // What a graph reads beside its own input, where the model has a condition.
  function conditions(n, name) {
    if (!kit.conditions) return {};
    const { values, shape } = kit.conditions[name] ?? Object.values(kit.conditions)[0];
    return { c: tensor(Array(n).fill(values).flat(), n, shape) };
  }

  // One flat list for each of n rows.
  function split({ data }, n) {
    const size = data.length / n;
    return Array.from({ length: n }, (_, i) => data.slice(i * size, (i + 1) * size));
  }

  // What codes look like. Where a number of theirs was moved, levels below it follow; the codes are
  // then those that were decoded.
  async function decode(codes, condition, moved) {
    const n = codes.length, feeds = conditions(n, condition);
    const at = kit.sites.find(({ offset, size }) => moved >= offset && moved < offset + size);
    const keep = kit.sites.map((_, i) => (at?.below.includes(i) ? 0 : 1));
    if (kit.levels) feeds.keep = tensor(Array(n).fill(keep).flat(), n, [keep.length]);
    for (const site of kit.sites) {
      const values = codes.flatMap(code => code.slice(site.offset, site.offset + site.size));
      feeds[site.name] = (site.whole ? whole : tensor)(values, n, site.shape);
    }
    const found = await run(decoder, feeds);
    const rows = split(found.shown, n).map(shown);
    if (!at?.below.length) return { codes, rows };
    const parts = kit.sites.map(({ name }) => split(found[name + "_here"], n));
    return { codes: codes.map((_, i) => parts.flatMap(part => Array.from(part[i], Number))), rows };
  }

  // ---- rows ----

  function canvas([height, width]) {
    const made = Object.assign(document.createElement("canvas"), { width, height });
    return [made, made.getContext("2d")];
  }
  function picture(pixels) {
    const [height, width] = kit.picture, [made, pen] = canvas(kit.picture);
    pen.putImageData(new ImageData(Uint8ClampedArray.from(pixels), width, height), 0, 0);
    return made.toDataURL();
  }
  async function pixels(bytes) {
    const [height, width] = kit.picture, [, pen] = canvas(kit.picture);
    const size = { resizeWidth: width, resizeHeight: height, resizeQuality: "high" };
    pen.drawImage(await createImageBitmap(new Blob([bytes]), size), 0, 0);
    return pen.getImageData(0, 0, width, height).data;
  }
  const rounded = value => Number(value.toFixed(kit.decimals));
  function shown(row) {
    if (kit.picture) return picture(row);
    if (kit.columns) return Object.fromEntries(kit.columns.map((column, i) => [column.name, cellText(column, row[i])]));
    return Array.from(row, rounded);
  }

  // ---- cells of tables ----

  const clamp = (value, low, high) => Math.max(low, Math.min(high, value));

  function dateText(format, seconds) {
    const parts = new Date(1000 * Math.round(seconds)).toISOString().split(/\D/);
    return format.replace(/%([YmdHMS])/g, (_, name) => parts["YmdHMS".indexOf(name)]);
  }
  function cellText(column, value) {
    if (Number.isNaN(value)) return "";
    if (column.texts) return column.texts[clamp(Math.round(value), 0, column.texts.length - 1)];
    const number = clamp(value + column.origin, column.low, column.high);
    if (column.date) return dateText(column.date, number);
    return new Intl.NumberFormat("en", column.number).format(number).replace(".", column.point);
  }

  // Seconds since 1970, or nothing where the calendar has no such day.
  function seconds(found) {
    const [year, month, day, hour, minute, second] = [1, 3, 4, 5, 6, 7].map(group => Number(found[group] ?? 0));
    const date = new Date(0);
    date.setUTCFullYear(year, month - 1, day);
    if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return undefined;
    return date.getTime() / 1000 + 3600 * hour + 60 * minute + second;
  }
  function numberOf(column, text) {
    const found = RegExp(column.pattern).exec(text);
    const number = found && (column.date ? seconds(found) : Number(text.replace(",", ".")));
    if (!Number.isFinite(number)) throw new Error(`"${text}" is not a ${column.date ? "date" : "number"}`);
    if (number < column.least) throw new Error(`"${text}" is negative`);
    if (column.whole && number % 1 !== 0) throw new Error(`"${text}" is not a whole number`);
    return number - column.origin;
  }
  function classOf(column, text) {
    const index = column.texts.indexOf(text);
    if (index < 0 && column.other < 0) throw new Error(`"${text}" is not one of its values`);
    return index < 0 ? column.other : index;
  }
  // The values of a row; NaN where a cell is missing.
  function valuesOf(row) {
    return kit.columns.map(column => {
      const text = row[column.name] ?? "";
      if (text === "") return NaN;
      try {
        return Math.fround(column.texts ? classOf(column, text) : numberOf(column, text));
      } catch (error) {
        throw new Error(`${column.name}: ${error.message}`);
      }
    });
  }

  // ---- answers ----

  async function encode(body, condition) {
    const feeds = conditions(1, condition);
    const row = kit.picture ? await pixels(body) : kit.columns ? valuesOf(body.row) : body.row;
    feeds[kit.input.name] = tensor(row, 1, kit.input.shape);
    const found = await run(encoder, feeds);
    const code = kit.sites.flatMap(site => Array.from((found[site.name + "_mean"] ?? found[site.name]).data, Number));
    return { code, data: shown(found.data?.data ?? row), reconstruction: (await decode([code], condition)).rows[0] };
  }

  // Draws that the page carries, in random order, nearer to their centre where the temperature is below 1.
  async function sample({ n, temperature, condition }) {
    const draws = kit.draws[condition] ?? Object.values(kit.draws)[0];
    const order = draws.map(code => [Math.random(), code]).sort(([a], [b]) => a - b).slice(0, n);
    const whole = new Set(kit.info.map.whole);
    const codes = order.map(([, code]) =>
      code.map((v, d) => (whole.has(d) ? v : kit.centre[d] + temperature * (v - kit.centre[d]))));
    return decode(codes, condition);
  }

  return async (path, body) => {
    await ready;
    const [question, options] = path.split("?");
    if (question === "/api/info") return { ...kit.info, encodes: kit.encoder };
    if (question === "/api/sample") return sample(body);
    if (question === "/api/decode") return decode(body.codes, body.condition, body.moved);
    return encode(body, body.condition ?? new URLSearchParams(options).get("condition"));
  };
})();
