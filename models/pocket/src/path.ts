/** SVG path data for the few outlines that everything is drawn with. Units are the drawing's own (256 to a side). */

export type Point = readonly [x: number, y: number];

const text = (value: number): string => String(Math.round(value * 10) / 10);
const at = (x: number, y: number): string => `${text(x)} ${text(y)}`;

/** Straight lines through the points, closed unless `open`. */
export function polygon(points: readonly Point[], open = false): string {
  return `M${points.map(([x, y]) => at(x, y)).join("L")}${open ? "" : "Z"}`;
}

/** An ellipse. */
export function ellipse(cx: number, cy: number, rx: number, ry: number = rx): string {
  const radii = `${text(rx)} ${text(ry)} 0 1 0 `;
  return `M${at(cx - rx, cy)}A${radii}${at(cx + rx, cy)}A${radii}${at(cx - rx, cy)}Z`;
}

/** A rectangle with round corners. */
export function box(x: number, y: number, width: number, height: number, radius = 0): string {
  if (radius === 0) return `M${at(x, y)}h${text(width)}v${text(height)}h${text(-width)}Z`;
  const r = text(radius);
  const w = text(width - 2 * radius);
  const h = text(height - 2 * radius);
  const arc = (dx: string, dy: string): string => `a${r} ${r} 0 0 1 ${dx} ${dy}`;
  return `M${at(x + radius, y)}h${w}${arc(r, r)}v${h}${arc(`-${r}`, r)}h-${w}${arc(`-${r}`, `-${r}`)}v-${h}${arc(r, `-${r}`)}Z`;
}

/** A smooth curve through all points (Catmull-Rom, as cubic Béziers); closed unless `open`. */
export function smooth(points: readonly Point[], open = false): string {
  const n = points.length;
  const point = (i: number): Point => (open ? points[Math.min(n - 1, Math.max(0, i))]! : points[(i + n) % n]!);
  let d = `M${at(...points[0]!)}`;
  for (let i = 0; i < (open ? n - 1 : n); i++) {
    const [p, a, b, q] = [point(i - 1), point(i), point(i + 1), point(i + 2)];
    const c1 = at(a[0] + (b[0] - p[0]) / 6, a[1] + (b[1] - p[1]) / 6);
    const c2 = at(b[0] - (q[0] - a[0]) / 6, b[1] - (q[1] - a[1]) / 6);
    d += `C${c1} ${c2} ${at(b[0], b[1])}`;
  }
  return open ? d : `${d}Z`;
}

/**
 * Continues a path through valleys and tips in turn (tip, valley, tip, … the last one a valley), each lock bent to one
 * side: what drawn hair is made of. `bend` is how far, as a part of the lock's length, the sides bow out.
 */
export function locks(from: Point, points: readonly Point[], bend = 0.18): string {
  let d = "";
  let [x, y] = from;
  points.forEach(([toX, toY], i) => {
    const side = i % 2 === 0 ? bend : -bend * 0.35;
    d += `Q${at((x + toX) / 2 + (toY - y) * side, (y + toY) / 2 - (toX - x) * side)} ${at(toX, toY)}`;
    [x, y] = [toX, toY];
  });
  return d;
}

/** A tapering band along a smooth line, with a round end: arms, braids, tails. `widths` are full widths at the points. */
export function ribbon(points: readonly Point[], widths: readonly number[]): string {
  const left: Point[] = [];
  const right: Point[] = [];
  points.forEach(([x, y], i) => {
    const before = points[Math.max(0, i - 1)]!;
    const after = points[Math.min(points.length - 1, i + 1)]!;
    const length = Math.hypot(after[0] - before[0], after[1] - before[1]) || 1;
    const [nx, ny] = [-(after[1] - before[1]) / length, (after[0] - before[0]) / length];
    const half = widths[i]! / 2;
    left.push([x + nx * half, y + ny * half]);
    right.push([x - nx * half, y - ny * half]);
  });
  const last = points.length - 1;
  const [endX, endY] = points[last]!;
  const [beforeX, beforeY] = points[last - 1]!;
  const length = Math.hypot(endX - beforeX, endY - beforeY) || 1;
  const reach = (widths[last]! / 2) * 0.9;
  const cap: Point = [endX + ((endX - beforeX) / length) * reach, endY + ((endY - beforeY) / length) * reach];
  return smooth([...left, cap, ...right.reverse()]);
}

/** A scalloped ring of `count` round bumps between two radii about a centre: curls, bushes, clouds. */
export function cloud(
  centre: Point,
  radii: Point,
  options: { count: number; bump: number; from?: number; to?: number },
): string {
  const { count, bump, from = 0, to = Math.PI * 2 } = options;
  const [cx, cy] = centre;
  const [rx, ry] = radii;
  let d = "";
  for (let i = 0; i <= count; i++) {
    const angle = from + ((to - from) * i) / count;
    const [x, y] = [cx + rx * Math.cos(angle), cy + ry * Math.sin(angle)];
    if (i === 0) d = `M${at(x, y)}`;
    else {
      const middle = from + ((to - from) * (i - 0.5)) / count;
      d += `Q${at(cx + rx * bump * Math.cos(middle), cy + ry * bump * Math.sin(middle))} ${at(x, y)}`;
    }
  }
  return `${d}Z`;
}
