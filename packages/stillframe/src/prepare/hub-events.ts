import type { TrainEvent } from "@stillframe/schema";
import type { HubProgress } from "../hub/index.js";

/** Progress of a download is told at most so often. */
const EVERY_MS = 250;

/** Tells what the Hub's client reports as events of a run: progress in bytes, and warnings of what a person should know. */
export function hubEvents(
  name: string,
  emit: (event: TrainEvent) => void,
  now: () => number = Date.now,
): (progress: HubProgress) => void {
  let toldAt = Number.NEGATIVE_INFINITY;
  const bytes = (done: number, total: number) => {
    if (done < total && now() - toldAt < EVERY_MS) return;
    toldAt = now();
    emit({ type: "preparing", stage: "download", done, total });
  };
  const warn = (message: string) => emit({ type: "warning", message });
  return (progress) => {
    if (progress.kind === "plan" && progress.cachedBytes < progress.bytes) bytes(progress.cachedBytes, progress.bytes);
    else if (progress.kind === "bytes") bytes(progress.received, progress.bytes);
    else if (progress.kind === "retry")
      warn(`${name}: ${progress.reason}; trying again in ${Math.ceil(progress.delayMs / 1000)} s`);
    else if (progress.kind === "wait") warn(`${name}: another process is downloading ${progress.path}; waiting for it`);
    else if (progress.kind === "offline")
      warn(`${name}: using what is on this machine, as the Hub cannot be reached (${progress.reason})`);
  };
}
