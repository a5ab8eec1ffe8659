// A thousand training steps of a tiny UNet's LoRA: the number of tensors and the resident memory must stay flat.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { diffusionLoss, injectLora, UNET_TARGETS, Unet, unetConfig } from "@stillframe/diffusion";
import {
  AdamW,
  backward,
  clipGradNorm,
  engineInfo,
  Generator,
  liveTensors,
  ones,
  randint,
  randn,
  scope,
} from "@stillframe/torch";
import { median, table } from "./measure/rounds.mjs";

const CONFIG = fileURLToPath(new URL("reference/tiny-unet.json", import.meta.url));
/** The first steps fill caches and the heap of the allocator. */
const SETTLED = 0.2;
/** Resident memory of an allocator is never constant to the byte. */
const ALLOWED_MB = 16;

function makeStep() {
  const config = unetConfig(JSON.parse(readFileSync(CONFIG, "utf8")), CONFIG);
  const generator = new Generator(1);
  const unet = new Unet(config).initialize(generator);
  injectLora(unet, { targets: UNET_TARGETS, rank: 4, generator });
  const parameters = [...unet.weights()].filter((w) => /lora_[ab]$/.test(w.key)).map((w) => w.tensor.requiresGrad_());
  const optimizer = new AdamW(parameters, { lr: 1e-4 });
  const pooled = config.additionInputDim - 6 * config.additionTimeEmbedDim;
  return () =>
    scope(() => {
      const target = randn([1, config.inChannels, 16, 16], { generator });
      const prediction = unet.forward(target, randint([1], { high: 1000, generator }), {
        promptEmbeds: randn([1, 77, config.crossAttentionDim], { generator }),
        textEmbeds: randn([1, pooled], { generator }),
        timeIds: ones([1, 6]),
      });
      const loss = diffusionLoss(prediction, target);
      backward(loss);
      clipGradNorm(parameters, 1);
      optimizer.step();
      optimizer.zeroGrad();
      return loss.item();
    });
}

export async function run(args) {
  const { values } = parseArgs({ args, options: { steps: { type: "string", default: "1000" } } });
  const steps = Number(values.steps);
  const every = Math.max(1, Math.floor(steps / 20));
  const step = makeStep();
  const points = [];
  console.log(`libtorch ${engineInfo().libtorch}, ${engineInfo().threads} threads, ${steps} steps`);
  const rows = [["step", "live tensors", "resident MB", "JavaScript heap MB"]];
  for (let i = 1; i <= steps; i++) {
    step();
    if (i !== 1 && i % every !== 0) continue;
    const { rss, heapUsed } = process.memoryUsage();
    points.push({ step: i, tensors: liveTensors(), mb: rss / 2 ** 20 });
    rows.push([String(i), String(liveTensors()), (rss / 2 ** 20).toFixed(1), (heapUsed / 2 ** 20).toFixed(1)]);
  }
  console.log(table(rows));

  const settled = points.filter((p) => p.step > steps * SETTLED);
  const half = settled.length >> 1;
  const growth = median(settled.slice(half).map((p) => p.mb)) - median(settled.slice(0, half).map((p) => p.mb));
  const tensors = new Set(points.map((p) => p.tensors));
  console.log(
    `\nlive tensors: ${tensors.size === 1 ? "the same at every step" : `changed: ${[...tensors].join(", ")}`}`,
  );
  console.log(
    `resident memory: ${growth >= 0 ? "+" : ""}${growth.toFixed(1)} MB from the first to the second half of the settled steps`,
  );
  if (tensors.size > 1 || growth > ALLOWED_MB) throw new Error("memory is not flat");
}
