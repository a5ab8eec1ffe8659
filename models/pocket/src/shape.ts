/**
 * What a picture is made of before any look has touched it: outlines with colours, and hints on how light falls. A look
 * decides what an outline, a shadow or a highlight becomes: ink and a flat tone, a soft gradient, hatching, a wash.
 */

/** How a surface is curved, for the looks that shade. */
export type Relief = "flat" | "ball" | "column" | "down";

/** Something on a shape's surface, cut off at its edge. */
export interface Mark {
  d: string;
  /** A shadow, a highlight, or paint of a colour. */
  paint: "shade" | "light" | `#${string}`;
  /** How soft its edge is in looks that shade, in drawing units (0: always sharp). */
  soft?: number;
  opacity?: number;
  /** Drawn as a line of this width instead of filled. */
  width?: number;
}

export interface Shape {
  d: string;
  fill: string;
  /** Second colour at the bottom of a vertical gradient. */
  fade?: string;
  relief?: Relief;
  /** Weight of the contour in looks that draw one; 1 is normal, 0 is none. */
  line?: number;
  marks?: readonly Mark[];
  opacity?: number;
}

export interface Stroke {
  d: string;
  colour: string;
  width: number;
  opacity?: number;
  /** A stroke that pictures a thing (rims, strings) and is no mere line: looks without lines keep it as it is. */
  thing?: boolean;
}

export interface Group {
  nodes: readonly Node[];
  transform?: string;
  clip?: string;
  opacity?: number;
}

export type Node = Shape | Stroke | Group;

/** `natural`: the proportions of the world. `anime`: large eyes, pointed chins, hair in locks. */
export type Manner = "natural" | "anime";

/** What a drawing consists of, farthest first. */
export interface Drawing {
  background: readonly Node[];
  figures: readonly Node[];
  foreground: readonly Node[];
  light: Light;
}

/** The light of a place. */
export interface Light {
  /** Colour of the lit side and of shadows. */
  glow: string;
  shadow: string;
  /** Where the light comes from: -1 left, 1 right. */
  from: -1 | 1;
  /** How strong shadows are, 0 to 1. */
  depth: number;
}
