import { invalid } from "@stillframe/torch/errors";

/**
 * Applies `work` to each item, at most `concurrency` at a time, and yields the results in the order of the items.
 * Items are taken only as results are consumed, so that memory stays bounded over an endless input. The first failure, in
 * the order of the items, is thrown after what had begun has ended; an aborted signal throws its reason.
 */
export async function* mapConcurrently<T, R>(
  items: Iterable<T> | AsyncIterable<T>,
  work: (item: T, index: number) => Promise<R> | R,
  options: { readonly concurrency: number; readonly signal?: AbortSignal },
): AsyncGenerator<R, void> {
  const { concurrency, signal } = options;
  if (!Number.isInteger(concurrency) || concurrency < 1 || concurrency > 1024)
    throw invalid("concurrency", "an integer from 1 to 1024", concurrency);
  const running: Promise<R>[] = [];
  let index = 0;
  try {
    for await (const item of items) {
      signal?.throwIfAborted();
      const i = index++;
      const result = (async () => work(item, i))();
      // Failures are seen when their turn comes; until then they must not count as unhandled.
      result.catch(() => {});
      running.push(result);
      if (running.length >= concurrency) yield await running.shift()!;
    }
    while (running.length > 0) {
      signal?.throwIfAborted();
      yield await running.shift()!;
    }
  } finally {
    await Promise.allSettled(running);
  }
}
