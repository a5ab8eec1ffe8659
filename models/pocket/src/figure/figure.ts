import type { Colour, ObjectKind } from "../attributes.js";
import type { Point } from "../path.js";
import type { Node } from "../shape.js";
import { animeSigns } from "./anime-face.js";
import { fist, holdingArm, holdingHand, wavingArm } from "./arm.js";
import { behindNeck, clothes, neckwear } from "./clothes.js";
import { brows, face, glasses } from "./face.js";
import { hair } from "./hair.js";
import { hat } from "./hat.js";
import { head, neck } from "./head.js";
import { HELD_UP, type Held, held } from "./held.js";
import type { Rig } from "./rig.js";

/** What someone has with them, and on which side of the picture. */
export interface Carried {
  kind: ObjectKind;
  colour: Colour | null;
  side: -1 | 1;
}

/** Where an object's own origin is. */
function anchor(of: Rig, carried: Carried): Point {
  if (carried.kind === "cat") return [carried.side * (of.shoulder + 2), 116];
  if (carried.kind === "bird") return [carried.side * (of.shoulder - 12), 86];
  return holdingHand(of, carried.side);
}

function moved([x, y]: Point, nodes: readonly Node[]): Node[] {
  return nodes.length === 0 ? [] : [{ transform: `translate(${x} ${y})`, nodes }];
}

/** One person, head to chest, with what they hold. Coordinates as in `Rig`. */
export function figure(of: Rig, options: { carried: Carried | null; waveSide: -1 | 1 }): Node[] {
  const { carried, waveSide } = options;
  const locksOf = hair(of);
  const thing: Held | null = carried && held(carried.kind, carried.colour, carried.side);
  const origin: Point = carried ? anchor(of, carried) : [0, 0];
  const byHand = carried !== null && HELD_UP.includes(carried.kind);
  return [
    ...moved(origin, thing?.behindFigure ?? []),
    ...locksOf.behind,
    ...behindNeck(of),
    neck(of),
    ...clothes(of),
    ...neckwear(of),
    ...locksOf.over,
    ...head(of),
    ...face(of),
    ...locksOf.front,
    ...brows(of),
    ...glasses(of),
    ...hat(of),
    ...(of.manner === "anime" ? animeSigns(of) : []),
    ...(of.pose === "waving" ? wavingArm(of, waveSide) : []),
    ...(byHand && carried ? holdingArm(of, carried.side) : []),
    ...moved(origin, thing?.behindHand ?? []),
    ...(byHand && carried ? fist(of, carried.side) : []),
    ...moved(origin, thing?.overHand ?? []),
  ];
}
