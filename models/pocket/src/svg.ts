import type { Group, Light, Node, Relief, Shape, Stroke } from "./shape.js";

/** How one look turns outlines into paint. Colours are `#rrggbb`; lengths are drawing units. */
export interface Brush {
  /** The colour that the look uses for a thing of this colour. */
  colour(fill: string): string;
  /** The same colour in shadow, and where light strikes it. */
  shade(fill: string): string;
  light(fill: string): string;
  /** `soft`: gradients and blurred marks. `hard`: flat tones. */
  shading: "soft" | "hard";
  /** Whether vertical fades are kept. */
  fades: boolean;
  /** The contour of a shape: its colour and its width for `line: 1`; null where the look draws none. */
  contour(fill: string): { colour: string; width: number } | null;
  /** The colour and width of a stroke; null to leave it out. */
  stroke(stroke: Stroke): { colour: string; width: number; opacity?: number } | null;
}

/** What is defined once and used by several elements of a picture. */
class Definitions {
  readonly #prefix: string;
  readonly #texts = new Map<string, { id: string; text: string }>();

  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  /** The id of a definition, made on first use. */
  id(key: string, make: (id: string) => string): string {
    const known = this.#texts.get(key);
    if (known) return known.id;
    const id = `${this.#prefix}${this.#texts.size}`;
    this.#texts.set(key, { id, text: make(id) });
    return id;
  }

  toString(): string {
    return [...this.#texts.values()].map(({ text }) => text).join("");
  }
}

const stop = (offset: number, colour: string): string => `<stop offset="${offset}" stop-color="${colour}"/>`;

function reliefGradient(
  id: string,
  relief: Relief,
  colours: { lit: string; fill: string; dark: string },
  from: -1 | 1,
): string {
  const { lit, fill, dark } = colours;
  switch (relief) {
    case "ball":
      return `<radialGradient id="${id}" cx="${0.5 + from * 0.17}" cy=".3" r=".82">${stop(0, lit)}${stop(0.38, fill)}${stop(0.62, fill)}${stop(1, dark)}</radialGradient>`;
    case "column":
      return `<linearGradient id="${id}" x1="${from < 0 ? 0 : 1}" y1="0" x2="${from < 0 ? 1 : 0}" y2=".25">${stop(0.02, fill)}${stop(0.25, lit)}${stop(0.55, fill)}${stop(1, dark)}</linearGradient>`;
    default:
      return `<linearGradient id="${id}" x1=".4" y1="0" x2=".5" y2="1">${stop(0, lit)}${stop(0.45, fill)}${stop(1, dark)}</linearGradient>`;
  }
}

/** Writes nodes as SVG elements in the manner of a brush. */
class Painter {
  readonly #brush: Brush;
  readonly #light: Light;
  readonly definitions: Definitions;

  constructor(brush: Brush, options: { light: Light; prefix: string }) {
    this.#brush = brush;
    this.#light = options.light;
    this.definitions = new Definitions(options.prefix);
  }

  nodes(nodes: readonly Node[]): string {
    return nodes
      .map((node) => ("nodes" in node ? this.#group(node) : "fill" in node ? this.#shape(node) : this.#stroke(node)))
      .join("");
  }

  #group(group: Group): string {
    const transform = group.transform ? ` transform="${group.transform}"` : "";
    const opacity = group.opacity === undefined ? "" : ` opacity="${group.opacity}"`;
    const clip = group.clip ? ` clip-path="url(#${this.#clip(group.clip)})"` : "";
    return `<g${transform}${opacity}${clip}>${this.nodes(group.nodes)}</g>`;
  }

  #clip(d: string): string {
    return this.definitions.id(`clip ${d}`, (id) => `<clipPath id="${id}"><path d="${d}"/></clipPath>`);
  }

  #blur(deviation: number): string {
    return this.definitions.id(
      `blur ${deviation}`,
      (id) =>
        `<filter id="${id}" x="-25%" y="-25%" width="150%" height="150%" color-interpolation-filters="sRGB"><feGaussianBlur stdDeviation="${deviation}"/></filter>`,
    );
  }

