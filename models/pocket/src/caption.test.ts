import assert from "node:assert/strict";
import { test } from "node:test";
import {
  CLOTHES,
  COLOURS,
  EXPRESSIONS,
  EYE_COLOURS,
  GLASSES,
  HAIR_COLOURS,
  HATS,
  KINDS,
  NECKWEAR,
  OBJECTS,
  SKINS,
} from "./attributes.js";
import { NAMED_PEOPLE } from "./people.js";
import { PLACE_PHRASE } from "./places.js";
import { type Item, item, labels, type PersonLabels, SETS } from "./sets.js";

const anyOf = (words: readonly string[]): string => `(${[...words].sort((a, b) => b.length - a.length).join("|")})`;
const PAINT = anyOf([...COLOURS, ...HAIR_COLOURS]);

/** Reads a caption as a reader would, without the code that wrote it: each match is a claim about somebody. */
const CLAIMS: readonly [RegExp, (found: string[], who: PersonLabels) => boolean][] = [
  [new RegExp(`\\b${anyOf(KINDS)}\\b`, "g"), ([kind], who) => who.kind === kind],
  [
    new RegExp(`\\b(short|long|curly|spiky) ${PAINT} hair\\b`, "g"),
    ([shape, colour], who) => who.hair === shape && who.hairColour === colour,
  ],
  [new RegExp(`\\b${PAINT} hair in a bun\\b`, "g"), ([colour], who) => who.hair === "bun" && who.hairColour === colour],
  [
    new RegExp(`\\b${PAINT} (bob|ponytail|braids|mohawk)\\b`, "g"),
    ([colour, shape], who) => who.hair === shape && who.hairColour === colour,
  ],
  [/\bbald\b/g, (_, who) => who.hair === "bald"],
  [new RegExp(`\\b${anyOf(SKINS)} skin\\b`, "g"), ([skin], who) => who.skin === skin],
  [new RegExp(`\\b${anyOf(EYE_COLOURS)} eyes\\b`, "g"), ([eyes], who) => who.eyes === eyes],
  [/\b(round|square) glasses\b/g, ([kind], who) => who.glasses === kind],
  [/\bsunglasses\b/g, (_, who) => who.glasses === "sunglasses"],
  [/\b(moustache|beard)\b/g, ([beard], who) => who.beard === beard],
  [
    new RegExp(`\\b${PAINT} (cap|beanie|beret)\\b`, "g"),
    ([colour, hat], who) => who.hat === hat && who.hatColour === colour,
  ],
  [/\b(top hat|straw hat|crown)\b/g, ([hat], who) => who.hat === hat],
  [
    new RegExp(`\\b${PAINT} (bow tie|scarf)\\b`, "g"),
    ([colour, kind], who) => who.neckwear === kind && who.neckColour === colour,
  ],
  [
    new RegExp(`\\b${PAINT} ${anyOf(CLOTHES)}`, "g"),
    ([colour, kind], who) => who.clothes === kind && who.clothesColour === colour,
  ],
  [/\b(smiling)\b|\blooking (sad|angry|surprised)\b/g, (found, who) => found.includes(who.expression)],
  [/\bcalm face\b/g, (_, who) => who.expression === "neutral"],
  [/\bturned to the (left|right)\b/g, ([side], who) => who.pose === side],
  [/\bwaving\b/g, (_, who) => who.pose === "waving"],
  [
    new RegExp(`\\b${PAINT} (balloon|umbrella|book|cup|ball|flower|cat|bird)\\b`, "g"),
    ([colour, kind], who) => who.object === kind && who.objectColour === colour,
  ],
  [/\bice cream\b/g, (_, who) => who.object === "ice cream"],
  [new RegExp(`\\b${anyOf(Object.keys(NAMED_PEOPLE))}\\b`, "g"), ([name], who) => who.name === name],
];

/** Words that name something; each must be part of a claim that was read. */
const NOUNS = new RegExp(
  `\\b${anyOf([...HATS, ...NECKWEAR, ...CLOTHES, ...OBJECTS, ...GLASSES, "hair", "eyes", "skin", "glasses"].filter((word) => word !== "none" && word !== "round" && word !== "square"))}\\b`,
  "g",
);

function assertTrue({ text, labels: truth }: Item): number {
  let claims = 0;
  let unread = text;
  for (const [pattern, holds] of CLAIMS) {
    for (const match of text.matchAll(pattern)) {
      claims++;
      const found = match.slice(1).filter((word) => word !== undefined);
      assert.ok(
        truth.people.some((who) => holds(found, who)),
        `"${match[0]}" is not in the scene of "${text}": ${JSON.stringify(truth)}`,
      );
    }
    unread = unread.replace(pattern, "…");
  }
  for (const [kind, phrase] of Object.entries(PLACE_PHRASE))
    if (phrase && text.includes(phrase)) assert.equal(truth.place, kind, text);
  assert.deepEqual(unread.match(NOUNS), null, `not understood in "${text}"`);
  return claims;
}

test("captions of every set say only what is there", () => {
  for (const set of SETS) {
    let claims = 0;
    for (let index = 0; index < 1500; index++) claims += assertTrue(item(set, { seed: 7, index }));
    assert.ok(claims > 4000, `${claims} claims were read in the set ${set}`);
  }
});

test("the reader of captions notices a lie", () => {
  const made = Array.from({ length: 200 }, (_, index) => item("style", { seed: 3, index })).find(({ text }) =>
    text.includes("smiling"),
  )!;
  assert.throws(
    () => assertTrue({ ...made, text: made.text.replace("smiling", "looking sad") }),
    /is not in the scene/,
  );
});

test("captions look as a person would write them", () => {
  const texts = SETS.flatMap((set) => Array.from({ length: 400 }, (_, index) => item(set, { seed: 5, index }).text));
  for (const text of texts) {
    assert.doesNotMatch(text, /undefined|null|none|\s\s| ,|,,/);
    assert.doesNotMatch(text, /\ba [aeiou]|\ban [^aeiou]/i, text);
    assert.ok(text.split(/[\s,]+/).length <= 60, `${text.length} characters: ${text}`);
  }
});

test("the labels of sunglasses hide the eyes, and only they do", () => {
  for (let index = 0; index < 300; index++) {
    const { scene } = item("base", { seed: 1, index });
    for (const who of labels(scene, "render").people) assert.equal(who.eyes === null, who.glasses === "sunglasses");
  }
});

test("every mood is named in captions, and omitted in some", () => {
  const seen = new Set<string>();
  let silent = 0;
  for (let index = 0; index < 600; index++) {
    const made = item("style", { seed: 2, index });
    const mood = made.labels.people[0]!.expression;
    const word = mood === "neutral" ? "calm" : mood;
    if (made.text.includes(word)) seen.add(mood);
    else silent++;
  }
  assert.deepEqual([...seen].sort(), [...EXPRESSIONS].sort());
  assert.ok(silent > 30, `${silent} captions leave the mood out`);
});
