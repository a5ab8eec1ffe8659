/**
 * Runs `work` and yields what it emits, while it runs; its result is the generator's. For functions that tell their
 * progress by a callback, inside those that tell it as events.
 */
export async function* emitted<E, R>(work: (emit: (event: E) => void) => Promise<R>): AsyncGenerator<E, R> {
  const waiting: E[] = [];
  let wake = () => {};
  let ended = false;
  const result = work((event) => {
    waiting.push(event);
    wake();
  }).finally(() => {
    ended = true;
    wake();
  });
  // a failure is thrown below, when all that was told before it has been told
  result.catch(() => {});
  while (!ended || waiting.length > 0) {
    const event = waiting.shift();
    if (event !== undefined) yield event;
    else
      await new Promise<void>((resolve) => {
        wake = resolve;
        if (ended) resolve();
      });
  }
  return result;
}
