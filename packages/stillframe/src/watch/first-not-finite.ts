import type { Module } from "@stillframe/torch";
import { noGrad, scope, Tensor } from "@stillframe/torch";

type Forward = (...inputs: unknown[]) => unknown;

const allFinite = (t: Tensor): boolean => noGrad(() => scope(() => Boolean(t.isfinite().all().item())));

/**
 * Runs `body` and finds the first layer whose output has NaN or infinity in it, innermost first.
 *
 * @param parts what is looked at, by name
 * @returns the layer's path, for instance `unet.down_blocks.0.resnets.0.conv1`, and whether its own weights are finite;
 *   null when every output is
 */
export function firstNotFinite(
  parts: Readonly<Record<string, Module>>,
  body: () => unknown,
): { path: string; weightsFinite: boolean } | null {
  let found: { path: string; weightsFinite: boolean } | null = null;
  const watched: { forward?: Forward }[] = [];
  for (const [name, part] of Object.entries(parts))
    for (const { path, module } of part.modules(name)) {
      const layer = module as unknown as { forward?: Forward };
      const { forward } = layer;
      if (typeof forward !== "function") continue;
      watched.push(layer);
      layer.forward = (...inputs) => {
        const output = forward.apply(layer, inputs);
        if (found === null && output instanceof Tensor && !allFinite(output))
          found = { path, weightsFinite: [...module.weights()].every((w) => allFinite(w.tensor)) };
        return output;
      };
    }
  try {
    noGrad(() => scope(() => void body()));
  } finally {
    // the class's own method is there again
    for (const layer of watched) delete layer.forward;
  }
  return found;
}
