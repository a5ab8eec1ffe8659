import { cat, noGrad, scope, type Tensor } from "@stillframe/torch";
import { fullContent } from "./caption.js";
import {
  answers,
  type EVALUATOR_FEATURES,
  type Evaluator,
  QUESTION_NAMES,
  QUESTIONS,
  type Question,
} from "./evaluator.js";
import { Random } from "./random.js";
import { item, type SetName } from "./sets.js";
import type { PixelStore } from "./training/pixel-store.js";

/** Right answers among some. */
export interface Share {
  right: number;
  of: number;
}

/** How often the evaluator is right on drawings that it was not trained on. */
export interface Accuracy {
  pictures: number;
  /** Is the look the right one? */
  style: Share;
  /** Of drawings of named people: is the name the right one? */
  name: Share;
  /** Of all that a prompt for the drawing asks for but the name: is it answered so? */
  attributes: Share;
  /** Over all drawings, also where a thing is not there. */
  questions: Record<Question, Share>;
}

const BATCH = 32;

/** The answers to every question for every picture. */
export function answersOf(evaluator: Evaluator, x: Tensor): Record<Question, number[]> {
  return noGrad(() =>
    scope(() => {
      const scores = evaluator.scores(evaluator.embed(x));
      return Object.fromEntries(QUESTION_NAMES.map((q) => [q, scores[q].argmax(1).toArray()]));
    }),
  ) as Record<Question, number[]>;
}

/**
 * Measures the evaluator on the first drawings of a set.
 *
 * @param store drawings of that set and seed from index 0 on, or what an autoencoder made of them
 */
export function accuracyOn(
  evaluator: Evaluator,
  store: PixelStore,
  { set, seed }: { set: SetName; seed: number },
): Accuracy {
  const none = (): Share => ({ right: 0, of: 0 });
  const found: Accuracy = {
    pictures: store.count,
    style: none(),
    name: none(),
    attributes: none(),
    questions: Object.fromEntries(QUESTION_NAMES.map((q) => [q, none()])) as Record<Question, Share>,
  };
  const count = (share: Share, right: boolean): void => {
    share.right += right ? 1 : 0;
    share.of += 1;
  };
  for (let from = 0; from < store.count; from += BATCH) {
    const indices = Array.from({ length: Math.min(BATCH, store.count - from) }, (_, i) => from + i);
    const batch = store.batch(indices);
    const given = answersOf(evaluator, batch);
    batch.dispose();
    for (const [i, index] of indices.entries()) {
      const { labels } = store.rows[index] as PixelStore["rows"][number];
      const truth = answers(labels);
      for (const q of QUESTION_NAMES) count(found.questions[q], given[q][i] === truth[q]);
      count(found.style, given.look[i] === truth.look);
      if (labels.people[0]?.name) count(found.name, given.name[i] === truth.name);
      for (const [q, answer] of askedQuestions(promptFor(set, { seed, index })))
        if (q !== "name") count(found.attributes, QUESTIONS[q][given[q][i] as number] === answer);
    }
  }
  return found;
}

/** The deviation of a feature of each kind over pictures, root mean square over all features of the kind. */
export type FeatureDeviation = Readonly<Record<keyof typeof EVALUATOR_FEATURES, number>>;

/**
 * Measures how much features vary. Divided by it they vary by about 1: both kinds count alike in distances, and distances
 * are numbers that one can read.
 */
export function featureDeviation(evaluator: Evaluator, store: PixelStore): FeatureDeviation {
  const of = (kind: keyof FeatureDeviation) =>
    noGrad(() =>
      scope(() => {
        const parts = Array.from({ length: Math.ceil(store.count / BATCH) }, (_, b) =>
          scope(() => {
            const size = Math.min(BATCH, store.count - b * BATCH);
            return evaluator.describe(store.batch(Array.from({ length: size }, (_, i) => b * BATCH + i)))[kind];
          }),
        );
        const all = cat(parts, 0).to("float64");
        return Math.sqrt(all.sub(all.mean(0)).square().mean().item());
      }),
    );
  return { pooled: of("pooled"), embedding: of("embedding") };
}

/** What an evaluation prompt for this drawing would ask for. */
const promptFor = (set: SetName, { seed, index }: { seed: number; index: number }): Record<string, unknown> =>
  fullContent(item(set, { seed, index }).scene, new Random(`accuracy/${index}`)).asked[0] ?? {};

/**
 * The questions that a prompt asks, with the answers that it wants. What has no colour of its own is asked for none.
 *
 * @throws Error for a question or an answer that the evaluator does not know
 */
export function askedQuestions(asked: Readonly<Record<string, unknown>>): [Question, string][] {
  return Object.entries(asked).flatMap(([q, answer]): [Question, string][] => {
    if (answer === null || answer === undefined) return [];
    const known: readonly unknown[] | undefined = QUESTIONS[q as Question];
    if (known === undefined)
      throw new Error(`expected one of ${QUESTION_NAMES.join(", ")} to be asked but received ${q}`);
    if (!known.includes(answer))
      throw new Error(`expected one of ${known.join(", ")} for ${q} but received ${String(answer)}`);
    return [[q as Question, answer as string]];
  });
}
