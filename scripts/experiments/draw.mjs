// Draws pictures of a run of prompts: node draw.mjs '{"model": …, "lora": …, "prompts": …, "from": 0, "to": 250, …}'.
// What is there already is kept.
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { generate } from "../../packages/stillframe/dist/index.js";

/** So many are drawn and lost together when the work is stopped. */
const CHUNK = 25;

const { model, lora, scale, prompts, words, from, to, seed, folder, options } = JSON.parse(process.argv[2]);
const texts = readFileSync(prompts, "utf8")
  .trim()
  .split("\n")
  .map((line) => JSON.parse(line)[words]);
const place = (i) => join(folder, `${String(i).padStart(5, "0")}.png`);
mkdirSync(folder, { recursive: true });

for (let start = from; start < to; start += CHUNK) {
  const indices = Array.from({ length: Math.min(CHUNK, to - start) }, (_, i) => start + i);
  if (indices.every((i) => existsSync(place(i)))) continue;
  const drawn = `${folder}-drawing-${start}`;
  rmSync(drawn, { recursive: true, force: true });
  const run = generate({
    ...options,
    pretrained_model_name_or_path: model,
    ...(lora === null ? {} : { lora, lora_scale: scale }),
    prompt: indices.map((i) => texts[i]),
    seed: seed + start,
    output_dir: drawn,
  });
  const paths = [];
  for await (const event of run) if (event.type === "picture") paths.push(event.path);
  for (const [i, path] of paths.entries()) renameSync(join(drawn, path), place(start + i));
  rmSync(drawn, { recursive: true });
  console.log(`${start + indices.length}/${to}`);
}
