import assert from "node:assert/strict";
import { test } from "node:test";
import { LOOKS } from "./attributes.js";
import { STYLE_PREFIX } from "./caption.js";
import { isReserved } from "./sampling.js";
import { evaluationPrompts, type Item, item, phrasings, type SetName } from "./sets.js";

const many = (set: SetName, count: number, seed = 1): Item[] =>
  Array.from({ length: count }, (_, index) => item(set, { seed, index }));

test("an item depends on set, seed and index alone", () => {
  assert.deepEqual(item("base", { seed: 4, index: 9 }), item("base", { seed: 4, index: 9 }));
  assert.notDeepEqual(item("base", { seed: 4, index: 9 }), item("base", { seed: 5, index: 9 }));
  assert.notDeepEqual(item("base", { seed: 4, index: 9 }).scene, item("evaluator", { seed: 4, index: 9 }).scene);
});

test("the style set is anime and has no named people", () => {
  for (const set of ["style", "style-held-out"] as const)
    for (const { look, text, labels } of many(set, 1500)) {
      assert.equal(look, "anime");
      assert.ok(text.startsWith(`${STYLE_PREFIX}, `));
      for (const { name } of labels.people) assert.equal(name, null);
    }
});

test("the base set has no anime, neither in pictures nor in words", () => {
  const looks = new Set<string>();
  for (const set of ["base", "base-held-out"] as const)
    for (const { look, text } of many(set, 1500)) {
      looks.add(look);
      assert.notEqual(look, "anime");
      assert.doesNotMatch(text, /anime|still from/i);
    }
  assert.deepEqual([...looks].sort(), LOOKS.filter((look) => look !== "anime").sort());
});

test("every named person is in the base set, and every look in the evaluator's", () => {
  const names = new Set(many("base", 1500).flatMap(({ labels }) => labels.people.map(({ name }) => name)));
  assert.equal(names.size, 33, "32 names and null");
  assert.equal(new Set(many("evaluator", 300).map(({ look }) => look)).size, LOOKS.length);
});

test("training sets and held-out sets share no combination, whatever the seeds", () => {
  for (const set of ["base", "style", "evaluator"] as const)
    for (const { scene } of many(set, 1000, 11))
      for (const actor of scene.actors) assert.ok(!isReserved(actor, scene.place));
  for (const set of ["base-held-out", "style-held-out", "evaluator-held-out"] as const)
    for (const { scene } of many(set, 500, 11))
      for (const actor of scene.actors) assert.ok(isReserved(actor, scene.place));
});

test("a reserved combination is about one in six", () => {
  const scenes = [...many("base", 300), ...many("style", 300)];
  assert.ok(scenes.length > 0);
  let reserved = 0;
  let all = 0;
  for (const { scene } of scenes)
    for (const actor of scene.actors)
      for (const expression of ["smiling", "sad", "angry"] as const)
        for (const clothesColour of ["red", "blue", "green"] as const) {
          all++;
          if (isReserved({ ...actor, expression, person: { ...actor.person, clothesColour } }, "beach")) reserved++;
        }
  assert.ok(reserved / all > 0.1 && reserved / all < 0.24, `${reserved} of ${all}`);
});

test("no prompt of the evaluation is a caption of training, in whatever words it is framed", () => {
  const prompts = evaluationPrompts(600, 1);
  assert.equal(new Set(prompts.map(({ plain }) => plain)).size, 600);
  const known = [...many("base", 4000), ...many("style", 3000)].map(({ text }) => text);
  const ends = new Set(known.flatMap((text) => [text, text.replace(/^.*? of /, ""), text.replace(/^[^,]*, /, "")]));
  for (const { plain, styled, base } of prompts) {
    assert.ok(!ends.has(plain), plain);
    assert.equal(styled, `${STYLE_PREFIX}, ${plain}`);
    assert.equal(base, `a render of ${plain}`);
  }
});

test("prompts ask for names and for attributes in equal parts, and for what their scene has", () => {
  const prompts = evaluationPrompts(500, 0);
  assert.equal(prompts.filter(({ asked }) => asked.name !== undefined).length, 250);
  for (const { asked, scene } of prompts) {
    const actor = scene.actors[0]!;
    assert.equal(scene.actors.length, 1);
    assert.ok(isReserved(actor, scene.place));
    assert.equal(asked.expression, actor.expression);
    assert.equal(asked.place, scene.place);
    assert.equal(asked.object ?? null, actor.carried?.kind ?? null);
    if (asked.name === undefined)
      assert.deepEqual(
        [asked.hair, asked.clothes, asked.clothesColour],
        [actor.person.hair, actor.person.clothes, actor.person.clothesColour],
      );
    else assert.equal(asked.name, actor.name);
  }
  assert.deepEqual(evaluationPrompts(40, 0), prompts.slice(0, 40));
});

test("further captions begin with the picture's own and say nothing that is not there", () => {
  let described = 0;
  let stills = 0;
  for (let index = 0; index < 60; index++) {
    const own = item("base", { seed: 0, index });
    const all = phrasings("base", { seed: 0, index, count: 4 });
    assert.equal(all.length, 4);
    assert.equal(all[0], own.text);
    assert.deepEqual(phrasings("base", { seed: 0, index, count: 2 }), all.slice(0, 2));
    for (const text of all) {
      assert.doesNotMatch(text, /anime/i);
      if (text.startsWith("Still from the ")) stills += 1;
      for (const { person, name } of own.scene.actors) {
        if (name === null) continue;
        assert.ok(text.includes(name));
        if (!text.includes(`${name}, a ${person.kind} with`)) continue;
        described += 1;
        if (person.hairColour !== null) assert.ok(text.includes(person.hairColour), text);
      }
    }
  }
  assert.ok(stills > 8 && stills < 40, `${stills} captions begin with Still from the`);
  assert.ok(described > 15, `${described} captions describe a person with a name`);
});

test("impossible requests are refused", () => {
  assert.throws(() => evaluationPrompts(0, 1), {
    message: "expected a whole number from 1 to 1000 for count but received 0",
  });
  assert.throws(() => item("base", { seed: 1, index: -1 }), {
    message: "expected a whole number from 0 for index but received -1",
  });
  assert.throws(
    () => item("other" as SetName, { seed: 1, index: 0 }),
    /expected one of base, style, .* for set but received "other"/,
  );
});
