import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import opentype, { type Font, type Glyph } from "opentype.js";

/** A line of text in a drawing. */
export interface Lettering {
  x: number;
  /** of the baseline */
  y: number;
  text: string;
  /** height of the font in pixels */
  size: number;
  fill: string;
  anchor?: "start" | "middle" | "end";
  bold?: boolean;
  /** degrees, about (x, y) */
  rotate?: number;
}

const FONTS = join(dirname(createRequire(import.meta.url).resolve("dejavu-fonts-ttf/package.json")), "ttf");

const load = (file: string): (() => Font) => {
  let font: Font | undefined;
  return () => {
    const bytes = readFileSync(join(FONTS, file));
    font ??= opentype.parse(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
    return font;
  };
};
const regular = load("DejaVuSans.ttf");
const bold = load("DejaVuSans-Bold.ttf");

/**
 * The glyphs of a text with their places, from 0. Letter after letter with kerning: enough for labels and names (the
 * library's own shaping refuses this font's tables).
 */
function placed({ text, size, bold: heavy = false }: Pick<Lettering, "text" | "size" | "bold">): {
  glyphs: { glyph: Glyph; x: number }[];
  width: number;
} {
  const font = heavy ? bold() : regular();
  const scale = size / font.unitsPerEm;
  let x = 0;
  let previous: Glyph | undefined;
  const glyphs = Array.from(text, (character) => {
    const glyph = font.charToGlyph(character);
    if (previous !== undefined) x += font.getKerningValue(previous, glyph) * scale;
    const at = x;
    x += (glyph.advanceWidth ?? 0) * scale;
    previous = glyph;
    return { glyph, x: at };
  });
  return { glyphs, width: x };
}

/** Width of a text in pixels. */
export const widthOf = (text: Pick<Lettering, "text" | "size" | "bold">): number => placed(text).width;

/** A text as outlines: it looks the same wherever the drawing is shown, with fonts installed or without. */
export function lettering(l: Lettering): string {
  const { glyphs, width } = placed(l);
  const left = l.anchor === "middle" ? l.x - width / 2 : l.anchor === "end" ? l.x - width : l.x;
  const outlines = glyphs.map(({ glyph, x }) => glyph.getPath(left + x, l.y, l.size).toPathData(2));
  const turn = l.rotate === undefined ? "" : ` transform="rotate(${l.rotate} ${l.x} ${l.y})"`;
  return `<path fill="${l.fill}"${turn} d="${outlines.join("")}"/>`;
}
