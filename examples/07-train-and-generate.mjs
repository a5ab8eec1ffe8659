// The main job as a library: a small model, four drawn pictures, a LoRA, and a picture with it.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { generate, makeRandomModel, train } from "stillframe";

const folder = mkdtempSync(join(tmpdir(), "stillframe-"));
const base = join(folder, "base");
const stills = join(folder, "stills");
await makeRandomModel(base, { seed: 1, size: "tiny" });

mkdirSync(stills);
const lines = [];
for (const [i, colour] of ["red", "green", "blue", "gold"].entries()) {
  const circle = `<svg width="64" height="64"><rect width="64" height="64" fill="white"/><circle cx="32" cy="32" r="24" fill="${colour}"/></svg>`;
  await sharp(Buffer.from(circle))
    .png()
    .toFile(join(stills, `${i}.png`));
  lines.push(JSON.stringify({ file_name: `${i}.png`, text: `a ${colour} circle` }));
}
writeFileSync(join(stills, "metadata.jsonl"), `${lines.join("\n")}\n`);

for await (const event of train({
  pretrained_model_name_or_path: base,
  train_data_dir: stills,
  output_dir: join(folder, "run"),
  cache_dir: join(folder, "cache"),
  resolution: 32,
  train_batch_size: 2,
  max_train_steps: 4,
  learning_rate: 1e-3,
  seed: 7,
}))
  if (event.type === "step") console.log(event.step, event.loss.toFixed(3));

for await (const event of generate({
  pretrained_model_name_or_path: base,
  lora: join(folder, "run"),
  prompt: ["a red circle"],
  steps: 4,
  seed: 1,
  width: 32,
  height: 32,
  output_dir: join(folder, "pictures"),
}))
  if (event.type === "picture") console.log(event.path);
rmSync(folder, { recursive: true });
