import { type TrainEvent, TrainEventSchema } from "./events.js";

/** What depends on the machine and the hour, and never on options, data and seed. */
const MEASURED: ReadonlySet<string> = new Set([
  "images_per_second",
  "steps_per_second",
  "memory_bytes",
  "available_bytes",
  "advice",
  "eta_seconds",
  "seconds",
]);

/** A line of `events.jsonl`: an event and when it happened. */
export interface TimedEvent {
  readonly time: Date;
  readonly event: TrainEvent;
}

/** One line of `events.jsonl`, without the line break; `time` stands first, in UTC, and is no part of the event. */
export function formatEventLine(event: TrainEvent, time: Date): string {
  return JSON.stringify({ time: time.toISOString(), ...event });
}

/**
 * Reads a line of `events.jsonl`. The last line of a run that was killed may be half written: a caller that expects
 * that drops a last line without its line break.
 *
 * @throws SyntaxError when the line is not JSON, and TypeError when it is no event.
 */
export function parseEventLine(line: string): TimedEvent {
  const value: unknown = JSON.parse(line);
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new TypeError(`expected a JSON object for a line of events but received ${line.slice(0, 120)}`);
  const { time, ...rest } = value as Record<string, unknown>;
  const date = new Date(typeof time === "string" ? time : Number.NaN);
  if (Number.isNaN(date.getTime()))
    throw new TypeError(`expected an ISO time for time of an event but received ${JSON.stringify(time)}`);
  const result = TrainEventSchema.safeParse(rest);
  if (result.success) return { time: date, event: result.data };
  const [issue] = result.error.issues;
  throw new TypeError(
    `expected an event but received ${line.slice(0, 120)} (${issue?.path.join(".")}: ${issue?.message})`,
  );
}

/**
 * The event without what was measured. Two runs with the same options, data and seed on the same engine give equal
 * ones; file hashes stay, because those must be equal too.
 */
export function withoutMeasurements(event: TrainEvent): Partial<TrainEvent> & Pick<TrainEvent, "type"> {
  const kept = Object.entries(event).filter(([name]) => !MEASURED.has(name));
  return Object.fromEntries(kept) as Partial<TrainEvent> & Pick<TrainEvent, "type">;
}
