import assert from "node:assert/strict";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { cat, liveTensors, scope } from "@stillframe/torch";
import { loadClassifier } from "./classifier.js";
import { draw } from "./draw.js";
import { answers, EVALUATOR_SIZE, QUESTIONS } from "./evaluator.js";
import { askedQuestions } from "./evaluator-accuracy.js";
import { isReserved } from "./sampling.js";
import { evaluationPrompts, item, type SetName } from "./sets.js";

const scratch = mkdtempSync(join(tmpdir(), "classifier-"));
after(() => rmSync(scratch, { recursive: true, force: true }));

test("the bundled classifier answers right about drawings that it has not seen, and gives its accuracy", async () => {
  const before = liveTensors();
  const classifier = loadClassifier();
  const { recognition } = classifier;
  const items = Array.from({ length: 24 }, (_, index) => item("evaluator-held-out", { seed: 7, index }));
  const pictures = await Promise.all(items.map(({ scene, look }) => draw(scene, { look, size: EVALUATOR_SIZE })));
  scope(() => {
    const prepared = pictures.map((p) =>
      classifier.prepare({ data: p.data, width: p.size, height: p.size, channels: 3 }).unsqueeze(0),
    );
    const features = classifier.features(cat(prepared, 0));
    assert.deepEqual(features.shape, [24, classifier.dimension]);
    const given = recognition.answers(features);
    const right = (question: "look" | "name") =>
      items.filter(({ labels }, row) => given[question]?.[row] === QUESTIONS[question][answers(labels)[question]])
        .length;
    assert.ok(right("look") >= 23, `${right("look")} of 24 looks`);
    assert.ok(right("name") >= 22, `${right("name")} of 24 names`);
  });
  const [drawings, reconstructions] = recognition.accuracy;
  assert.match(drawings?.on ?? "", /^\d+ held-out drawings$/);
  for (const accuracy of [drawings, reconstructions])
    for (const share of [accuracy?.style, accuracy?.name]) {
      const { right, of } = share as { right: number; of: number };
      assert.ok(of >= 500 && right / of >= 0.97, `${right} of ${of} on ${accuracy?.on}`);
    }
  classifier.dispose();
  assert.equal(liveTensors(), before);
});

test("pictures of another size, and files that are not the classifier's, are refused", () => {
  const classifier = loadClassifier();
  const data = new Uint8Array(32 * 32 * 3);
  assert.throws(
    () => classifier.prepare({ data, width: 32, height: 32, channels: 3 }),
    /expected 96 × 96 pixels for the pocket classifier for picture but received "32 × 32"/,
  );
  classifier.dispose();
  assert.throws(() => loadClassifier(scratch), /evaluator\.safetensors/);
});

test("a prompt is asked for what it says, and for nothing else", () => {
  assert.deepEqual(askedQuestions({ name: "Mara", hat: "top hat", hatColour: null }), [
    ["name", "Mara"],
    ["hat", "top hat"],
  ]);
  assert.throws(() => askedQuestions({ shoes: "red" }), /expected one of look, .* to be asked but received shoes/);
  assert.throws(() => askedQuestions({ hat: "fez" }), /expected one of none, cap, .* for hat but received fez/);
  for (const { asked } of evaluationPrompts(300, 0)) assert.ok(askedQuestions(asked).length >= 2);
});

test("what the classifier is trained on is never asked for, and never what it is measured on", () => {
  const reserved = (set: SetName, index: number) => {
    const { scene } = item(set, { seed: 0, index });
    return scene.actors.map((actor) => isReserved(actor, scene.place));
  };
  for (let index = 0; index < 500; index++) {
    assert.deepEqual(reserved("evaluator", index), [false]);
    assert.deepEqual(reserved("evaluator-held-out", index), [true]);
  }
  for (const { scene } of evaluationPrompts(500, 0))
    assert.ok(scene.actors.every((actor) => isReserved(actor, scene.place)));
});

test("its own accuracy has to be there", () => {
  const folder = join(scratch, "without");
  const bundled = fileURLToPath(new URL("../evaluator/evaluator.safetensors", import.meta.url));
  rmSync(folder, { recursive: true, force: true });
  copyInto(folder, bundled);
  assert.throws(() => loadClassifier(folder), /accuracy\.json: it cannot be read as JSON/);
  writeFileSync(join(folder, "accuracy.json"), "{");
  assert.throws(() => loadClassifier(folder), /accuracy\.json: it cannot be read as JSON/);
  writeFileSync(join(folder, "accuracy.json"), "{}");
  assert.throws(
    () => loadClassifier(folder),
    /accuracy\.json: expected feature_deviation above 0 but pooled is undefined/,
  );
});

function copyInto(folder: string, file: string): void {
  mkdirSync(folder, { recursive: true });
  copyFileSync(file, join(folder, "evaluator.safetensors"));
}
