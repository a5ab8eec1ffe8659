import { setImmediate } from "node:timers/promises";
import { EXIT } from "./command.js";
import { type Interruption, interruptible } from "./interrupt.js";

/** What shows the events of a run. */
export interface EventView<E> {
  show(event: E): void;
  print(text: string): void;
  close(): void;
}

/**
 * Shows every event of `start`'s run and handles Ctrl-C; the exit code.
 *
 * @param stopping what to say when the run is asked to stop.
 * @param endings the exit code that an event of some type means.
 */
export async function follow<E extends { readonly type: string }>(
  view: EventView<E>,
  {
    start,
    stopping,
    endings,
  }: {
    readonly start: (signal: AbortSignal) => AsyncGenerator<E, unknown>;
    readonly stopping: string;
    readonly endings: Readonly<Record<string, "failed" | "interrupted">>;
  },
): Promise<number> {
  return interruptible(
    () => view.print(stopping),
    async (interruption) => {
      let ending: "done" | "failed" | "interrupted" = "done";
      try {
        for await (const event of start(interruption.signal)) {
          view.show(event);
          ending = endings[event.type] ?? ending;
          // A run that never waits would keep signals from being heard; after one, a second turn of the event loop
          // puts the system's own handling in place before native code may block again.
          await setImmediate();
          if (interruption.signal.aborted) await setImmediate();
        }
      } finally {
        view.close();
      }
      return exitCode(ending, interruption);
    },
  );
}

function exitCode(ending: "done" | "failed" | "interrupted", { received }: Interruption): number {
  if (ending === "interrupted" && received() === "SIGTERM") return EXIT.terminated;
  return EXIT[ending];
}
