import { box, cloud, type Point, smooth } from "../path.js";
import type { Random } from "../random.js";
import type { Light, Node } from "../shape.js";

/** A place as it is drawn: what lies behind people, what is in front of them, and its light. */
export interface Setting {
  background: Node[];
  foreground: Node[];
  light: Light;
}

/** Light of a sunny day. */
export const DAY: Light = { glow: "#fff3d6", shadow: "#3a2350", from: -1, depth: 1 };

/** A sky that fills the picture. */
export function sky(top: string, bottom: string): Node {
  return { d: box(-2, -2, 260, 260), fill: top, fade: bottom, line: 0 };
}

/** Clouds high up. */
export function clouds(random: Random, count: number, colour = "#ffffff"): Node[] {
  return Array.from({ length: count }, () => {
    const [x, y] = [random.between(10, 246), random.between(22, 66)];
    const r = random.between(18, 30);
    return {
      d: cloud([x, y], [r, r * 0.42], { count: 7, bump: 1.5 }),
      fill: colour,
      opacity: 0.92,
      line: 0.6,
      relief: "down" as const,
    };
  });
}

/** A wavy ground line across the picture, filled down to its edge. */
export function ground(
  random: Random,
  y: number,
  options: { fill: string; fade?: string; swing: number; line?: number },
): Node {
  const points: Point[] = [];
  for (let x = -20; x <= 276; x += 37) points.push([x, y + random.between(-options.swing, options.swing)]);
  const d = `${smooth(points, true)}L290 270L-20 270Z`;
  return { d, fill: options.fill, line: options.line ?? 0.8, ...(options.fade ? { fade: options.fade } : {}) };
}

/** Places fill the sides, since people stand in the middle: a place on one side, a second one on the other. */
export function sides(random: Random): readonly [number, number] {
  return random.chance(0.5)
    ? [random.between(14, 44), random.between(212, 242)]
    : [random.between(212, 242), random.between(14, 44)];
}
