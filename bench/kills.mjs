// Kills a run at fifty random moments and goes on each time: weights and losses must be those of a run never killed.
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { flagsOf, openWorkshop, runCli } from "../packages/stillframe/dist/testing/workshop.js";

const ADAPTER = "pytorch_lora_weights.safetensors";
const hash = (path) => createHash("sha256").update(readFileSync(path)).digest("hex");
const losses = (folder) =>
  readFileSync(`${folder}/events.jsonl`, "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line))
    .filter((e) => e.type === "step")
    .map((e) => `${e.step} ${e.loss} ${e.lr} ${e.grad_norm}`);

const OPTIONS = {
  checkpointing_steps: 2,
  checkpoints_total_limit: 2,
  train_text_encoder: true,
  gradient_accumulation_steps: 2,
  lora_dropout: 0.1,
  random_flip: true,
  use_ema: true,
  lr_scheduler: "cosine",
  lr_warmup_steps: 5,
};

/** One killed process; what it was doing when it was killed. */
async function killed(flags, folder, { most }) {
  const resume = existsSync(`${folder}/run.yaml`) ? ["--resume_from_checkpoint=latest"] : [];
  const result = await runCli(["train", ...flags, ...resume], { killAfterMs: 300 + Math.random() * most });
  if (result.code !== null && result.code !== 0)
    throw new Error(`it ended by itself with ${result.code}: ${result.err}`);
  return {
    finished: result.code === 0,
    half: existsSync(folder) && readdirSync(folder, { recursive: true }).some((f) => String(f).includes("partial")),
  };
}

export async function run(argv) {
  const { values } = parseArgs({
    args: argv,
    options: { kills: { type: "string", default: "50" }, steps: { type: "string", default: "120" } },
  });
  const [kills, max_train_steps] = [Number(values.kills), Number(values.steps)];
  const shop = await openWorkshop();
  try {
    const started = performance.now();
    const whole = await runCli(["train", ...flagsOf(shop.run("whole", { ...OPTIONS, max_train_steps }))]);
    if (whole.code !== 0) throw new Error(whole.err);
    const most = (performance.now() - started) / 3;
    const counts = { kills: 0, half: 0, restarts: 0 };
    const flags = (name) =>
      flagsOf(shop.run(name, { ...OPTIONS, max_train_steps, cache_dir: shop.at(`cache-${name}`) }));
    let name = "killed-0";
    const check = () => {
      if (hash(shop.at(name, ADAPTER)) !== hash(shop.at("whole", ADAPTER)))
        throw new Error(`the weights of ${name} differ`);
      if (losses(shop.at(name)).join() !== losses(shop.at("whole")).join())
        throw new Error(`the losses of ${name} differ`);
    };
    while (counts.kills < kills) {
      const { finished, half } = await killed(flags(name), shop.at(name), { most });
      if (finished) {
        check();
        counts.restarts += 1;
        name = `killed-${counts.restarts}`;
      } else {
        counts.kills += 1;
        if (half) counts.half += 1;
      }
    }
    const last = await runCli([
      "train",
      ...flags(name),
      ...(existsSync(shop.at(name, "run.yaml")) ? ["--resume_from_checkpoint=latest"] : []),
    ]);
    if (last.code !== 0) throw new Error(last.err);
    check();
    console.log(
      `${counts.kills} kills in ${counts.restarts + 1} runs of ${max_train_steps} steps (${counts.half} while a file was being written): all weights and losses are equal`,
    );
  } finally {
    shop.close();
  }
}
