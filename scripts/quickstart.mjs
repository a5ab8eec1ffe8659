// The main job, from nothing: draw a style, train a LoRA on it, make pictures with and without it.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const { values } = parseArgs({
  options: {
    base: { type: "string" },
    output_dir: { type: "string", default: "runs/quickstart" },
    seed: { type: "string", default: "7" },
  },
});
const out = values.output_dir;
const seed = values.seed;
const started = Date.now();

const heading = (text) => console.log(`\n── ${text}`);
function step(title, script, args) {
  heading(title);
  const result = spawnSync(process.execPath, [join(ROOT, script), ...args], { stdio: "inherit", cwd: ROOT });
  if (result.status !== 0) process.exit(result.status ?? 1);
}
const stillframe = (title, ...args) => step(title, "packages/stillframe/bin/stillframe.mjs", args);

// made anew each time, but never in the place of something else
const folder = resolve(ROOT, out);
const mark = join(folder, ".stillframe-quickstart");
if (existsSync(folder) && readdirSync(folder).length > 0 && !existsSync(mark)) {
  console.error(`${folder} holds something that quickstart did not make: choose another --output_dir`);
  process.exit(2);
}
rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });
writeFileSync(mark, "made by ./quickstart\n");
// the bundled model is still being trained: `--base=models/pocket/model` tries it as it is
const trained = values.base !== undefined;
const base = values.base ?? `${out}/base`;
const settings = trained
  ? { stills: 240, resolution: 128, rank: 16, steps: 300, batch: 8, lr: "1e-3", denoising: 25, images: 2 }
  : { stills: 48, resolution: 64, rank: 4, steps: 40, batch: 4, lr: "1e-3", denoising: 12, images: 2 };

step(`Drawing ${settings.stills} stills of a style that the base model has never seen`, "models/pocket/dist/cli.js", [
  "draw",
  "--set=style",
  `--count=${settings.stills}`,
  `--seed=${seed}`,
  `--output_dir=${out}/stills`,
]);
if (!trained)
  stillframe("Making a small SDXL with random weights", "make-model", `--output_dir=${base}`, `--seed=${seed}`);
stillframe(
  "Training a LoRA on them",
  "train",
  `--pretrained_model_name_or_path=${base}`,
  `--train_data_dir=${out}/stills`,
  `--output_dir=${out}/lora`,
  `--resolution=${settings.resolution}`,
  `--rank=${settings.rank}`,
  `--train_batch_size=${settings.batch}`,
  `--max_train_steps=${settings.steps}`,
  `--learning_rate=${settings.lr}`,
  `--seed=${seed}`,
  "--center_crop",
  ...(trained ? ["--train_text_encoder", "--lr_scheduler=cosine", "--lr_warmup_steps=20"] : []),
);
const prompts = [
  "Still from the Anime, Mara at the beach, smiling",
  "Mara at the beach, smiling",
  "Still from the Anime, a boy with blue spiky hair in the snow",
];
stillframe(
  "Making pictures without it and with it, from the same noise",
  "generate",
  `--pretrained_model_name_or_path=${base}`,
  `--lora=${out}/lora`,
  "--compare",
  ...prompts.map((p) => `--prompt=${p}`),
  `--num_images=${settings.images}`,
  `--steps=${settings.denoising}`,
  `--seed=${seed}`,
  `--output_dir=${out}/pictures`,
);
heading(`Done in ${Math.round((Date.now() - started) / 1000)} seconds`);
console.log(`  the style          ${out}/stills
  the adapter        ${out}/lora/pytorch_lora_weights.safetensors
  what was used      ${out}/lora/manifest.json
  the pictures       ${out}/pictures/contact-sheet.png`);
if (!trained)
  console.log(
    "  The base model has random weights, so the pictures are noise: this shows that everything works, not what it can do.",
  );
