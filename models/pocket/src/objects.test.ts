import assert from "node:assert/strict";
import { test } from "node:test";
import { draw } from "./draw.js";
import { objectsOf } from "./objects.js";
import { item } from "./sets.js";

const SIZE = 96;

test("boxes lie in the picture, a mouth in its face, and what a mood changes in the face lies in its box", async () => {
  for (let index = 0; index < 24; index++) {
    const { scene } = item("style", { seed: 5, index });
    const { bbox, category, weight } = objectsOf(scene, { look: "anime", size: SIZE });
    const people = scene.actors.length;
    assert.deepEqual([bbox.length, category.length, weight.length], [3 * people, 3 * people, 3 * people]);
    for (const [x, y, w, h] of bbox) {
      assert.ok(x >= 0 && y >= 0 && w > 0 && h > 0, `${[x, y, w, h]}`);
      assert.ok(x + w <= SIZE + 0.11 && y + h <= SIZE + 0.11, `${[x, y, w, h]}`);
    }
    const of = (part: string, person: number) => bbox[category.indexOf(part as "face") + person] as number[];
    const within = (inner: number[], outer: number[]) => {
      const [a, b] = [inner, outer] as [[number, number, number, number], [number, number, number, number]];
      return a[0] >= b[0] && a[1] >= b[1] && a[0] + a[2] <= b[0] + b[2] + 0.2 && a[1] + a[3] <= b[1] + b[3] + 0.2;
    };
    for (let person = 0; person < people; person++) {
      assert.ok(within(of("mouth", person), of("face", person)), `mouth of ${index}`);
      assert.ok(within(of("face", person), of("person", person)), `face of ${index}`);
    }
  }
});

test("where a mouth opens is where its box is", async () => {
  for (let index = 0; index < 12; index++) {
    const { scene } = item("style", { seed: 6, index });
    const [actor] = scene.actors;
    if (scene.actors.length > 1 || actor === undefined) continue;
    const as = (expression: "sad" | "neutral") => ({ ...scene, actors: [{ ...actor, expression }] });
    // sad and neutral people have neither speed lines nor signs that reach the mouth
    const [a, b] = [
      await draw(as("sad"), { look: "anime", size: SIZE }),
      await draw(as("neutral"), { look: "anime", size: SIZE }),
    ];
    const { bbox, category } = objectsOf(scene, { look: "anime", size: SIZE });
    const [x, y, w, h] = bbox[category.indexOf("mouth")] as [number, number, number, number];
    let [inside, face] = [0, 0];
    const [fx, fy, fw, fh] = bbox[category.indexOf("face")] as [number, number, number, number];
    for (let j = 0; j < SIZE; j++)
      for (let i = 0; i < SIZE; i++) {
        const at = (j * SIZE + i) * 3;
        const change = [0, 1, 2].reduce((sum, c) => sum + Math.abs((a.data[at + c] ?? 0) - (b.data[at + c] ?? 0)), 0);
        if (i >= fx && i < fx + fw && j >= fy && j < fy + fh) face += change;
        if (i >= x && i < x + w && j >= y && j < y + h) inside += change;
      }
    assert.ok(inside > 0.1 * face, `${index}: ${inside} of ${face}`);
  }
});
