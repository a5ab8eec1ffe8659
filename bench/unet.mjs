// One forward and backward pass of an SDXL UNet beside the same network in plain PyTorch, after checking that they agree.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { Unet, unetConfig } from "@stillframe/diffusion";
import {
  backward,
  engineInfo,
  Generator,
  noGrad,
  randn,
  readSafetensors,
  scope,
  setThreads,
  tensor,
  writeSafetensors,
} from "@stillframe/torch";
import { ReferencePython } from "./measure/reference-python.mjs";
import { inTurns, secondsOf, sides, table } from "./measure/rounds.mjs";

const OPTIONS = {
  /** config.json of a `unet` folder */
  config: { type: "string", default: fileURLToPath(new URL("reference/tiny-unet.json", import.meta.url)) },
  /** side of the latents; a picture is eight times as large */
  size: { type: "string", default: "32" },
  batch: { type: "string", default: "2" },
  rounds: { type: "string", default: "11" },
  /** on both sides; one compares the engines, more also how OpenMP shares the machine */
  threads: { type: "string", default: "1" },
};

/** What a training step feeds the network, drawn with a seed. */
function makeInputs(config, { batch, size }) {
  const generator = new Generator(2);
  const pooled = config.additionInputDim - 6 * config.additionTimeEmbedDim;
  const side = size * 8;
  return {
    x: randn([batch, config.inChannels, size, size], { generator }),
    timesteps: tensor(
      Array.from({ length: batch }, (_, i) => 999 - 400 * i),
      { dtype: "int64" },
    ),
    prompt_embeds: randn([batch, 77, config.crossAttentionDim], { generator }),
    text_embeds: randn([batch, pooled], { generator }),
    time_ids: tensor(Array.from({ length: batch }, () => [side, side, 0, 0, side, side])),
  };
}

function forward(unet, inputs) {
  const conditions = { promptEmbeds: inputs.prompt_embeds, textEmbeds: inputs.text_embeds, timeIds: inputs.time_ids };
  return unet.forward(inputs.x, inputs.timesteps, conditions);
}
function step(unet, parameters, inputs) {
  for (const p of parameters) p.grad = null;
  const output = forward(unet, inputs);
  backward(output.square().mean());
  return output;
}

/** Largest difference to the reference's output and gradients, each relative to its tensor's largest value. */
function differences(unet, inputs, file) {
  return scope(() => {
    const output = step(unet, unet.trainable(), inputs);
    const ours = new Map([["output", output], ...[...unet.weights()].map((w) => [w.key, w.tensor.grad])]);
    const { tensors } = readSafetensors(file);
    if (tensors.size !== ours.size)
      throw new Error(`expected ${ours.size} tensors but the reference has ${tensors.size}`);
    const relative = (key, theirs) =>
      ours.get(key).sub(theirs).abs().amax().item() / Math.max(theirs.abs().amax().item(), 1e-8);
    const found = { output: 0, gradients: 0 };
    for (const [key, theirs] of tensors) {
      if (!ours.has(key)) throw new Error(`the reference has ${key}, which this network lacks`);
      const kind = key === "output" ? "output" : "gradients";
      found[kind] = Math.max(found[kind], relative(key, theirs));
    }
    return found;
  });
}

/** Beyond rounding: then a ratio of times would compare different things. */
const LIMIT = 1e-3;

export async function run(args) {
  const { values } = parseArgs({ args, options: OPTIONS });
  const [size, batch, rounds, threads] = ["size", "batch", "rounds", "threads"].map((k) => Number(values[k]));
  setThreads(threads);
  const config = unetConfig(JSON.parse(readFileSync(values.config, "utf8")), values.config);
  const unet = new Unet(config).initialize(new Generator(1)).requiresGrad_(true);
  const inputs = makeInputs(config, { batch, size });
  const python = await ReferencePython.start("unet.py", { threads });
  const folder = mkdtempSync(join(tmpdir(), "stillframe-bench-"));
  try {
    const at = (name) => join(folder, `${name}.safetensors`);
    writeSafetensors(at("weights"), unet.stateDict());
    writeSafetensors(at("inputs"), Object.entries(inputs));
    const { parameters } = await python.ask({
      command: "load",
      config: values.config,
      weights: at("weights"),
      inputs: at("inputs"),
    });
    console.log(sides(engineInfo(), python.about));
    console.log(
      `${parameters.toLocaleString("en")} parameters, latents [${inputs.x.shape.join(", ")}], all parameters trained`,
    );

    await python.ask({ command: "results", file: at("results") });
    const d = differences(unet, inputs, at("results"));
    console.log(
      `largest relative difference: output ${d.output.toExponential(1)}, gradients ${d.gradients.toExponential(1)}`,
    );
    if (!(d.output < LIMIT && d.gradients < LIMIT)) throw new Error(`the two sides do not agree within ${LIMIT}`);

    console.log(`\nmilliseconds, medians of ${rounds} rounds in turns`);
    const rows = [["", "ours", "Python", "ours / Python"]];
    const trained = unet.trainable();
    const ours = {
      forward: () => secondsOf(() => noGrad(() => scope(() => void forward(unet, inputs)))),
      "forward and backward": () => secondsOf(() => scope(() => void step(unet, trained, inputs))),
    };
    for (const [name, one] of Object.entries(ours)) {
      const m = await inTurns(one, async () => (await python.ask({ command: "run", case: name })).seconds, { rounds });
      rows.push([name, (m.ours * 1000).toFixed(1), (m.theirs * 1000).toFixed(1), m.ratio.toFixed(2)]);
    }
    console.log(table(rows));
  } finally {
    await python.close();
    rmSync(folder, { recursive: true, force: true });
  }
}
