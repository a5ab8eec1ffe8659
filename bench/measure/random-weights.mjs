// Random weights of a network in a file, one tensor in memory at a time: full-size SDXL is 10 GB.
import { closeSync, existsSync, mkdirSync, openSync, renameSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { empty, Generator, ones, scope, zeros } from "@stillframe/torch";

const CHUNK = 1 << 28;

/** Norms as they begin, biases zero, and all else uniform in ±1/√(inputs), in numbers that half precision has, as SDXL's. */
function drawn({ key, tensor }, generator) {
  const { shape } = tensor;
  if (shape.length === 1) return /norm\w*\.weight$/.test(key) ? ones(shape) : zeros(shape);
  const inputs = shape.slice(1).reduce((a, b) => a * b, 1);
  return empty(shape)
    .uniform_(-1, 1, { generator })
    .mul_(1 / Math.sqrt(inputs))
    .to("float16")
    .to("float32");
}

/** Writes float32 weights for `module` to a safetensors file, unless there is one. */
export function ensureRandomWeights(module, file) {
  if (existsSync(file)) return;
  mkdirSync(dirname(file), { recursive: true });
  const weights = [...module.weights()];
  const header = {};
  let at = 0;
  for (const { key, tensor } of weights) {
    const end = at + tensor.numel * 4;
    header[key] = { dtype: "F32", shape: tensor.shape, data_offsets: [at, end] };
    at = end;
  }
  const text = Buffer.from(JSON.stringify(header));
  const padded = Buffer.concat([text, Buffer.alloc((8 - (text.length % 8)) % 8, " ")]);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(padded.length));
  const fd = openSync(`${file}.part`, "w");
  for (const bytes of [length, padded]) writeSync(fd, bytes);
  const generator = new Generator(1);
  for (const weight of weights)
    scope(() => {
      const numbers = drawn(weight, generator).data();
      const bytes = Buffer.from(numbers.buffer, numbers.byteOffset, numbers.byteLength);
      for (let i = 0; i < bytes.length; ) i += writeSync(fd, bytes, i, Math.min(bytes.length - i, CHUNK));
    });
  closeSync(fd);
  renameSync(`${file}.part`, file);
}
