import { Conv2d, type Generator, GroupNorm, type Layer, Linear, Module, silu, type Tensor } from "@stillframe/torch";
import {
  BEARDS,
  CLOTHES,
  COLOURS,
  EXPRESSIONS,
  GLASSES,
  HAIR_COLOURS,
  HAIR_SHAPES,
  HATS,
  KINDS,
  LOOKS,
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
  glasses: GLASSES,
  hat: HATS,
  clothes: CLOTHES,
  clothesColour: COLOURS,
  beard: BEARDS,
  expression: EXPRESSIONS,
  pose: POSES,
  object: [NONE, ...OBJECTS],
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

/** A convolution of stride 2 or 1 with norm and activation. */
class Stage extends Module implements Layer {
  readonly conv: Conv2d;
  readonly norm: GroupNorm;
  constructor(cIn: number, cOut: number, stride: number) {
    super();
    this.conv = new Conv2d(cIn, cOut, { kernel: 3, stride });
    this.norm = new GroupNorm(8, cOut);
  }
  forward(x: Tensor): Tensor {
    return silu(this.norm.forward(this.conv.forward(x)));
  }
}

const WIDTHS = [32, 64, 96, 128, 160] as const;
/** Cells that the last feature map is averaged to on each side: where something is tells much of what it is. */
const CELLS = 3;

/** A small classifier that scores pictures: its answers, and features for distances between sets of pictures. */
export class Evaluator extends Module {
  readonly stages: Stage[];
  readonly features: Linear;
  readonly answers: Linear;

  constructor() {
    super();
    this.stages = WIDTHS.flatMap((c, i) =>
      i === 0 ? [new Stage(3, c, 2)] : [new Stage(WIDTHS[i - 1] as number, c, 2), new Stage(c, c, 1)],
    );
    this.features = new Linear(WIDTHS[4] * CELLS * CELLS, 128);
    this.answers = new Linear(
      128,
      QUESTION_NAMES.reduce((n, q) => n + QUESTIONS[q].length, 0),
    );
  }

  /** Pictures `[b, 3, 96, 96]` in [-1, 1] → features `[b, 128]` */
  embed(x: Tensor): Tensor {
    x.dims("b 3 96 96");
    const last = this.stages.reduce((h, stage) => stage.forward(h), x);
    return silu(this.features.forward(last.flatten(1)));
  }

  /** Features `[b, 128]` → scores `[b, n]` for each question. */
  scores(features: Tensor): Record<Question, Tensor> {
    const all = this.answers.forward(features);
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
