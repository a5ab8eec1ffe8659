import { EXPRESSIONS, type Expression, OBJECT_COLOURS, OBJECTS, PLACES, type Place, type Pose } from "./attributes.js";
import type { Carried } from "./figure/figure.js";
import { anonymous, NAMED_PEOPLE, type Person } from "./people.js";
import { hash32, type Random } from "./random.js";
import type { Actor, Scene } from "./scene.js";

/** One combination in this many is kept out of all training, for the held-out sets and the evaluation prompts. */
export const RESERVED_ONE_IN = 6;

/** What makes two people in two places the same picture to a reader: never the same in training and in evaluation. */
function combination(actor: Actor, place: Place): string {
  const { person: p, name, expression } = actor;
  if (name !== null) return `${name}|${place}|${expression}`;
  return `${p.kind}|${p.hair}|${p.hairColour}|${p.glasses}|${p.hat}|${p.hatColour}|${p.clothes}|${p.clothesColour}`;
}

/** Whether this person, so dressed, in this place and mood, is kept out of training. */
export function isReserved(actor: Actor, place: Place): boolean {
  return hash32(combination(actor, place)) % RESERVED_ONE_IN === 0;
}

function carriedThing(random: Random, options: { chance: number; side: -1 | 1 }): Carried | null {
  if (!random.chance(options.chance)) return null;
  const kind = random.pick(OBJECTS);
  const colours = OBJECT_COLOURS[kind];
  return { kind, colour: colours.length > 0 ? random.pick(colours) : null, side: options.side };
}

function stance(random: Random, outward: -1 | 1 | null): Omit<Actor, "person" | "name"> {
  const expression = random.weighted<Expression>(EXPRESSIONS.map((mood) => [mood, mood === "smiling" ? 3 : 2]));
  const pose = random.weighted<Pose>([
    ["front", 42],
    ["left", 20],
    ["right", 20],
    ["waving", 18],
  ]);
  const side = outward ?? random.pick([-1, 1] as const);
  // Of two people each has one free side only: whoever waves holds nothing.
  const busy = outward !== null && pose === "waving";
  const carried = carriedThing(random, { chance: busy ? 0 : outward === null ? 0.42 : 0.2, side });
  // An umbrella next to someone else would cover them.
  const alone = outward === null || carried?.kind !== "umbrella";
  return { expression, pose, carried: alone ? carried : null, waveSide: outward ?? (side === 1 ? -1 : 1) };
}

function someone(random: Random, named: number): { person: Person; name: string | null } {
  if (!random.chance(named)) return { person: anonymous(random), name: null };
  const name = random.pick(Object.keys(NAMED_PEOPLE));
  return { person: NAMED_PEOPLE[name]!, name };
}

/** What scenes are asked for: how often people have names and come in twos, and on which side of the split they lie. */
export interface Wish {
  /** Chance that a person is one of the named. */
  named: number;
  /** Chance of two people instead of one. */
  pairs: number;
  /** True: reserved combinations only. False: none. */
  reserved: boolean;
}

function anyScene(random: Random, wish: Wish): Scene {
  const pair = random.chance(wish.pairs);
  const actors: Actor[] = pair
    ? ([-1, 1] as const).map((side) => ({ ...someone(random, wish.named), ...stance(random, side) }))
    : [{ ...someone(random, wish.named), ...stance(random, null) }];
  return {
    place: random.pick(PLACES),
    actors,
    layout: String(random.integer(0, 2 ** 31)),
    zoom: random.between(0.94, 1.07),
    shift: random.between(-14, 14),
    lean: random.between(-3, 3),
  };
}

/** A scene as wished for. The same stream gives the same scene. */
export function sampleScene(random: Random, wish: Wish): Scene {
  for (;;) {
    const scene = anyScene(random, wish);
    const names = scene.actors.map(({ name }) => name).filter((name) => name !== null);
    if (new Set(names).size < names.length) continue;
    const reserved = scene.actors.filter((actor) => isReserved(actor, scene.place)).length;
    if (wish.reserved ? reserved === scene.actors.length : reserved === 0) return scene;
  }
}
