import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type Manifest, parseEventLine, type TimedEvent, type TrainEvent } from "@stillframe/schema";

/** A validation picture that is there. */
export interface SamplePicture {
  readonly step: number;
  readonly seed: number;
  readonly prompt: string;
  /** Relative to the run's folder. */
  readonly path: string;
}

/** What `events.jsonl` tells besides the manifest. */
export interface EventFacts {
  readonly samples: readonly SamplePicture[];
  /** Mean loss over the first and the last tenth of the steps. */
  readonly loss: { readonly first: number; readonly last: number; readonly steps: number } | undefined;
  readonly validations: readonly { readonly step: number; readonly loss: number }[];
  /** Time of all parts of a run that was interrupted and went on; `undefined` of one that was not. */
  readonly seconds: number | undefined;
}

/** Events that begin a part of a run. */
const BEGINNINGS = new Set(["data_prepared"]);

/** Reads the events of a run. Lines that are not whole, or of another version, tell nothing. */
export function readEventFacts(run: string, manifest: Manifest): EventFacts {
  const path = join(run, "events.jsonl");
  const lines = existsSync(path) ? readFileSync(path, "utf8").split("\n") : [];
  const timed = lines.flatMap(parsed);
  const events = timed.map(({ event }) => event);
  const of = <T extends TrainEvent["type"]>(type: T) =>
    events.filter((event): event is Extract<TrainEvent, { type: T }> => event.type === type);
  return {
    samples: samplesOf(of("sample"), { run, steps: manifest.steps }),
    loss: lossOf(of("step").map(({ loss }) => loss)),
    validations: of("validation").map(({ step, loss }) => ({ step, loss })),
    seconds: of("run_started").some(({ first_step }) => first_step > 0) ? secondsOf(timed) : undefined,
  };
}

function parsed(line: string): TimedEvent[] {
  if (line === "") return [];
  try {
    return [parseEventLine(line)];
  } catch {
    return [];
  }
}

/** The last picture of each step and seed, if it is still there. */
function samplesOf(
  events: readonly Extract<TrainEvent, { type: "sample" }>[],
  { run, steps }: { run: string; steps: number },
): SamplePicture[] {
  const byPath = new Map<string, SamplePicture>();
  for (const { step, seed, prompt, path } of events) {
    const slashed = path.replaceAll("\\", "/");
    if (step <= steps && existsSync(join(run, path))) byPath.set(slashed, { step, seed, prompt, path: slashed });
  }
  return [...byPath.values()].sort((a, b) => a.step - b.step || a.path.localeCompare(b.path, "en"));
}

function lossOf(losses: readonly number[]): EventFacts["loss"] {
  const tenth = Math.floor(losses.length / 10);
  if (tenth < 1) return undefined;
  const mean = (part: readonly number[]) => part.reduce((sum, loss) => sum + loss, 0) / part.length;
  return { first: mean(losses.slice(0, tenth)), last: mean(losses.slice(-tenth)), steps: tenth };
}

/** Time between events, without the pauses before a run went on. */
function secondsOf(timed: readonly TimedEvent[]): number {
  let milliseconds = 0;
  for (const [i, { time, event }] of timed.entries()) {
    const before = timed[i - 1];
    if (before !== undefined && !BEGINNINGS.has(event.type))
      milliseconds += Math.max(0, time.getTime() - before.time.getTime());
  }
  return milliseconds / 1000;
}
