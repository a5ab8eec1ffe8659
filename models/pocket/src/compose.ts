import type { Look } from "./attributes.js";
import { figure } from "./figure/figure.js";
import { rig } from "./figure/rig.js";
import { place } from "./places.js";
import { Random } from "./random.js";
import type { Actor, Scene } from "./scene.js";
import type { Drawing, Group, Manner } from "./shape.js";

/** What each look needs free at the top, in drawing units. */
export const MARGINS: Readonly<Record<Look, number>> = { render: 4, pencil: 6, watercolour: 8, clay: 6, anime: 16 };

/** How far above the eyes a figure reaches, in head units. */
function height(actor: Actor): number {
  const { hair, hat } = actor.person;
  if (actor.carried?.kind === "umbrella") return 112;
  if (hair === "mohawk") return 121;
  if (hat === "top hat") return 114;
  if (hat === "beanie" || hair === "bun") return 108;
  if (hat === "crown" || hat === "beret" || hair === "spiky") return 98;
  return 90;
}

/** Where someone's head is: its origin (see `Rig`) in drawing units, its scale, and how far it leans, in degrees. */
export interface Stand {
  x: number;
  y: number;
  scale: number;
  lean: number;
}

/** Where each of a scene's people stands. `margin` is what a look needs free at the top, in drawing units. */
export function stands(scene: Scene, margin: number): Stand[] {
  const stand = (actor: Actor, at: { x: number; scale: number; lean: number; margin: number }): Stand => {
    // Who wears something tall is a little farther away, so that their clothes stay in the picture.
    const scale = at.scale * (height(actor) > 100 ? 0.93 : 1);
    return { x: at.x, y: Math.max(112 + at.margin * 0.5, height(actor) * scale + at.margin + 4), scale, lean: at.lean };
  };
  if (scene.actors.length === 1)
    return [stand(scene.actors[0]!, { x: 128 + scene.shift, scale: scene.zoom, lean: scene.lean, margin })];
  return scene.actors.map((actor, i) =>
    stand(actor, {
      x: (i === 0 ? 74 : 182) + scene.shift * 0.3,
      scale: scene.zoom * 0.72,
      lean: scene.lean * (i === 0 ? 1 : -1),
      margin: margin + 26,
    }),
  );
}

function placed(actor: Actor, { manner, stand }: { manner: Manner; stand: Stand }): Group {
  const { x, y, scale, lean } = stand;
  const of = rig(actor.person, { expression: actor.expression, pose: actor.pose, manner });
  return {
    transform: `translate(${x.toFixed(1)} ${y.toFixed(1)}) rotate(${lean.toFixed(1)} 0 120) scale(${scale.toFixed(3)})`,
    nodes: figure(of, { carried: actor.carried, waveSide: actor.waveSide }),
  };
}

/** Puts a scene's people into its place. `margin` is what a look needs free at the top, in drawing units. */
export function compose(scene: Scene, options: { manner: Manner; margin: number }): Drawing {
  const { manner, margin } = options;
  const setting = place(scene.place, new Random(scene.layout));
  const at = stands(scene, margin);
  const figures = scene.actors.map((actor, i) => placed(actor, { manner, stand: at[i]! }));
  return { ...setting, figures };
}
