// Runs every exported graph under a folder in ONNX Runtime and compares what comes out with what the
// library computed: check_onnx.mjs FOLDER [MODULES]. Prints a table; status 1 where one is too far.
import fs from "node:fs";
import path from "node:path";
import { createRequire } from "node:module";

const [folder, modules] = process.argv.slice(2);
const require = createRequire(path.join(path.resolve(modules ?? "."), "x.js"));
const ort = require("onnxruntime-node");

const kLimit = 1e-5;

function readTensors(file) {
  const bytes = fs.readFileSync(file);
  const size = Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.subarray(8, 8 + size).toString());
  const tensors = {};
  for (const [name, { dtype, shape, data_offsets: [from, to] }] of Object.entries(header)) {
    if (name === "__metadata__") continue;
    const raw = new Uint8Array(bytes.subarray(8 + size + from, 8 + size + to)).buffer;
    const kinds = { F32: ["float32", Float32Array], I64: ["int64", BigInt64Array] };
    tensors[name] = { type: kinds[dtype][0], data: new kinds[dtype][1](raw), shape };
  }
  return tensors;
}

// Of numbers above 1, in parts of them.
function worst(found, expected) {
  if (found.length !== expected.length) return Infinity;
  let most = 0;
  for (let i = 0; i < found.length; ++i) {
    const a = Number(found[i]), b = Number(expected[i]);
    if (a === b || (Number.isNaN(a) && Number.isNaN(b))) continue;
    const error = Math.abs(a - b) / Math.max(1, Math.abs(b));
    most = Math.max(most, Number.isNaN(error) ? Infinity : error);
  }
  return most;
}

async function check(file) {
  const stem = file.replace(/\.onnx$/, "");
  const session = await ort.InferenceSession.create(file, { logSeverityLevel: 3, intraOpNumThreads: 1 });
  let most = 0, where = "";
  for (const rows of [1, 3, 64]) {
    const tensors = readTensors(`${stem}_${rows}.safetensors`);
    const feeds = {};
    for (const name of session.inputNames) {
      const { type, data, shape } = tensors["in." + name];
      feeds[name] = new ort.Tensor(type, data, shape);
    }
    const results = await session.run(feeds);
    for (const name of session.outputNames) {
      const expected = tensors["out." + name];
      const same = expected.shape.join() === results[name].dims.join();
      const error = same ? worst(results[name].data, expected.data) : Infinity;
      if (error > most) [most, where] = [error, `${name}, ${rows} rows` + (same ? "" : `: shape ${results[name].dims} for ${expected.shape}`)];
    }
  }
  const instead = session.outputNames.filter((name) => ["mean", "features"].includes(name));
  const less = /sampler.onnx$/.test(file) && instead.length ? " (mean)" : "";
  return { most, where, less };
}

let bad = 0, count = 0;
const walk = (at) => fs.statSync(at).isDirectory()
  ? fs.readdirSync(at).sort().flatMap((name) => walk(path.join(at, name))) : [at];
console.log("| model, data | part | largest difference |\n| --- | --- | --- |");
for (const file of walk(folder)) {
  const [model, part] = [path.relative(folder, path.dirname(file)), path.basename(file)];
  if (part.endsWith(".left_out")) console.log(`| ${model} | ${part.split(".")[0]} | left out: ${fs.readFileSync(file)} |`);
  if (!part.endsWith(".onnx")) continue;
  ++count;
  try {
    const { most, where, less } = await check(file);
    const verdict = most <= kLimit ? "" : `  **TOO FAR** (${where})`;
    bad += most <= kLimit ? 0 : 1;
    console.log(`| ${model} | ${part.split(".")[0]}${less} | ${most.toExponential(1)}${verdict} |`);
  } catch (error) {
    ++bad;
    console.log(`| ${model} | ${part.split(".")[0]} | **FAILED** ${String(error.message).slice(0, 300)} |`);
  }
}
console.error(`${count} graphs, ${bad} wrong`);
process.exit(bad > 0 || count === 0 ? 1 : 0);