  #paint(shape: Shape): string {
    const brush = this.#brush;
    const fill = brush.colour(shape.fill);
    if (shape.fade && brush.fades) {
      const to = brush.colour(shape.fade);
      return `url(#${this.definitions.id(`fade ${fill} ${to}`, (id) => `<linearGradient id="${id}" x1="0" y1="0" x2="0" y2="1">${stop(0, fill)}${stop(1, to)}</linearGradient>`)})`;
    }
    if (brush.shading === "hard" || !shape.relief || shape.relief === "flat") return fill;
    const colours = { lit: brush.light(shape.fill), fill, dark: brush.shade(shape.fill) };
    const { relief } = shape;
    return `url(#${this.definitions.id(`${relief} ${fill}`, (id) => reliefGradient(id, relief, colours, this.#light.from))})`;
  }

  #shape(shape: Shape): string {
    const paint = this.#paint(shape);
    const opacity = shape.opacity === undefined ? "" : ` opacity="${shape.opacity}"`;
    const contour = (shape.line ?? 1) > 0 && shape.opacity === undefined ? this.#brush.contour(shape.fill) : null;
    const line = contour
      ? ` stroke="${contour.colour}" stroke-width="${(contour.width * (shape.line ?? 1)).toFixed(2)}"`
      : "";
    if (!shape.marks?.length) return `<path d="${shape.d}" fill="${paint}"${opacity}${line}/>`;
    // The contour goes on last: marks must not cover it.
    const marks = `<g clip-path="url(#${this.#clip(shape.d)})">${this.#marks(shape)}</g>`;
    const edge = contour ? `<path d="${shape.d}" fill="none"${line}/>` : "";
    return `<path d="${shape.d}" fill="${paint}"${opacity}/>${marks}${edge}`;
  }

  #marks(shape: Shape): string {
    const brush = this.#brush;
    return (shape.marks ?? [])
      .map((mark) => {
        const colour =
          mark.paint === "shade"
            ? brush.shade(shape.fill)
            : mark.paint === "light"
              ? brush.light(shape.fill)
              : brush.colour(mark.paint);
        const opacity =
          mark.opacity === undefined || mark.opacity === 1 ? "" : ` opacity="${Math.min(1, mark.opacity).toFixed(2)}"`;
        const soft = mark.soft && brush.shading === "soft" ? ` filter="url(#${this.#blur(mark.soft)})"` : "";
        const paint =
          mark.width === undefined ? `fill="${colour}"` : `fill="none" stroke="${colour}" stroke-width="${mark.width}"`;
        return `<path d="${mark.d}" ${paint}${opacity}${soft}/>`;
      })
      .join("");
  }

  #stroke(stroke: Stroke): string {
    const line = this.#brush.stroke(stroke);
    if (!line) return "";
    const visible = line.opacity ?? stroke.opacity;
    const opacity = visible === undefined ? "" : ` opacity="${visible}"`;
    return `<path d="${stroke.d}" fill="none" stroke="${line.colour}" stroke-width="${line.width.toFixed(2)}"${opacity}/>`;
  }
}

/** One page of a document: nodes, lowest first, each part in the manner of a brush. */
export type Page = readonly { nodes: readonly Node[]; brush: Brush }[];

/**
 * One SVG document with all pages below each other, each `size` × `size` pixels over the drawing's 256 × 256 units.
 * One document is one call of the rasteriser, and a call costs as much as a simple page.
 */
export function pages(list: readonly Page[], options: { light: Light; size: number }): string {
  const { light, size } = options;
  const parts = list.map((page, i) => {
    const strata = page.map(({ nodes, brush }, k) => {
      const painter = new Painter(brush, { light, prefix: `p${i}_${k}_` });
      const body = painter.nodes(nodes);
      return `<defs>${painter.definitions}</defs>${body}`;
    });
    return `<svg y="${i * size}" width="${size}" height="${size}" viewBox="0 0 256 256">${strata.join("")}</svg>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${size}" height="${size * list.length}" stroke-linecap="round" stroke-linejoin="round">${parts.join("")}</svg>`;
}
