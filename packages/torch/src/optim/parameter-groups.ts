import { invalid } from "../errors.js";
import type { Tensor } from "../tensor.js";
import type { ParameterGroup } from "./adamw.js";

/**
 * An optimizer's own groups from what it is given: tensors alone are one group with the rate `lr`.
 *
 * @throws InvalidArgumentError when a tensor is there twice, a rate is no rate, or tensors and groups are mixed
 */
export function parameterGroups(
  parameters: readonly Tensor[] | readonly ParameterGroup[],
  lr: number,
): ParameterGroup[] {
  const list: readonly (Tensor | ParameterGroup)[] = parameters;
  const groups = list.filter((p): p is ParameterGroup => "parameters" in p).map((g) => ({ ...g }));
  if (groups.length > 0 && groups.length < list.length)
    throw invalid("parameters", "tensors alone or groups alone", list);
  const own = groups.length > 0 ? groups : [{ parameters: list as readonly Tensor[], lr }];
  const all = own.flatMap((g) => g.parameters);
  if (new Set(all).size < all.length) throw invalid("parameters", "each tensor once", "a tensor that is there twice");
  for (const rate of [lr, ...own.map((g) => g.lr)]) if (!(rate >= 0)) throw invalid("lr", "a number from 0", rate);
  return own;
}
