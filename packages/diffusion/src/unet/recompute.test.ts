import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { backward, Generator, liveTensors, RecomputeTape, randn, scope, type Tensor, tensor } from "@stillframe/torch";
import { injectLora, UNET_TARGETS } from "../lora/index.js";
import { diffusionLoss } from "../objective/loss.js";
import { Unet } from "./model.js";
import { SMALL_UNET } from "./testing/small-unet.js";

const CONVOLUTIONS = ["conv1", "conv2", "conv_shortcut", "conv", "conv_in", "conv_out"];
type Targets = readonly string[] | null;

/** A model with an adapter whose B is not zero (or, without targets, trained whole), the same each time. */
function model({ dropout, targets = UNET_TARGETS }: { dropout: Generator | null; targets?: Targets | undefined }) {
  const generator = new Generator(1);
  const unet = new Unet(SMALL_UNET);
  unet.initialize(generator);
  if (targets === null) return { unet, trained: [...unet.requiresGrad_(true).weights()].map((w) => w.tensor) };
  const layers = injectLora(unet, { rank: 4, targets, generator }).map((l) => l.layer);
  for (const layer of layers) {
    layer.loraB.normal_(0, 0.3, { generator });
    layer.dropout = dropout === null ? 0 : 0.2;
    layer.dropoutGenerator = dropout;
  }
  return { unet, trained: layers.flatMap((l) => [l.loraA.requiresGrad_(), l.loraB.requiresGrad_()]) };
}

/** One forward and backward pass; `text` is trained too when it requires a gradient. */
function pass(unet: Unet, { tape, side, text }: { tape: RecomputeTape | null; side: number; text: Tensor }): number {
  const usual = unet.runner;
  if (tape !== null) unet.runner = (part, ...inputs) => tape.run(part, ...inputs);
  try {
    return scope(() => {
      const generator = new Generator(2);
      const draw = (...shape: number[]) => randn(shape, { generator });
      const prediction = unet.forward(draw(2, 4, side, side), tensor([3, 700], { dtype: "int64" }), {
        promptEmbeds: text,
        textEmbeds: draw(2, 12),
        timeIds: tensor([
          [64, 64, 0, 0, 64, 64],
          [64, 48, 0, 8, 64, 64],
        ]),
      });
      const loss = diffusionLoss(prediction, draw(2, 4, side, side));
      if (tape === null) backward(loss);
      else tape.backward(loss);
      return loss.item();
    });
  } finally {
    unet.runner = usual;
  }
}

function compare(options: { targets?: Targets; dropout: boolean; trainText: boolean }): void {
  const runs = [false, true].map((recompute) => {
    const generator = new Generator(3);
    const { unet, trained } = model({ targets: options.targets, dropout: options.dropout ? generator : null });
    const text = randn([2, 5, 24], { generator: new Generator(4) }).requiresGrad_(options.trainText);
    const live = liveTensors();
    const loss = pass(unet, { tape: recompute ? new RecomputeTape({ generator }) : null, side: 7, text });
    const grads = scope(() => [...trained, ...(options.trainText ? [text] : [])].map((p) => p.grad?.data() ?? null));
    assert.equal(liveTensors(), live);
    return { loss, grads, random: scope(() => generator.getState().data()) };
  });
  const [recorded, recomputed] = runs as [(typeof runs)[0], (typeof runs)[0]];
  assert.deepEqual(recomputed, recorded);
  assert.ok(recorded.grads.length > 40);
  // none may be missing or zero: that would show nothing
  for (const [i, g] of recorded.grads.entries())
    assert.ok(
      g?.some((v) => Number(v) !== 0),
      `gradient ${i}`,
    );
}

/** Peak of a pass's memory above what the model takes, in MiB: of a process of its own, since a peak is its lifetime's. */
function peak(mode: "recorded" | "recomputed"): number {
  const { stdout, stderr, status } = spawnSync(process.execPath, [fileURLToPath(import.meta.url), "measure", mode], {
    encoding: "utf8",
  });
  assert.equal(status, 0, stderr);
  return Number(stdout);
}

function measure(mode: string): void {
  const { unet } = model({ dropout: null });
  const text = randn([2, 77, 24], { generator: new Generator(4) });
  const before = process.resourceUsage().maxRSS;
  pass(unet, { tape: mode === "recomputed" ? new RecomputeTape() : null, side: 112, text });
  process.stdout.write(String((process.resourceUsage().maxRSS - before) / 1024));
}

if (process.argv[2] === "measure") measure(process.argv[3] as string);
else
  describe("gradient checkpointing of the UNet", () => {
    it("gives the adapter's gradients bit for bit", () => compare({ dropout: false, trainText: false }));
    it("with dropout", () => compare({ dropout: true, trainText: false }));
    it("of convolutions too", () => compare({ targets: CONVOLUTIONS, dropout: false, trainText: false }));
    it("of convolutions with dropout", () => compare({ targets: CONVOLUTIONS, dropout: true, trainText: false }));
    it("with trained text embeddings", () => compare({ dropout: false, trainText: true }));
    it("gives the gradients of all weights bit for bit", () =>
      compare({ targets: null, dropout: false, trainText: true }));

    it("takes less than half of the memory", () => {
      // peaks of one kind differ by a third from run to run: what the allocator and the kernel make of the same requests
      const pairs = Array.from({ length: 3 }, () => [peak("recorded"), peak("recomputed")] as const);
      const shares = pairs.map(([recorded, recomputed]) => recomputed / recorded).sort((x, y) => x - y);
      const shown = pairs.map(([recorded, recomputed]) => `${recomputed} of ${recorded} MiB`).join(", ");
      assert.ok(
        pairs.every(([recorded]) => recorded > 50),
        `the pass is too small to measure: ${shown}`,
      );
      assert.ok((shares[1] as number) < 0.5, shown);
    });
  });
