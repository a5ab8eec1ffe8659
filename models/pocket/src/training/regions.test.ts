import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Scene } from "../scene.js";
import { item } from "../sets.js";
import { regionsOf } from "./regions.js";

const SIDE = 24;
const WEIGHTS = { mouth: 30, face: 10, figure: 2, place: 1 };
const single = Array.from({ length: 40 }, (_, index) => item("base", { seed: 0, index }).scene).filter(
  (s) => s.actors.length === 1,
)[0] as Scene;
const regions = (scene: Scene) => regionsOf(scene, SIDE, WEIGHTS);
const heaviest = (of: Float32Array): { x: number; y: number } => {
  const at = of.indexOf(Math.max(...of));
  return { x: at % SIDE, y: Math.floor(at / SIDE) };
};

describe("regionsOf", () => {
  it("has the mean one, and counts a face most and the place behind people least", () => {
    const of = regions({ ...single, shift: 0, lean: 0, zoom: 1 });
    assert.ok(Math.abs(of.reduce((a, b) => a + b) / of.length - 1) < 1e-5);
    const { x, y } = heaviest(of);
    assert.ok(Math.abs(x - SIDE / 2) <= 3 && y >= 10 && y <= 17, `${x}, ${y}`);
    const [face, corner, chest] = [of[y * SIDE + x], of[0], of[(SIDE - 1) * SIDE + SIDE / 2]] as [
      number,
      number,
      number,
    ];
    assert.ok(face / corner > 15 && face / corner <= 30, `${face / corner}`);
    const forehead = of[(y - 4) * SIDE + x] as number;
    assert.ok(Math.abs(forehead / corner - 10) < 1, `${forehead / corner}`);
    assert.ok(Math.abs(chest / corner - 2) < 0.2, `${chest / corner}`);
  });

  it("follows whoever stands aside, and sees two faces where there are two people", () => {
    const left = heaviest(regions({ ...single, shift: -40, lean: 0 }));
    const right = heaviest(regions({ ...single, shift: 40, lean: 0 }));
    assert.ok(right.x - left.x >= 6, `${left.x}, ${right.x}`);
    const [actor] = single.actors;
    const pair = regions({ ...single, actors: [actor, actor] as Scene["actors"], shift: 0, lean: 0 });
    const most = Math.max(...pair);
    const columns = new Set([...pair.keys()].filter((i) => (pair[i] as number) > 0.9 * most).map((i) => i % SIDE));
    assert.ok([...columns].some((x) => x < 9) && [...columns].some((x) => x > 14) && !columns.has(12));
  });

  it("is flat where all weights are equal", () => {
    assert.ok(regionsOf(single, SIDE, { mouth: 3, face: 3, figure: 3, place: 3 }).every((w) => Math.abs(w - 1) < 1e-6));
  });
});
