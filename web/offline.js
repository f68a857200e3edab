// Answers the explorer's questions in the page itself: the model's graphs, run by ONNX Runtime Web.
"use strict";
window.elboOffline = (() => {
  const unpack = async id => {
    const text = document.getElementById(id).textContent;
    const packed = Uint8Array.from(atob(text), c => c.charCodeAt(0));
    const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
    return new Uint8Array(await new Response(stream).arrayBuffer());
  };
  let kit, ort, decoder, encoder, last = Promise.resolve();
  const ready = (async () => {
    kit = JSON.parse(new TextDecoder().decode(await unpack("kit")));
    const script = URL.createObjectURL(new Blob([await unpack("runtime")], { type: "text/javascript" }));
    ort = await import(script);
    ort.env.wasm.numThreads = 1;
    ort.env.wasm.wasmBinary = (await unpack("machine")).buffer;
    decoder = await ort.InferenceSession.create(await unpack("decoder"));
    if (kit.encoder) encoder = await ort.InferenceSession.create(await unpack("encoder"));
  })();

  const size = shape => shape.reduce((a, b) => a * b, 1);
  const tensor = (values, n, shape) => new ort.Tensor("float32", Float32Array.from(values), [n, ...shape]);
  // A session runs one question at a time.
  const run = (session, feeds) => last = last.catch(() => {}).then(() => session.run(feeds));
  function conditions(feeds, n, name) {
    if (!kit.conditions) return;
    const c = kit.conditions[name] ?? Object.values(kit.conditions)[0];
    feeds.c = tensor(Array.from({ length: n }, () => c.values).flat(), n, c.shape);
  }

  /* [n][…] numbers of x, one flat list a row. */
  async function means(codes, condition) {
    const n = codes.length, feeds = {};
    for (const s of kit.sites) {
      const values = codes.flatMap(code => code.slice(s.offset, s.offset + s.size));
      feeds[s.name] = s.whole
        ? new ort.Tensor("int64", BigInt64Array.from(values, v => BigInt(Math.round(v))), [n, ...s.shape])
        : tensor(values, n, s.shape);
    }
    conditions(feeds, n, condition);
    const { mean } = await run(decoder, feeds), width = size(kit.x.shape);
    return Array.from({ length: n }, (_, i) => Array.from(mean.data.slice(i * width, (i + 1) * width), Number));
  }

  function picture(x) {
    const [channels, height, width] = kit.x.shape, area = height * width;
    let low = 0, high = 1;
    if (kit.x.kind === "real" || kit.x.kind === "count") { low = Math.min(...x); high = Math.max(...x); }
    const canvas = document.createElement("canvas");
    canvas.width = width; canvas.height = height;
    const pen = canvas.getContext("2d"), image = pen.createImageData(width, height);
    for (let i = 0; i < area; ++i) {
      for (let k = 0; k < 3; ++k) {
        const v = x[(channels === 3 ? k * area : 0) + i];
        image.data[4 * i + k] = 255 * (v - low) / Math.max(high - low, 1e-12);
      }
      image.data[4 * i + 3] = 255;
    }
    pen.putImageData(image, 0, 0);
    return canvas.toDataURL();
  }
  function cell(column, value) {
    if (isNaN(value)) return "";
    if (column.classes && column.classes.length) {
      return column.classes[Math.max(0, Math.min(column.classes.length - 1, Math.round(value)))];
    }
    const number = Math.max(column.low, Math.min(column.high, value + (column.origin ?? 0)));
    if (column.type === "date") return new Date(1000 * number).toISOString().replace("T", " ").slice(0, 19);
    return number.toFixed(column.decimals ?? 0);
  }
  const columns = () => kit.x.detail.columns;
  function shown(x) {
    if (kit.info.picture) return picture(x);
    if (kit.info.columns) return Object.fromEntries(columns().map((c, i) => [c.name, cell(c, x[i])]));
    return x.map(v => +v.toPrecision(5));
  }
  const rows = async (codes, condition) => (await means(codes, condition)).map(shown);

  /* A row of the reader's own as the model reads it; a cell that is not told is missing. */
  function told(row) {
    return columns().map(column => {
      if (!(column.name in row)) return NaN;
      const text = row[column.name].trim();
      if (column.classes && column.classes.length) {
        const k = column.classes.indexOf(text);
        if (k < 0) throw new Error(column.name + ": unknown \"" + text + "\"");
        return k;
      }
      const number = column.type === "date" ? Date.parse(text) / 1000 : Number(text);
      if (!isFinite(number)) throw new Error(column.name + ": \"" + text + "\" is not a " + (column.type === "date" ? "date" : "number"));
      return number - (column.origin ?? 0);
    });
  }
  async function pixels(bytes) {
    const [channels, height, width] = kit.x.shape;
    const image = await createImageBitmap(new Blob([bytes]), { resizeWidth: width, resizeHeight: height, resizeQuality: "high" });
    const canvas = document.createElement("canvas");
    canvas.width = width; canvas.height = height;
    const pen = canvas.getContext("2d");
    pen.drawImage(image, 0, 0);
    const seen = pen.getImageData(0, 0, width, height).data, area = height * width;
    const x = new Array(channels * area);
    for (let i = 0; i < area; ++i) {
      const rgb = [0, 1, 2].map(k => seen[4 * i + k] / 255);
      for (let k = 0; k < channels; ++k) {
        const v = channels === 3 ? rgb[k] : (rgb[0] + rgb[1] + rgb[2]) / 3;
        x[k * area + i] = kit.x.kind === "binary" ? +(v >= 0.5) : v;
      }
    }
    return x;
  }
  async function encode(body, condition) {
    const x = body instanceof ArrayBuffer ? await pixels(body) : told(body.row), feeds = { x: tensor(x, 1, kit.x.shape) };
    conditions(feeds, 1, condition);
    const found = await run(encoder, feeds);
    const code = kit.sites.flatMap(s => Array.from((found[s.name + "_mean"] ?? found[s.name]).data, Number));
    return { code, data: shown(x), reconstruction: (await rows([code], condition))[0] };
  }

  function sample({ n, temperature, condition }) {
    const draws = kit.draws[condition] ?? Object.values(kit.draws)[0];
    const centre = draws[0].map((_, d) => draws.reduce((sum, code) => sum + code[d] / draws.length, 0));
    const order = draws.map(code => [Math.random(), code]).sort((a, b) => a[0] - b[0]).slice(0, n);
    return order.map(([, code]) => code.map((v, d) => centre[d] + temperature * (v - centre[d])));
  }

  return async (path, body) => {
    await ready;
    if (path === "/api/info") return { ...kit.info, encodes: kit.encoder };
    if (path === "/api/decode") return { rows: await rows(body.codes, body.condition) };
    const [task, question] = path.split("?");
    if (task === "/api/encode") return encode(body, body.condition ?? new URLSearchParams(question).get("condition"));
    const codes = sample(body);
    return { codes, rows: await rows(codes, body.condition) };
  };
})();
