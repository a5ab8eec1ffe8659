import assert from "node:assert/strict";
import { test } from "node:test";
import {
  BEARDS,
  CLOTHES,
  COLOURS,
  EXPRESSIONS,
  EYE_COLOURS,
  GLASSES,
  HAIR_COLOURS,
  HAIR_SHAPES,
  HATS,
  KINDS,
  LOOKS,
  type Look,
  NECKWEAR,
  OBJECTS,
  PLACES,
  POSES,
  SKINS,
} from "./attributes.js";
import { draw } from "./draw.js";
import type { Person } from "./people.js";
import type { Raster } from "./raster.js";
import type { Actor, Scene } from "./scene.js";

const PERSON: Person = {
  kind: "man",
  hair: "short",
  hairColour: "brown",
  skin: "tan",
  eyes: "blue",
  glasses: "none",
  hat: "none",
  hatColour: null,
  neckwear: "none",
  neckColour: "red",
  clothes: "jacket",
  clothesColour: "blue",
  beard: "none",
};
const ACTOR: Actor = { person: PERSON, name: null, expression: "neutral", pose: "front", carried: null, waveSide: 1 };

function scene(change: { person?: Partial<Person>; actor?: Partial<Actor>; scene?: Partial<Scene> } = {}): Scene {
  const actor = { ...ACTOR, ...change.actor, person: { ...PERSON, ...change.person } };
  return { place: "plain", actors: [actor], layout: "1", zoom: 1, shift: 0, lean: 0, ...change.scene };
}

/** How many pixels differ visibly between two pictures, as a part of all. */
function changed(one: Raster, other: Raster): number {
  let count = 0;
  for (let i = 0; i < one.data.length; i += 3) {
    const difference = Math.max(...[0, 1, 2].map((c) => Math.abs(one.data[i + c]! - other.data[i + c]!)));
    if (difference > 24) count++;
  }
  return count / (one.data.length / 3);
}

async function assertAllDiffer(
  what: string,
  scenes: readonly (readonly [string, Scene])[],
  look: Look,
  least: number,
): Promise<void> {
  const drawn = await Promise.all(scenes.map(async ([name, of]) => [name, await draw(of, { look })] as const));
  for (const [i, [name, one]] of drawn.entries())
    for (const [otherName, other] of drawn.slice(i + 1)) {
      const part = changed(one, other);
      assert.ok(
        part > least,
        `${what} ${name} and ${otherName} in ${look}: ${(part * 100).toFixed(2)} % of the pixels differ`,
      );
    }
}

test("the same scene gives the same bytes, in every look and at several sizes", async () => {
  for (const look of LOOKS)
    for (const size of [64, 128]) {
      const [one, other] = await Promise.all([draw(scene(), { look, size }), draw(scene(), { look, size })]);
      assert.equal(one.data.length, size * size * 3);
      assert.deepEqual(one.data, other.data);
    }
});

test("every value of every attribute can be told from the others, in the look that is learnt first and in the style", async () => {
  for (const look of ["render", "anime"] as const) {
    const by = <T extends string>(values: readonly T[], make: (value: T) => Scene): [string, Scene][] =>
      values.map((value) => [value, make(value)]);
    await assertAllDiffer(
      "hair",
      by(HAIR_SHAPES, (hair) => scene({ person: { hair } })),
      look,
      0.01,
    );
    await assertAllDiffer(
      "hair colour",
      by(HAIR_COLOURS, (hairColour) => scene({ person: { hairColour } })),
      look,
      0.03,
    );
    await assertAllDiffer(
      "skin",
      by(SKINS, (skin) => scene({ person: { skin } })),
      look,
      0.05,
    );
    await assertAllDiffer(
      "eyes",
      by(EYE_COLOURS, (eyes) => scene({ person: { eyes } })),
      look,
      0.002,
    );
    await assertAllDiffer(
      "glasses",
      by(GLASSES, (glasses) => scene({ person: { glasses } })),
      look,
      0.008,
    );
    await assertAllDiffer(
      "hat",
      by(HATS, (hat) => scene({ person: { hat, hatColour: hat === "none" ? null : "green" } })),
      look,
      0.02,
    );
    await assertAllDiffer(
      "neckwear",
      by(NECKWEAR, (neckwear) => scene({ person: { neckwear } })),
      look,
      0.01,
    );
    await assertAllDiffer(
      "clothes",
      by(CLOTHES, (clothes) => scene({ person: { clothes, kind: "woman" } })),
      look,
      0.015,
    );
    await assertAllDiffer(
      "colour of clothes",
      by(COLOURS, (clothesColour) => scene({ person: { clothesColour } })),
      look,
      0.05,
    );
    await assertAllDiffer(
      "kind",
      by(KINDS, (kind) => scene({ person: { kind } })),
      look,
      look === "anime" ? 0.012 : 0.004,
    );
    await assertAllDiffer(
      "beard",
      by(BEARDS, (beard) => scene({ person: { beard } })),
      look,
      0.004,
    );
    await assertAllDiffer(
      "expression",
      by(EXPRESSIONS, (expression) => scene({ actor: { expression } })),
      look,
      look === "anime" ? 0.012 : 0.004,
    );
    await assertAllDiffer(
      "pose",
      by(POSES, (pose) => scene({ actor: { pose } })),
      look,
      0.03,
    );
    await assertAllDiffer(
      "place",
      by(PLACES, (place) => scene({ scene: { place } })),
      look,
      0.2,
    );
    await assertAllDiffer(
      "object",
      by(OBJECTS, (kind) =>
        scene({ actor: { carried: { kind, colour: kind === "cat" ? "orange" : "red", side: 1 } } }),
      ),
      look,
      0.01,
    );
  }
});

test("looks differ at a glance", async () => {
  await assertAllDiffer(
    "look",
    [
      ["this", scene({ scene: { place: "beach" } })],
      ["other", scene({ scene: { place: "forest" } })],
    ],
    "render",
    0.2,
  );
  const drawn = await Promise.all(LOOKS.map((look) => draw(scene({ scene: { place: "park" } }), { look })));
  for (const [i, one] of drawn.entries()) for (const other of drawn.slice(i + 1)) assert.ok(changed(one, other) > 0.35);
});

test("an anime still has its letterbox, and nothing else has", async () => {
  const black = (raster: Raster): boolean => raster.data.subarray(0, 128 * 3 * 6).every((value) => value < 8);
  for (const look of LOOKS)
    assert.equal(black(await draw(scene({ scene: { place: "snow" } }), { look })), look === "anime", look);
});

test("requests that cannot be drawn are refused", async () => {
  await assert.rejects(draw(scene(), { look: "render", size: 8 }), {
    message: "expected a whole number from 32 to 1024 for size but received 8",
  });
  await assert.rejects(
    draw(scene(), { look: "oil" as Look }),
    /expected one of render, pencil, watercolour, clay, anime for look but received "oil"/,
  );
});
