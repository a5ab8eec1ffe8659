import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { tensor } from "@stillframe/torch";
import { checkExpected, checkRecognition, type Recognition, recognise, recognizes, total } from "./recognition.js";
import { meanColour } from "./testing/mean-colour.js";

const share = (right: number, of: number) => ({ right, of });
/** Answers by the first feature: the larger of two. */
const recognition: Recognition = {
  questions: { look: ["drawn", "painted"], name: ["none", "Mara"], hat: ["none", "cap"] },
  style: { question: "look", answer: "painted" },
  name: "name",
  answers: (features) => {
    const first = features.narrow(1, 0, 1).toArray();
    const pick = (low: string, high: string) => first.map((v) => (v > 0.5 ? high : low));
    return { look: pick("drawn", "painted"), name: pick("none", "Mara"), hat: pick("none", "cap") };
  },
  accuracy: [{ on: "4 drawings", style: share(4, 4), name: share(1, 2), attributes: share(3, 4) }],
};

describe("recognise", () => {
  const features = tensor([1, 0, 0, 0, 1, 0, 0, 0], { shape: [4, 2] });

  it("counts the style of every picture, and names and attributes where they are asked for", () => {
    const expected = [{ name: "Mara", hat: "cap" }, { name: "Mara" }, { hat: "none", name: null }, null];
    const found = recognise(recognition, features, expected);
    assert.deepEqual(found.style, [share(1, 1), share(0, 1), share(1, 1), share(0, 1)]);
    assert.deepEqual(found.name, [share(1, 1), share(0, 1), share(0, 0), share(0, 0)]);
    assert.deepEqual(found.attributes, [share(1, 1), share(0, 0), share(0, 1), share(0, 0)]);
    assert.deepEqual(found.questions, { name: share(1, 2), hat: share(1, 2) });
    assert.deepEqual(total(found.attributes), share(1, 2));
  });

  it("says no more than the style where nothing is known of the prompts", () => {
    const found = recognise(recognition, features, null);
    assert.deepEqual(total(found.style), share(2, 4));
    assert.deepEqual([total(found.name), total(found.attributes), found.questions], [share(0, 0), share(0, 0), {}]);
  });

  it("counts the style apart from attributes, also where a prompt asks for it", () => {
    const found = recognise(recognition, features, [{ look: "painted" }, null, null, null]);
    assert.deepEqual(total(found.attributes), share(0, 0));
    assert.deepEqual(found.questions, { look: share(1, 1) });
  });
});

describe("a recognition", () => {
  it("is one that can be asked", () => {
    checkRecognition(recognition, "own.mjs");
    const refused = (change: object, message: RegExp) =>
      assert.throws(() => checkRecognition({ ...recognition, ...change } as Recognition, "own.mjs"), message);
    refused({ answers: 1 }, /expected a function answers\(features\) in the recognition of own\.mjs/);
    refused({ questions: null }, /expected questions with their answers/);
    refused({ style: { question: "look", answer: "clay" } }, /expected style as a question that it knows and one of/);
    refused({ name: "who" }, /expected name as a question that it knows/);
    refused({ accuracy: [] }, /expected its own accuracy/);
    refused({ accuracy: [{ on: "x", style: share(2, 1) }] }, /expected its own accuracy/);
    assert.equal(recognizes({ ...meanColour(), recognition } as never), true);
    assert.equal(recognizes(meanColour()), false);
  });

  it("knows what prompts ask", () => {
    checkExpected(recognition, [{ hat: "cap", name: null }, null]);
    assert.throws(
      () => checkExpected(recognition, [null, { shoes: "red" }]),
      /expected prompt 2 to ask one of look, name, hat but received shoes/,
    );
    assert.throws(
      () => checkExpected(recognition, [{ hat: "fez" }]),
      /expected prompt 1 to ask one of none, cap for hat but received fez/,
    );
  });
});
