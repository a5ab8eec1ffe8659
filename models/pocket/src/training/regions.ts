import { type Stand, stands } from "../compose.js";
import type { Scene } from "../scene.js";

/** What a place in a picture counts in the loss, before the mean is made one. */
export interface RegionWeights {
  /** most of what a mood is */
  mouth: number;
  /** the rest of a face */
  face: number;
  /** the rest of a person: hair, clothes, arms, and what they hold */
  figure: number;
  /** all else */
  place: number;
}

/** Drawing units along a picture's side. */
const CANVAS = 256;
/** Free drawing units at the top of most looks; an anime still's letterbox is never trained on here. */
const MARGIN = 4;

/** A point of the picture in a head's own coordinates (see `Rig`). */
function onHead({ x, y, scale, lean }: Stand, u: number, v: number): [number, number] {
  const angle = (-lean * Math.PI) / 180;
  const [dx, dy] = [u - x, v - y - 120];
  const [rx, ry] = [dx * Math.cos(angle) - dy * Math.sin(angle), dx * Math.sin(angle) + dy * Math.cos(angle) + 120];
  return [rx / scale, ry / scale];
}

/** A flat hill: one inside an ellipse about (0, `y`), half at its edge, nothing outside. */
function hill(x: number, y: number, radii: readonly [number, number]): number {
  const reach = (x / radii[0]) ** 2 + (y / radii[1]) ** 2;
  return 1 / (1 + reach ** 4);
}

/**
 * What each place of a picture of this scene counts in the loss, `side` × `side`, row by row, with the mean one. A mood is
 * a mouth and two brows, a few of a picture's latents: with equal weights the background's leaves outvote them for tens
 * of thousands of steps.
 */
export function regionsOf(scene: Scene, side: number, weights: RegionWeights): Float32Array {
  const people = stands(scene, MARGIN);
  const { mouth, face, figure, place } = weights;
  const out = new Float32Array(side * side);
  let sum = 0;
  for (let j = 0, i = 0; j < side; j++)
    for (let k = 0; k < side; k++, i++) {
      let weight = place;
      for (const stand of people) {
        const [x, y] = onHead(stand, ((k + 0.5) * CANVAS) / side, ((j + 0.5) * CANVAS) / side);
        weight = Math.max(
          weight,
          place + (figure - place) * hill(x, y - 40, [104, 150]),
          place + (face - place) * hill(x, y - 14, [46, 56]),
          place + (mouth - place) * hill(x, y - 39, [20, 15]),
        );
      }
      out[i] = weight;
      sum += weight;
    }
  const scale = out.length / sum;
  return out.map((w) => w * scale);
}
