import { FileFormatError, keep, type Module, noGrad } from "@stillframe/torch";
import type { LoraEntry, LoraWeights } from "./format.js";
import { type Adaptable, adapted, layerSlots } from "./inject.js";
import { LoraLayer } from "./layer.js";
import type { LoraPart } from "./names.js";

/**
 * Wraps the layers that an adapter touches and gives them its factors (as float32 copies).
 *
 * @throws FileFormatError when a factor does not fit its layer
 */
export function applyLora(
  models: Partial<Record<LoraPart, Module>>,
  adapter: LoraWeights,
  { source = "the adapter" }: { source?: string } = {},
): number {
  let applied = 0;
  for (const [part, entries] of Object.entries(adapter.parts) as [LoraPart, LoraWeights["parts"][LoraPart]][]) {
    const model = models[part];
    if (model === undefined) continue;
    for (const slot of layerSlots(model)) {
      const entry = entries.get(slot.path);
      if (entry === undefined || slot.layer instanceof LoraLayer) continue;
      slot.replace(wrapped(slot.layer, entry, { name: `${part}.${slot.path}`, source }));
      applied += 1;
    }
  }
  return applied;
}

const written = (shape: readonly (number | string)[]): string => `[${shape.join(", ")}]`;

function wrapped(base: Adaptable, { down, up, alpha }: LoraEntry, { name, source }: { name: string; source: string }) {
  const rank = down.shape[0] ?? 0;
  if (rank < 1) throw new FileFormatError(source, `layer ${name} expects a rank of at least 1 but received ${rank}`);
  const layer = adapted(base, { rank, alpha: alpha ?? rank });
  const { loraA, loraB } = layer;
  if (down.shape.join() !== loraA.shape.join() || up.shape.join() !== loraB.shape.join())
    throw new FileFormatError(
      source,
      `layer ${name} expects factors ${written(["rank", ...loraA.shape.slice(1)])} and ${written([loraB.size(0), "rank", ...loraB.shape.slice(2)])} but received ${written(down.shape)} and ${written(up.shape)}`,
    );
  const { device } = base.weight;
  noGrad(() => {
    loraA.dispose();
    loraB.dispose();
    layer.loraA = keep(down.to({ dtype: "float32", device, copy: true }));
    layer.loraB = keep(up.to({ dtype: "float32", device, copy: true }));
  });
  return layer;
}
