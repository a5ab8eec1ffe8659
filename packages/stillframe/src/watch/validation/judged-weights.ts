import type { Ema } from "../../train/ema.js";
import type { Trainable } from "../../train/trainable.js";

/**
 * Puts what is judged in the place of what is trained: averaged weights where averages are kept, and no dropout.
 *
 * @returns what puts everything back as it was, bit for bit
 */
export function judgedWeights({ adapter }: Pick<Trainable, "adapter">, ema: Ema | null): () => void {
  const layers = Object.values(adapter ?? {}).flatMap((part) => part.map(({ layer }) => layer));
  const dropouts = layers.map((layer) => layer.dropout);
  for (const layer of layers) layer.dropout = 0;
  const giveBack = ema?.lend();
  return () => {
    giveBack?.();
    for (const [i, layer] of layers.entries()) layer.dropout = dropouts[i] as number;
  };
}
