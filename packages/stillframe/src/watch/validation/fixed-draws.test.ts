import assert from "node:assert/strict";
import { test } from "node:test";
import { fixedNoise, fixedTimesteps } from "./fixed-draws.js";

test("every picture has a timestep in each quarter, and over all pictures each quarter is covered evenly", () => {
  const pictures = 50;
  const timesteps = fixedTimesteps(pictures, { each: 4, trainSteps: 1000, seed: 7 });
  for (const row of timesteps)
    assert.deepEqual(
      row.map((t) => Math.floor(t / 250)),
      [0, 1, 2, 3],
    );
  for (const k of [0, 1, 2, 3]) {
    // 50 pictures, 250 timesteps: one in every five
    const cells = timesteps.map((row) => Math.floor(((row[k] as number) - 250 * k) / 5)).sort((a, b) => a - b);
    assert.deepEqual(
      cells,
      Array.from({ length: pictures }, (_, i) => i),
    );
  }
  assert.deepEqual(fixedTimesteps(pictures, { each: 4, trainSteps: 1000, seed: 7 }), timesteps);
  assert.notDeepEqual(fixedTimesteps(pictures, { each: 4, trainSteps: 1000, seed: 8 }), timesteps);
});

test("noise is a picture's own, the same each time, with an offset where one is trained with", () => {
  const draw = (picture: number, offset = 0) => fixedNoise([1, 4, 6, 8], { each: 3, seed: 7, picture, offset });
  const [a, again, b, shifted] = [draw(0), draw(0), draw(1), draw(0, 0.5)];
  assert.deepEqual(a.noise.shape, [3, 4, 6, 8]);
  assert.ok(a.noise.equal(again.noise) && a.posterior.equal(again.posterior));
  assert.ok(!a.noise.equal(b.noise) && !a.noise.equal(a.posterior));
  const offset = shifted.noise.sub(a.noise);
  const first = offset.narrow(2, 0, 1).narrow(3, 0, 1);
  assert.ok(offset.sub(first).abs().sum().item() < 1e-4, "the same for all places of a channel");
  assert.ok(first.abs().sum().item() > 0.01);
});
