/** The signals that ask a run to end well. */
type StopSignal = "SIGINT" | "SIGTERM";

/** How a run was asked to stop. */
export interface Interruption {
  readonly signal: AbortSignal;
  /** The signal that came, if one did. */
  readonly received: () => StopSignal | undefined;
}

/**
 * Runs `work` with a signal that aborts at the first Ctrl-C (or SIGTERM); `onStop` then tells what happens. After that
 * the system's own handling is back, so that a second Ctrl-C ends the process at once even when it is deep inside
 * native code, where no JavaScript runs.
 */
export async function interruptible<T>(
  onStop: () => void,
  work: (interruption: Interruption) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  let received: StopSignal | undefined;
  const stop = (name: StopSignal) => {
    // Both presses came while native code was running.
    if (received !== undefined) process.exit(130);
    received = name;
    controller.abort();
    onStop();
    setImmediate(release);
  };
  const release = () => {
    process.removeListener("SIGINT", stop);
    process.removeListener("SIGTERM", stop);
  };
  process.on("SIGINT", stop);
  process.on("SIGTERM", stop);
  try {
    return await work({ signal: controller.signal, received: () => received });
  } finally {
    release();
  }
}
