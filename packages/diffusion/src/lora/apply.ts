import { FileFormatError, keep, type Module, noGrad } from "@stillframe/torch";
import type { LoraWeights } from "./format.js";
import { linearSlots } from "./inject.js";
import { LoraLinear } from "./layer.js";
import type { LoraPart } from "./names.js";

/**
 * Wraps the layers that an adapter touches and gives them its matrices (as float32 copies).
 *
 * @throws FileFormatError when a matrix does not fit its layer
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
    for (const slot of linearSlots(model)) {
      const entry = entries.get(slot.path);
      if (entry === undefined || slot.layer instanceof LoraLinear) continue;
      const base = slot.layer;
      const { rank, inFeatures } = entry.down.dims("rank inFeatures");
      if (inFeatures !== base.inFeatures || entry.up.shape.join() !== [base.outFeatures, rank].join())
        throw new FileFormatError(
          source,
          `layer ${part}.${slot.path} expects matrices [rank, ${base.inFeatures}] and [${base.outFeatures}, rank] but received [${entry.down.shape.join(", ")}] and [${entry.up.shape.join(", ")}]`,
        );
      const layer = new LoraLinear(base, { rank, alpha: entry.alpha ?? rank });
      const device = base.weight.device;
      noGrad(() => {
        layer.loraA.dispose();
        layer.loraB.dispose();
        layer.loraA = keep(entry.down.to({ dtype: "float32", device, copy: true }));
        layer.loraB = keep(entry.up.to({ dtype: "float32", device, copy: true }));
      });
      slot.replace(layer);
      applied += 1;
    }
  }
  return applied;
}
