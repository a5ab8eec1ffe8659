import { backward, backwardAll, enableGrad } from "./autograd.js";
import type { Generator } from "./generator.js";
import { keep, scope } from "./scope.js";
import type { Tensor } from "./tensor.js";

type Part = (...inputs: Tensor[]) => Tensor;

/** A part that has run and runs again in the backward pass. */
interface Segment {
  part: Part;
  inputs: readonly Tensor[];
  output: Tensor;
  /** the generator's state before the part ran, so that the second run draws the same */
  random: Tensor | null;
}
/** A tensor of the recorded graph that segments take; its leaf stands for it in them. */
interface Inlet {
  source: Tensor;
  leaf: Tensor;
}
/** What nothing is differentiated through; later segments may take it. */
interface Constant {
  constant: Tensor;
}

/**
 * Gradient checkpointing (Chen et al. 2016): parts run without keeping what is in them and run again, one at a time,
 * in the backward pass. What is between the parts is recorded as always.
 *
 * Gradients are bit-equal to those of a recorded run where each parameter is used in one part alone: values are made by
 * the same operations, and what several uses of a tensor give is added in the same order. (A parameter of several parts
 * gets their sums one after the other, where a recorded run adds all its uses up first: a difference of rounding.)
 * What is recorded between parts may lead to several parts only as one tensor, not by a path that forks before it.
 */
export class RecomputeTape {
  private readonly order: (Segment | Inlet | Constant)[] = [];
  private readonly inlets = new Map<Tensor, Tensor>();
  private readonly owned = new Set<Tensor>();
  private readonly generator: Generator | null;

  /** @param generator what the parts draw from, if they draw */
  constructor({ generator = null }: { generator?: Generator | null } = {}) {
    this.generator = generator;
  }

  /** Runs a part of which only inputs and output are kept. The output is the tape's: `backward` frees it. */
  run(part: Part, ...inputs: Tensor[]): Tensor {
    const taken = inputs.map((x) => this.inlet(x));
    const random = this.generator === null ? null : this.own(this.generator.getState());
    // recorded, so that the values are those of a recorded run and that it is known whether there is a gradient at all
    const { output, recorded } = scope(() => {
      const result = part(...taken);
      return { output: result.detach(), recorded: result.requiresGrad };
    });
    this.own(output);
    if (recorded) this.order.push({ part, inputs: taken, output: output.requiresGrad_(), random });
    else {
      this.order.push({ constant: output });
      if (random !== null) this.free(random);
    }
    return output;
  }

  /** A leaf that collects the gradient of a recorded tensor from all segments that take it. */
  private inlet(x: Tensor): Tensor {
    if (!x.requiresGrad || this.owned.has(x)) return x;
    let leaf = this.inlets.get(x);
    if (leaf === undefined) {
      leaf = this.own(x.detach()).requiresGrad_();
      this.inlets.set(x, leaf);
      this.order.push({ source: x, leaf });
    }
    return leaf;
  }

  private own(t: Tensor): Tensor {
    this.owned.add(keep(t));
    return t;
  }

  private free(t: Tensor): void {
    this.owned.delete(t);
    t.dispose();
  }

  /**
   * Adds the gradients of a scalar to the `grad` of every leaf, running the parts again from the last to the first.
   * Outputs are freed on the way.
   */
  backward(loss: Tensor): void {
    try {
      backward(loss);
      for (let e = this.order.pop(); e !== undefined; e = this.order.pop()) {
        if ("leaf" in e) this.flow(e);
        else if ("constant" in e) this.free(e.constant);
        else this.again(e);
      }
    } finally {
      this.dispose();
    }
  }

  /** All segments that took the leaf are done: what it collected goes on into the recorded graph. */
  private flow({ source, leaf }: Inlet): void {
    scope(() => {
      const g = leaf.grad;
      this.inlets.delete(source);
      this.free(leaf);
      if (g !== null) backwardAll([source], [g]);
    });
  }

  private again({ part, inputs, output, random }: Segment): void {
    scope(() => {
      const g = output.grad;
      this.free(output); // all that took it is done, and the part makes it anew
      if (g !== null) this.differentiate(part, { inputs, g, random });
    });
    if (random !== null) this.free(random);
  }

  /**
   * What later parts gave to an input is a root of this backward pass, put in before what this part gives: the sum is
   * then built term by term as in a recorded run, and not from one partial sum of each part.
   */
  private differentiate(
    part: Part,
    { inputs, g, random }: { inputs: readonly Tensor[]; g: Tensor; random: Tensor | null },
  ): void {
    const collected = new Map<Tensor, { alias: Tensor; grad: Tensor }>();
    for (const x of inputs) {
      const grad = x.requiresGrad ? x.grad : null;
      if (grad === null || collected.has(x)) continue;
      collected.set(x, { alias: enableGrad(() => x.alias()), grad });
    }
    const result = this.replay(() => part(...inputs.map((x) => collected.get(x)?.alias ?? x)), random);
    for (const x of collected.keys()) x.grad = null;
    const roots = [...collected.values()];
    backwardAll([...roots.map((r) => r.alias), result], [...roots.map((r) => r.grad), g]);
  }

  /** Runs a part with the random numbers of its first run, and leaves the generator as it was. */
  private replay(part: () => Tensor, random: Tensor | null): Tensor {
    if (this.generator === null || random === null) return enableGrad(part);
    const after = this.generator.getState();
    this.generator.setState(random);
    try {
      return enableGrad(part);
    } finally {
      this.generator.setState(after);
    }
  }

  /** Frees what is kept; after an exception between `run` and `backward`. */
  dispose(): void {
    for (const t of this.owned) t.dispose();
    this.owned.clear();
    this.order.length = 0;
    this.inlets.clear();
  }
}
