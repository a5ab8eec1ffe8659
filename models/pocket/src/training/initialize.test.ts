import assert from "node:assert/strict";
import { test } from "node:test";
import { Vae } from "@stillframe/diffusion";
import { avgPool2d, Generator, noGrad, randn, scope, type Tensor, upsampleNearest2d } from "@stillframe/torch";
import { vaeModelConfig } from "./architecture.js";
import { initializeVae } from "./initialize.js";

/** Correlation of two tensors' numbers. */
function correlation(a: Tensor, b: Tensor): number {
  const centred = (t: Tensor) => t.sub(t.mean());
  const [x, y] = [centred(a), centred(b)];
  return x.mul(y).mean().item() / Math.sqrt(x.square().mean().item() * y.square().mean().item());
}

test("the fresh autoencoder keeps each cell's mean colour", () => {
  const vae = initializeVae(new Vae(vaeModelConfig()), new Generator(1));
  noGrad(() =>
    scope(() => {
      const coarse = randn([2, 3, 6, 6], { generator: new Generator(2) }).mul(0.4);
      const picture = upsampleNearest2d(coarse, [24, 24]);
      const { mean, std } = vae.encode(picture);
      const cells = avgPool2d(picture, 4, 4);
      for (let c = 0; c < 3; c++) {
        const r = correlation(mean.select(1, c), cells.select(1, c));
        assert.ok(r > 0.97, `latent ${c} follows its colour: ${r}`);
      }
      const made = correlation(vae.decode(mean), picture);
      assert.ok(made > 0.9, `the decoder gives the colours back: ${made}`);
      assert.ok(Math.abs(std.log().mean().item() + 3) < 0.5, "latents begin nearly exact");
    }),
  );
  vae.dispose();
});
