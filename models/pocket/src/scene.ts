import type { Expression, Place, Pose } from "./attributes.js";
import type { Carried } from "./figure/figure.js";
import type { Person } from "./people.js";

/** One person in a scene: who, in what mood, standing how, with what. */
export interface Actor {
  person: Person;
  /** A name of `NAMED_PEOPLE`, or null. */
  name: string | null;
  expression: Expression;
  pose: Pose;
  carried: Carried | null;
  /** The side of the picture on which the arm is raised when the pose is waving. */
  waveSide: -1 | 1;
}

/** A scene: all that a picture shows, whatever its look. Plain data; the same scene is the same picture. */
export interface Scene {
  place: Place;
  /** One, seldom two, from left to right. */
  actors: Actor[];
  /** Seeds what nobody asks for: where trees stand, which windows are lit. */
  layout: string;
  /** 1: a head fills nearly half of the height. */
  zoom: number;
  /** How far people stand from the middle, in drawing units, and how they lean, in degrees. */
  shift: number;
  lean: number;
}
