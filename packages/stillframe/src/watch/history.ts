import { existsSync, readFileSync } from "node:fs";
import { parseEventLine, type TrainEvent } from "@stillframe/schema";

/** The learning of a run, as its `events.jsonl` tells it. */
export interface RunHistory {
  steps: { step: number; loss: number; lr: number; textEncoderLr: number | null }[];
  validations: { step: number; loss: number }[];
}

const TOLD = /"type":"(?:step|validation)"/;

/** Reads a run's events. The last line may be half written, when the run was killed. */
export function readHistory(eventsFile: string): RunHistory {
  const history: RunHistory = { steps: [], validations: [] };
  if (!existsSync(eventsFile)) return history;
  const lines = readFileSync(eventsFile, "utf8").split("\n").slice(0, -1);
  for (const line of lines) if (TOLD.test(line)) add(history, parseEventLine(line).event);
  return history;
}

function add({ steps, validations }: RunHistory, event: TrainEvent): void {
  if (event.type === "step")
    steps.push({ step: event.step, loss: event.loss, lr: event.lr, textEncoderLr: event.text_encoder_lr ?? null });
  else if (event.type === "validation") validations.push({ step: event.step, loss: event.loss });
}
