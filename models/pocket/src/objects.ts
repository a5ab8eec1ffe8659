import type { Look } from "./attributes.js";
import { MARGINS, type Stand, stands } from "./compose.js";
import type { Scene } from "./scene.js";

/** What is where in a picture, laid out as in Hugging Face's data sets for object detection. */
export interface Objects {
  /** Left, top, width and height in pixels, within the picture. */
  bbox: [number, number, number, number][];
  category: Part[];
  /** What each counts in the loss beside 1 for the place behind (`--regions_column=objects`). Later boxes lie on earlier ones. */
  weight: number[];
}

export type Part = "person" | "face" | "mouth";

/**
 * A part's middle and half its width and height in a head's own coordinates (see `Rig`), and what it counts. A mouth says
 * the mood, and is a few of a picture's latents.
 */
const PARTS: readonly { category: Part; y: number; radii: readonly [number, number]; weight: number }[] = [
  { category: "person", y: 40, radii: [104, 150], weight: 2 },
  { category: "face", y: 6, radii: [48, 66], weight: 6 },
  { category: "mouth", y: 40, radii: [24, 17], weight: 20 },
];
/** Drawing units along a picture's side. */
const CANVAS = 256;

function boxOf({ x, y, scale, lean }: Stand, part: (typeof PARTS)[number], size: number): Objects["bbox"][number] {
  const angle = (lean * Math.PI) / 180;
  // heads turn about a point between the shoulders, 120 below the eyes
  const [u, v] = [0, scale * part.y - 120];
  const [dx, dy] = [u * Math.cos(angle) - v * Math.sin(angle), u * Math.sin(angle) + v * Math.cos(angle) + 120];
  const [rx, ry] = part.radii;
  const pixel = (units: number): number => Math.round((Math.min(CANVAS, Math.max(0, units)) * size * 10) / CANVAS) / 10;
  const [left, top] = [pixel(x + dx - rx * scale), pixel(y + dy - ry * scale)];
  const [right, bottom] = [pixel(x + dx + rx * scale), pixel(y + dy + ry * scale)];
  return [left, top, Math.round((right - left) * 10) / 10, Math.round((bottom - top) * 10) / 10];
}

/** The people of a scene with their faces and mouths, in a picture of `size` pixels a side. */
export function objectsOf(scene: Scene, { look, size }: { look: Look; size: number }): Objects {
  const people = stands(scene, MARGINS[look]);
  const all = PARTS.flatMap((part) => people.map((stand) => ({ part, bbox: boxOf(stand, part, size) })));
  return {
    bbox: all.map(({ bbox }) => bbox),
    category: all.map(({ part }) => part.category),
    weight: all.map(({ part }) => part.weight),
  };
}
