import type { Tensor } from "../tensor.js";

/** What a trainer asks of an optimizer. */
export interface Optimizer {
  /** learning rate of each group of parameters, to be set before a step */
  readonly groups: { readonly parameters: readonly Tensor[]; lr: number }[];
  /** One step along the accumulated gradients. */
  step(): void;
  /** All that a resumed run needs: tensors and numbers. The tensors stay the optimizer's. */
  state(): OptimizerState;
  /** Continues from a state that `state` gave. */
  loadState(state: OptimizerState): void;
  /** Frees its own tensors. */
  dispose(): void;
}

export interface OptimizerState {
  tensors: Map<string, Tensor>;
  numbers: Record<string, number>;
}
