import { type Module, Tensor } from "@stillframe/torch";

/** What a module was called with, and what it gave back. */
export interface Call {
  readonly inputs: readonly unknown[];
  readonly output: Tensor;
}

type Callable = { forward?: (...inputs: unknown[]) => unknown };

/**
 * Runs `body` while every module of `model` notes its last call, by checkpoint path. Models do not know of it: the notes
 * are made by wrappers around `forward` that are gone afterwards.
 */
export function capturedCalls(model: Module, body: () => void): ReadonlyMap<string, Call> {
  const calls = new Map<string, Call>();
  const wrapped: Callable[] = [];
  for (const { path, module } of model.modules()) {
    const callable = module as Callable;
    if (typeof callable.forward !== "function") continue;
    const forward = callable.forward.bind(module);
    callable.forward = (...inputs) => {
      const output = forward(...inputs);
      if (output instanceof Tensor) calls.set(path, { inputs, output });
      return output;
    };
    wrapped.push(callable);
  }
  try {
    body();
  } finally {
    // The class's own method shows again.
    for (const callable of wrapped) delete callable.forward;
  }
  return calls;
}
