import type { Colour, EyeColour, HairColour, Skin } from "./attributes.js";

/** Colours are `#rrggbb`, sRGB. These are as they look in even daylight; each look changes them in its own way. */

export const SKIN: Readonly<Record<Skin, string>> = {
  pale: "#f6d3ba",
  tan: "#e0ab7e",
  brown: "#a86f45",
  dark: "#6a4229",
};
export const HAIR: Readonly<Record<HairColour, string>> = {
  black: "#2b2728",
  brown: "#6f4526",
  blond: "#e8c163",
  red: "#c4491d",
  white: "#e6e4e2",
  blue: "#3f74d6",
  green: "#3f9c57",
  pink: "#ef7fb3",
  purple: "#7f50b8",
};
export const IRIS: Readonly<Record<EyeColour, string>> = { brown: "#6b3f1c", blue: "#3a8ae0", green: "#3aa84a" };
export const CLOTH: Readonly<Record<Colour, string>> = {
  red: "#cf3832",
  orange: "#ef8a2b",
  yellow: "#f3cb3b",
  green: "#489c4c",
  blue: "#3a6bc8",
  purple: "#8250b9",
  pink: "#f18bb6",
  black: "#34343b",
  white: "#f2f0ec",
};

type Rgb = readonly [number, number, number];

/** `#rrggbb` → three numbers from 0 to 255. */
export function rgb(colour: string): Rgb {
  const value = Number.parseInt(colour.slice(1), 16);
  return [value >> 16, (value >> 8) & 255, value & 255];
}

function hex(channels: Rgb): string {
  const clamp = (v: number): number => Math.max(0, Math.min(255, Math.round(v)));
  return `#${((1 << 24) | (clamp(channels[0]) << 16) | (clamp(channels[1]) << 8) | clamp(channels[2])).toString(16).slice(1)}`;
}

/** The colour that lies `amount` (0 to 1) of the way from one to the other. */
export function mix(one: string, other: string, amount: number): string {
  const [a, b] = [rgb(one), rgb(other)];
  return hex([0, 1, 2].map((i) => a[i]! + (b[i]! - a[i]!) * amount) as unknown as Rgb);
}

/** The colour as light of the other colour shows it. */
export function multiply(one: string, other: string): string {
  const [a, b] = [rgb(one), rgb(other)];
  return hex([0, 1, 2].map((i) => (a[i]! * b[i]!) / 255) as unknown as Rgb);
}

/** Farther from grey (`factor` above 1) or nearer to it (below 1), at the same lightness. */
export function saturate(colour: string, factor: number): string {
  const channels = rgb(colour);
  const grey = luma(colour);
  return hex(channels.map((c) => grey + (c - grey) * factor) as unknown as Rgb);
}

/** Perceived lightness from 0 to 255 (Rec. 601 weights). */
export function luma(colour: string): number {
  const [r, g, b] = rgb(colour);
  return 0.299 * r + 0.587 * g + 0.114 * b;
}

export const darker = (colour: string, amount: number): string => mix(colour, "#150f24", amount);
export const lighter = (colour: string, amount: number): string => mix(colour, "#fffaf0", amount);
