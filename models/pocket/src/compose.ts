import { figure } from "./figure/figure.js";
import { rig } from "./figure/rig.js";
import { place } from "./places.js";
import { Random } from "./random.js";
import type { Actor, Scene } from "./scene.js";
import type { Drawing, Group, Manner } from "./shape.js";

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

function placed(
  actor: Actor,
  options: { manner: Manner; x: number; scale: number; lean: number; margin: number },
): Group {
  const { manner, x, lean, margin } = options;
  // Who wears something tall is a little farther away, so that their clothes stay in the picture.
  const scale = options.scale * (height(actor) > 100 ? 0.93 : 1);
  const y = Math.max(112 + margin * 0.5, height(actor) * scale + margin + 4);
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
  const figures =
    scene.actors.length === 1
      ? [placed(scene.actors[0]!, { manner, x: 128 + scene.shift, scale: scene.zoom, lean: scene.lean, margin })]
      : scene.actors.map((actor, i) =>
          placed(actor, {
            manner,
            x: (i === 0 ? 74 : 182) + scene.shift * 0.3,
            scale: scene.zoom * 0.72,
            lean: scene.lean * (i === 0 ? 1 : -1),
            margin: margin + 26,
          }),
        );
  return { ...setting, figures };
}
