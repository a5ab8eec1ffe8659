import assert from "node:assert/strict";
import { test } from "node:test";
import { beginsWith, commonOpenings, stylePrefix, triggerOf } from "./caption-opening.js";
import { MANIFEST } from "./testing/run-folder.js";

const many = (count: number, caption: (i: number) => string) => Array.from({ length: count }, (_, i) => caption(i));
const THINGS = ["a boy", "the harbour", "two cats", "rain", "an old man"];

test("the beginning of nearly all captions ends at its comma", () => {
  const captions = [
    ...many(40, (i) => `Still from the Anime, ${THINGS[i % 5]} at number ${i}`),
    "A page of credits",
    "Still frames in a row",
  ];
  assert.deepEqual(commonOpenings(captions), [{ text: "Still from the Anime,", captions: 40 }]);
  // An article that most go on with is no part of it.
  assert.deepEqual(commonOpenings(many(10, (i) => `Still from the Anime, a thing ${i}`)), [
    { text: "Still from the Anime,", captions: 10 },
  ]);
});

test("without a mark the opening ends before words that begin anything", () => {
  assert.deepEqual(commonOpenings(many(10, (i) => `a photo of the thing${i}`)), [{ text: "a photo of", captions: 10 }]);
  assert.deepEqual(commonOpenings(many(10, (i) => `zwx${i % 2 ? " woman" : ""} number ${i}`)), [
    { text: "zwx", captions: 10 },
  ]);
  assert.deepEqual(commonOpenings(many(10, (i) => `a word${i}`)), []);
  assert.deepEqual(commonOpenings(many(6, () => "photo of sks dog")), [{ text: "photo of sks dog", captions: 6 }]);
});

test("several styles have several openings, rare ones are left out", () => {
  const captions = [
    ...many(60, (i) => `ink drawing: ${THINGS[i % 5]} ${i}`),
    ...many(30, (i) => `oil painting: ${THINGS[i % 5]} ${i}`),
    ...many(10, (i) => `${THINGS[i % 5]}${i}`),
  ];
  assert.deepEqual(commonOpenings(captions), [
    { text: "ink drawing:", captions: 60 },
    { text: "oil painting:", captions: 30 },
  ]);
  assert.deepEqual(commonOpenings([]), []);
  assert.deepEqual(commonOpenings(["one caption"]), []);
});

test("an opening does not end inside a word", () => {
  assert.equal(beginsWith("A cat sleeps", "A cat"), true);
  assert.equal(beginsWith("A catalogue", "A cat"), false);
  assert.equal(beginsWith("  Still  from here, x", "Still from here,"), true);
});

const withData = (data: Partial<typeof MANIFEST.data.captions>, prefix = "") => ({
  options: { ...MANIFEST.options, caption_prefix: prefix },
  data: { ...MANIFEST.data, captions: { ...MANIFEST.data.captions, ...data } },
});

test("the prefix comes from the option, else from the captions, else from the prompts", () => {
  const opening = { text: "Still from the Anime,", captions: 1604 };
  assert.deepEqual(stylePrefix(withData({ openings: [opening] }, "In ink, ")), {
    prefix: "In ink, ",
    evidence: { kind: "option" },
  });
  const found = stylePrefix(withData({ openings: [opening] }));
  assert.deepEqual(found, {
    prefix: "Still from the Anime, ",
    evidence: { kind: "captions", with: 1604, of: 1611 },
  });
  assert.equal(triggerOf(found!), "Still from the Anime");
  // Half of the captions do not make a prefix that a prompt needs.
  assert.equal(stylePrefix(withData({ openings: [{ ...opening, captions: 800 }] })), undefined);
  assert.equal(
    stylePrefix(
      withData({ openings: [] }),
      many(9, (i) => `Seen, ${i}`),
    ),
    undefined,
  );

  const { openings: _none, ...unknown } = MANIFEST.data.captions;
  const old = { options: MANIFEST.options, data: { ...MANIFEST.data, captions: unknown } };
  assert.equal(stylePrefix(old), undefined);
  assert.equal(
    stylePrefix(
      old,
      many(4, (i) => `Still, ${i}`),
    ),
    undefined,
    "too few prompts to tell",
  );
  assert.deepEqual(
    stylePrefix(
      old,
      many(6, (i) => `Still, ${i}`),
    )?.evidence,
    { kind: "prompts", with: 6, of: 6 },
  );
});
