import { keep, type Module, Tensor } from "@stillframe/torch";

/** What a module was called with, and what it gave back. */
export interface Call {
  readonly inputs: readonly (Tensor | null)[];
  readonly output: Tensor;
}

type Callable = { forward?: (...inputs: unknown[]) => unknown };

/** The same memory under a handle of its own, which outlives the scope that the module works in. */
const held = (tensor: Tensor): Tensor => keep(tensor.detach());

/**
 * Runs `body` while every module of `model` notes its last call, by checkpoint path; then shows the calls to `look`. The
 * model does not know of it: the notes are made by wrappers around `forward` that are gone afterwards.
 */
export function withCapturedCalls(
  model: Module,
  body: () => void,
  look: (calls: ReadonlyMap<string, Call>) => void,
): void {
  const calls = new Map<string, Call>();
  const wrapped = [...model.modules()].flatMap(({ path, module }) => wrap(module as Callable, path, calls));
  try {
    try {
      body();
    } finally {
      // The class's own method shows again.
      for (const callable of wrapped) delete callable.forward;
    }
    look(calls);
  } finally {
    for (const call of calls.values()) release(call);
  }
}

function wrap(callable: Callable, path: string, calls: Map<string, Call>): Callable[] {
  if (typeof callable.forward !== "function") return [];
  const forward = callable.forward.bind(callable);
  callable.forward = (...inputs) => {
    const output = forward(...inputs);
    if (!(output instanceof Tensor)) return output;
    const before = calls.get(path);
    if (before !== undefined) release(before);
    calls.set(path, { inputs: inputs.map((x) => (x instanceof Tensor ? held(x) : null)), output: held(output) });
    return output;
  };
  return [callable];
}

function release({ inputs, output }: Call): void {
  for (const tensor of inputs) tensor?.dispose();
  output.dispose();
}
