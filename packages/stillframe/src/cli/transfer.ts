import { EXIT } from "./command.js";
import { interruptible } from "./interrupt.js";
import type { TransferProgress } from "./transfer-progress.js";

/**
 * Does `work`, which ends early when Ctrl-C is pressed; the exit code.
 *
 * @param stopping what to say when it is asked to stop.
 */
export async function transfer(
  view: TransferProgress,
  stopping: string,
  work: (signal: AbortSignal) => Promise<void>,
): Promise<number> {
  return interruptible(
    () => view.print(stopping),
    async ({ signal, received }) => {
      try {
        await work(signal);
        return EXIT.done;
      } catch (error) {
        if (!signal.aborted) throw error;
        return received() === "SIGTERM" ? EXIT.terminated : EXIT.interrupted;
      } finally {
        view.close();
      }
    },
  );
}
