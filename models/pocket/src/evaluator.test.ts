import assert from "node:assert/strict";
import { test } from "node:test";
import { Generator, noGrad, randn, scope } from "@stillframe/torch";
import { answers, EVALUATOR_FEATURES, Evaluator, QUESTION_NAMES, QUESTIONS } from "./evaluator.js";
import { item } from "./sets.js";

test("every drawing of the evaluator's sets has an answer to every question", () => {
  for (const set of ["evaluator", "evaluator-held-out"] as const)
    for (let index = 0; index < 200; index++) {
      const { labels } = item(set, { seed: 0, index });
      const given = answers(labels);
      assert.equal(QUESTIONS.look[given.look], labels.look);
      assert.equal(QUESTIONS.name[given.name], labels.people[0]?.name ?? "none");
      assert.equal(QUESTIONS.hairColour[given.hairColour], labels.people[0]?.hairColour ?? "none");
    }
});

test("a label that no question lists is an error", () => {
  const { labels } = item("evaluator", { seed: 0, index: 0 });
  const [person] = labels.people;
  assert.ok(person);
  const people = [{ ...person, hat: "fez" as never }];
  assert.throws(() => answers({ ...labels, people }), /expected one of none, cap, .* for hat but received fez/);
});

test("pictures become features and scores for each question", () => {
  const evaluator = Evaluator.fresh(new Generator(0));
  noGrad(() =>
    scope(() => {
      const { pooled, embedding } = evaluator.describe(randn([2, 3, 96, 96], { generator: new Generator(1) }));
      assert.deepEqual(
        [pooled.shape, embedding.shape],
        [
          [2, EVALUATOR_FEATURES.pooled],
          [2, EVALUATOR_FEATURES.embedding],
        ],
      );
      const scores = evaluator.scores(embedding);
      for (const q of QUESTION_NAMES) assert.deepEqual(scores[q].shape, [2, QUESTIONS[q].length]);
    }),
  );
  evaluator.dispose();
});
