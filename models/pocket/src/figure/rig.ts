import type { Expression, Pose } from "../attributes.js";
import { multiply, SKIN } from "../palette.js";
import type { Person } from "../people.js";
import type { Manner } from "../shape.js";

/**
 * What the parts of a figure need to know of each other. Coordinates are the head's: the origin lies between the eyes,
 * x to the picture's right, y down; a face is about 88 wide and 118 high.
 */
export interface Rig {
  person: Person;
  expression: Expression;
  pose: Pose;
  manner: Manner;
  /** -1: the head looks to the picture's left; 1: to its right. */
  turn: -1 | 0 | 1;
  child: boolean;
  female: boolean;
  skin: string;
  /** Half the width of the shoulders. */
  shoulder: number;
}

const SHOULDER = { boy: 56, girl: 53, man: 76, woman: 62 } as const;
/** Anime stills draw children smaller and men broader than they are. */
const ANIME_SHOULDER = { boy: 47, girl: 43, man: 78, woman: 57 } as const;

/** Everything about a figure that follows from who it is and how it stands. */
export function rig(person: Person, stance: { expression: Expression; pose: Pose; manner: Manner }): Rig {
  const { kind } = person;
  return {
    ...stance,
    person,
    turn: stance.pose === "left" ? -1 : stance.pose === "right" ? 1 : 0,
    child: kind === "boy" || kind === "girl",
    female: kind === "girl" || kind === "woman",
    skin: SKIN[person.skin],
    shoulder: (stance.manner === "anime" ? ANIME_SHOULDER : SHOULDER)[kind],
  };
}

const COS = 0.92;
const SIN = 0.39;

/** Where a point on the head, `depth` in front of its middle, is seen when the head is turned. */
export function across(of: Rig, x: number, depth: number): number {
  return of.turn === 0 ? x : x * COS + of.turn * depth * SIN;
}

/** How much narrower a feature at `x` becomes on the far side of a turned head. */
export function foreshortening(of: Rig, x: number): number {
  if (of.turn === 0) return 1;
  return Math.sign(x) === of.turn ? 0.78 : 1.02;
}

/** Where the middle of an eye is, and how wide it is next to one that is seen from the front. */
export function eyePlace(of: Rig, side: -1 | 1): { x: number; y: number; squeeze: number } {
  const anime = of.manner === "anime";
  const x = side * (anime ? 20 : of.child ? 19 : 18);
  return {
    x: across(of, x, anime ? 26 : 30),
    y: anime ? (of.child ? 12 : 9) : of.child ? 4 : 2,
    squeeze: foreshortening(of, x),
  };
}

/** How an expression moves lids and brows: rise of the brow, its slope (positive: inner end down), opening of the eye. */
export interface Mood {
  rise: number;
  slope: number;
  open: number;
}

/** The colour of skin in its own shadow. */
export function skinShade(of: Rig): string {
  return multiply(of.skin, of.manner === "anime" ? "#d98f8f" : "#c98a7a");
}
