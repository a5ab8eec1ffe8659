import { existsSync, readFileSync } from "node:fs";
import { parseEventLine, type TrainEvent } from "@stillframe/schema";

/** The learning of a run, as its `events.jsonl` tells it. */
export interface RunHistory {
  steps: { step: number; loss: number; lr: number; textEncoderLr: number | null }[];
  validations: { step: number; loss: number }[];
  /** what the newest validation picture was drawn of; null where there is none */
  prompt: string | null;
}

const TOLD = /"type":"(?:step|validation|sample)"/;

/** Reads a run's events. The last line may be half written, when the run was killed. */
export function readHistory(eventsFile: string): RunHistory {
  const history: RunHistory = { steps: [], validations: [], prompt: null };
  if (!existsSync(eventsFile)) return history;
  const lines = readFileSync(eventsFile, "utf8").split("\n").slice(0, -1);
  for (const line of lines) if (TOLD.test(line)) add(history, parseEventLine(line).event);
  return history;
}

function add(history: RunHistory, event: TrainEvent): void {
  const { steps, validations } = history;
  if (event.type === "step")
    steps.push({ step: event.step, loss: event.loss, lr: event.lr, textEncoderLr: event.text_encoder_lr ?? null });
  else if (event.type === "validation") validations.push({ step: event.step, loss: event.loss });
  else if (event.type === "sample") history.prompt = event.prompt;
}
