import { backward, backwardAll, enableGrad, noGrad } from "./autograd.js";
import type { Generator } from "./generator.js";
import { keep, scope } from "./scope.js";
import type { Tensor } from "./tensor.js";

type Part = (...inputs: Tensor[]) => Tensor;

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

/**
 * Gradient checkpointing (Chen et al. 2016): parts run without keeping what is in them and run again, one at a time,
 * in the backward pass. What is between the parts is recorded as always. Gradients are bit-equal to those of a
 * recorded run: every part's backward is the same sequence of operations.
 */
export class RecomputeTape {
  private readonly order: (Segment | Inlet)[] = [];
  private readonly inlets = new Map<Tensor, Tensor>();
  private readonly owned: Tensor[] = [];
  private readonly generator: Generator | null;

  /** @param generator what the parts draw from, if they draw */
  constructor({ generator = null }: { generator?: Generator | null } = {}) {
    this.generator = generator;
  }

  /** Runs a part of which only inputs and output are kept. */
  run(part: Part, ...inputs: Tensor[]): Tensor {
    const taken = inputs.map((x) => this.inlet(x));
    const random = this.generator === null ? null : this.own(this.generator.getState());
    const output = this.own(noGrad(() => scope(() => part(...taken).detach()))).requiresGrad_();
    this.order.push({ part, inputs: taken, output, random });
    return output;
  }

  /** A leaf that collects the gradient of a recorded tensor from all segments that take it. */
  private inlet(x: Tensor): Tensor {
    if (!x.requiresGrad || this.isOutput(x)) return x;
    let leaf = this.inlets.get(x);
    if (leaf === undefined) {
      leaf = this.own(x.detach()).requiresGrad_();
      this.inlets.set(x, leaf);
      this.order.push({ source: x, leaf });
    }
    return leaf;
  }

  private isOutput(x: Tensor): boolean {
    return this.owned.includes(x);
  }

  private own(t: Tensor): Tensor {
    this.owned.push(keep(t));
    return t;
  }

  /** Adds the gradients of a scalar to the `grad` of every leaf, running the parts again from the last to the first. */
  backward(loss: Tensor): void {
    backward(loss);
    for (let e = this.order.pop(); e !== undefined; e = this.order.pop()) {
      if ("leaf" in e) this.flow(e);
      else this.again(e);
    }
    this.dispose();
  }

  private flow({ source, leaf }: Inlet): void {
    scope(() => {
      const g = leaf.grad;
      if (g !== null) backwardAll([source], [g]);
    });
  }

  private again({ part, inputs, output, random }: Segment): void {
    scope(() => {
      const g = output.grad;
      output.grad = null;
      if (g === null) return;
      const after = random === null ? null : this.generator?.getState();
      if (random !== null) this.generator?.setState(random);
      const result = enableGrad(() => part(...inputs));
      if (after) this.generator?.setState(after);
      if (result.requiresGrad) backwardAll([result], [g]);
    });
    output.dispose();
  }

  /** Frees what is kept; after an exception between `run` and `backward`. */
  dispose(): void {
    for (const t of this.owned) t.dispose();
    this.owned.length = 0;
    this.order.length = 0;
    this.inlets.clear();
  }
}
