import { Conv2d, type Generator, GroupNorm, type Layer, Linear, Module, silu, type Tensor } from "@stillframe/torch";
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
  NECKWEAR,
  OBJECTS,
  PLACES,
  POSES,
  SKINS,
} from "./attributes.js";
import { NAMED_PEOPLE } from "./people.js";
import type { Labels } from "./sets.js";

const NONE = "none";

/** What the evaluator tells of a picture of one person, and the answers that each question has. */
export const QUESTIONS = {
  look: LOOKS,
  name: [NONE, ...Object.keys(NAMED_PEOPLE)],
  kind: KINDS,
  hair: HAIR_SHAPES,
  hairColour: [NONE, ...HAIR_COLOURS],
  skin: SKINS,
  eyes: [NONE, ...EYE_COLOURS],
  glasses: GLASSES,
  hat: HATS,
  hatColour: [NONE, ...COLOURS],
  neckwear: NECKWEAR,
  neckColour: [NONE, ...COLOURS],
  clothes: CLOTHES,
  clothesColour: COLOURS,
  beard: BEARDS,
  expression: EXPRESSIONS,
  pose: POSES,
  object: [NONE, ...OBJECTS],
  objectColour: [NONE, ...COLOURS],
  place: PLACES,
} as const satisfies Record<string, readonly string[]>;

export type Question = keyof typeof QUESTIONS;
export const QUESTION_NAMES = Object.keys(QUESTIONS) as Question[];

/** The right answers for a drawing with one person, as positions in `QUESTIONS`. */
export function answers({ look, place, people }: Labels): Record<Question, number> {
  const [person] = people;
  if (person === undefined) throw new Error("expected a drawing with a person");
  const facts: Record<Question, string | null> = { ...person, look, place };
  return Object.fromEntries(
    QUESTION_NAMES.map((q) => {
      const at = (QUESTIONS[q] as readonly string[]).indexOf(facts[q] ?? NONE);
      if (at < 0) throw new Error(`expected one of ${QUESTIONS[q].join(", ")} for ${q} but received ${facts[q]}`);
      return [q, at];
    }),
  ) as Record<Question, number>;
}

/** A convolution with norm. */
class Step extends Module implements Layer {
  readonly conv: Conv2d;
  readonly norm: GroupNorm;
  constructor(cIn: number, cOut: number, stride: number) {
    super();
    this.conv = new Conv2d(cIn, cOut, { kernel: 3, stride });
    this.norm = new GroupNorm(8, cOut);
  }
  forward(x: Tensor): Tensor {
    return this.norm.forward(this.conv.forward(x));
  }
}

/** Half the width and height, then a second look at the same size, added to the first. */
class Stage extends Module implements Layer {
  readonly down: Step;
  readonly same: Step;
  constructor(cIn: number, cOut: number) {
    super();
    this.down = new Step(cIn, cOut, 2);
    this.same = new Step(cOut, cOut, 1);
  }
  forward(x: Tensor): Tensor {
    const h = silu(this.down.forward(x));
    return silu(this.same.forward(h).add(h));
  }
}

/** Pixels on each side of the pictures that it looks at. */
export const EVALUATOR_SIZE = 96;
const WIDTHS = [24, 48, 72, 104, 128] as const;
/** Numbers that its answers are made of. */
const EMBEDDING = 128;
/** Which stage's map is averaged for the features of a whole picture: late enough for things, early enough for strokes. */
const POOLED = 3;
/** How many numbers `describe` gives of each kind. */
export const EVALUATOR_FEATURES = { pooled: WIDTHS[POOLED], embedding: EMBEDDING } as const;
/** The last feature map is this wide and high, and is not averaged: where something is tells much of what it is. */
const CELLS = EVALUATOR_SIZE / 2 ** WIDTHS.length;

/** A small classifier that scores pictures: its answers, and features for distances between sets of pictures. */
export class Evaluator extends Module {
  readonly stages: Stage[];
  readonly features: Linear;
  readonly answers: Linear;

  constructor() {
    super();
    this.stages = WIDTHS.map((width, i) => new Stage(WIDTHS[i - 1] ?? 3, width));
    this.features = new Linear(WIDTHS[4] * CELLS * CELLS, EMBEDDING);
    this.answers = new Linear(
      EMBEDDING,
      QUESTION_NAMES.reduce((n, q) => n + QUESTIONS[q].length, 0),
    );
  }

  /**
   * Pictures `[b, 3, 96, 96]` in [-1, 1] → what they are like as a whole, `pooled [b, 104]`, which is a mean over places as
   * FID's features are, and what is where in them, `embedding [b, 128]`, which the answers are made of.
   */
  describe(x: Tensor): { pooled: Tensor; embedding: Tensor } {
    x.dims(`b 3 ${EVALUATOR_SIZE} ${EVALUATOR_SIZE}`);
    let h = x;
    let pooled = x;
    for (const [i, stage] of this.stages.entries()) {
      h = stage.forward(h);
      if (i === POOLED) pooled = h.mean([2, 3]);
    }
    return { pooled, embedding: silu(this.features.forward(h.flatten(1))) };
  }

  /** The embedding alone. */
  embed(x: Tensor): Tensor {
    return this.describe(x).embedding;
  }

  /** Embeddings `[b, 128]` → scores `[b, n]` for each question. */
  scores(embedding: Tensor): Record<Question, Tensor> {
    const all = this.answers.forward(embedding);
    let at = 0;
    return Object.fromEntries(
      QUESTION_NAMES.map((q) => {
        const n = QUESTIONS[q].length;
        at += n;
        return [q, all.narrow(1, at - n, n)];
      }),
    ) as Record<Question, Tensor>;
  }

  /** Initial weights from a seed. */
  static fresh(generator: Generator): Evaluator {
    return new Evaluator().initialize(generator);
  }
}
