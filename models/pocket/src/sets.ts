import { invalid } from "@stillframe/torch/errors";
import type {
  Beard,
  Clothes,
  Colour,
  Expression,
  EyeColour,
  Glasses,
  HairColour,
  HairShape,
  Hat,
  Kind,
  Look,
  Neckwear,
  ObjectKind,
  Place,
  Pose,
  Skin,
} from "./attributes.js";
import { type Asked, caption, fullContent, knownStill, STYLE_PREFIX } from "./caption.js";
import { Random } from "./random.js";
import { sampleScene, type Wish } from "./sampling.js";
import type { Scene } from "./scene.js";

/**
 * - `base`: what the base model learns from: every look but anime, named people and others.
 * - `style`: what a style is learnt from: anime stills of people without names.
 * - `base-held-out`, `style-held-out`: the same, of combinations that no training set contains.
 * - `evaluator`: every look, named and not, to train the classifier that scores pictures (and the autoencoder).
 * - `evaluator-held-out`: the same, of reserved combinations, to tell how good that classifier is.
 */
export const SETS = ["base", "style", "base-held-out", "style-held-out", "evaluator", "evaluator-held-out"] as const;
export type SetName = (typeof SETS)[number];

type Looks = readonly (readonly [Look, number])[];

const BASE_LOOKS: Looks = [
  ["render", 64],
  ["pencil", 12],
  ["watercolour", 12],
  ["clay", 12],
];
const EVERY_LOOK: Looks = [
  ["render", 30],
  ["anime", 40],
  ["pencil", 10],
  ["watercolour", 10],
  ["clay", 10],
];

const PLANS: Readonly<Record<SetName, Wish & { looks: Looks }>> = {
  base: { named: 0.3, pairs: 0.08, reserved: false, looks: BASE_LOOKS },
  style: { named: 0, pairs: 0.06, reserved: false, looks: [["anime", 1]] },
  "base-held-out": { named: 0.55, pairs: 0.04, reserved: true, looks: BASE_LOOKS },
  "style-held-out": { named: 0, pairs: 0.03, reserved: true, looks: [["anime", 1]] },
  evaluator: { named: 0.5, pairs: 0, reserved: false, looks: EVERY_LOOK },
  "evaluator-held-out": { named: 0.5, pairs: 0, reserved: true, looks: EVERY_LOOK },
};

/** All that is true of one person in a picture. `eyes` is null behind sunglasses; colours are null where there is none. */
export interface PersonLabels {
  name: string | null;
  kind: Kind;
  hair: HairShape;
  hairColour: HairColour | null;
  skin: Skin;
  eyes: EyeColour | null;
  glasses: Glasses;
  hat: Hat;
  hatColour: Colour | null;
  neckwear: Neckwear;
  neckColour: Colour | null;
  clothes: Clothes;
  clothesColour: Colour;
  beard: Beard;
  expression: Expression;
  pose: Pose;
  object: ObjectKind | null;
  objectColour: Colour | null;
}

/** All that is true of a picture. */
export interface Labels {
  look: Look;
  place: Place;
  people: PersonLabels[];
}

/** The labels of a scene in a look. */
export function labels(scene: Scene, look: Look): Labels {
  const people = scene.actors.map(
    ({ person, name, expression, pose, carried }): PersonLabels => ({
      name,
      ...person,
      eyes: person.glasses === "sunglasses" ? null : person.eyes,
      expression,
      pose,
      object: carried?.kind ?? null,
      objectColour: carried?.colour ?? null,
    }),
  );
  return { look, place: scene.place, people };
}

/** One picture of a set, before it is drawn. */
export interface Item {
  scene: Scene;
  look: Look;
  text: string;
  labels: Labels;
}

/** The picture of this index in a set; it depends on nothing but the set's name, the seed and the index. */
export function item(set: SetName, at: { seed: number; index: number }): Item {
  const plan = PLANS[set];
  if (!plan) throw invalid("set", `one of ${SETS.join(", ")}`, set);
  if (!Number.isInteger(at.index) || at.index < 0) throw invalid("index", "a whole number from 0", at.index);
  const random = new Random(`${set}/${at.seed}/${at.index}`);
  const look = random.weighted(plan.looks);
  const scene = sampleScene(random, plan);
  const { text } = caption(scene, { look, random: random.fork("caption") });
  return { scene, look, text, labels: labels(scene, look) };
}

/** Share of the further captions in which people with names are described too. */
const INTRODUCED = 0.6;
/** Share of the further captions that begin as the style's do, but with a look that the base knows. */
const STILLS = 0.12;

/**
 * Captions of one picture of a set: its own, and others that say the same scene otherwise. In those, people with names are
 * often described as well, so that what the words for hair and clothes mean is learnt from every picture.
 */
export function phrasings(set: SetName, { count, ...at }: { seed: number; index: number; count: number }): string[] {
  const { scene, look, text } = item(set, at);
  const others = Array.from({ length: count - 1 }, (_, k) => {
    const random = new Random(`${set}/${at.seed}/${at.index}`).fork(`caption/${k + 1}`);
    if (look !== "anime" && random.chance(STILLS)) return knownStill(scene, { look, random });
    return caption(scene, { look, random, introduced: INTRODUCED }).text;
  });
  return [text, ...others];
}

/** A prompt for the evaluation, in the forms in which it is asked. */
export interface EvaluationPrompt {
  /** With the style's words. */
  styled: string;
  /** As the base model knows it. */
  base: string;
  /** Without any word on the look. */
  plain: string;
  /** What can be expected of the one person in the picture. */
  asked: Asked;
  /** A scene that is what the prompt asks for, for reference drawings. */
  scene: Scene;
}

/** Prompts of the evaluation: single people in reserved combinations, no prompt twice; every second one by name. */
export function evaluationPrompts(count: number, seed: number): EvaluationPrompt[] {
  if (!Number.isInteger(count) || count < 1 || count > 1000)
    throw invalid("count", "a whole number from 1 to 1000", count);
  const known = new Set<string>();
  const prompts: EvaluationPrompt[] = [];
  for (let attempt = 0; prompts.length < count; attempt++) {
    const random = new Random(`prompts/${seed}/${attempt}`);
    const named = prompts.length % 2 === 0 ? 1 : 0;
    const scene = sampleScene(random, { named, pairs: 0, reserved: true });
    // A plain wall is not mentioned, so that the words would not tell a reserved combination from others.
    if (scene.place === "plain") continue;
    const { text, asked } = fullContent(scene, random.fork("caption"));
    if (known.has(text)) continue;
    known.add(text);
    prompts.push({
      styled: `${STYLE_PREFIX}, ${text}`,
      base: `a render of ${text}`,
      plain: text,
      asked: asked[0]!,
      scene,
    });
  }
  return prompts;
}
