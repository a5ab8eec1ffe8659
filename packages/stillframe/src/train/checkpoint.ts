import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { writeDiffusersLora } from "@stillframe/diffusion";
import { FileFormatError, noGrad, readSafetensors, scope, type Tensor, writeSafetensors } from "@stillframe/torch";
import { ADAPTER_FILE } from "../files/result-files.js";
import { json, writeWhole } from "../files/write-whole.js";
import type { Ema } from "./ema.js";
import type { StepState } from "./train-step.js";

const STATE_VERSION = 1;
const STATE_FILE = "state.json";
const TENSORS_FILE = "state.safetensors";

/** The numbers of a checkpoint. Randomness is no state: it is a function of seed and step. */
export interface CheckpointState {
  version: number;
  step: number;
  seed: number;
  /** options that decide the result */
  options: Record<string, unknown>;
  /** hash of the training pictures and captions */
  data: string;
  /** hash of names and shapes of what is trained */
  parameters: string[];
  optimizer: Record<string, number>;
  lossScale: { scale: number; goodSteps: number } | null;
}

/** Reads a checkpoint's numbers. @throws FileFormatError when they are not there or not ours */
export function readCheckpointState(folder: string): CheckpointState {
  const path = join(folder, STATE_FILE);
  if (!existsSync(path)) throw new FileFormatError(path, "there is no such file: this is no checkpoint");
  let state: CheckpointState;
  try {
    state = JSON.parse(readFileSync(path, "utf8")) as CheckpointState;
  } catch (e) {
    throw new FileFormatError(path, `it is not JSON: ${(e as Error).message}`);
  }
  if (state.version !== STATE_VERSION)
    throw new FileFormatError(path, `expected version ${STATE_VERSION} but found ${String(state.version)}`);
  return state;
}

function tensorsOf({ trainable, optimizer }: StepState, ema: Ema | null): [string, Tensor][] {
  return [
    ...trainable.groups.map((g): [string, Tensor] => [`values.${g.name}`, g.parameters.values]),
    ...[...optimizer.state().tensors].map(([name, t]): [string, Tensor] => [`optimizer.${name}`, t]),
    ...(ema?.averages ?? []).map((t, i): [string, Tensor] => [`ema.${trainable.groups[i]?.name}`, t]),
  ];
}

/** Writes all that a resumed run needs into a folder, and the adapter as others read it. */
export function writeCheckpoint(
  folder: string,
  state: StepState,
  {
    ema,
    ...numbers
  }: Omit<CheckpointState, "version" | "optimizer" | "lossScale" | "parameters"> & { ema: Ema | null },
): void {
  writeSafetensors(join(folder, TENSORS_FILE), tensorsOf(state, ema), {
    metadata: { format: "stillframe-checkpoint" },
  });
  if (state.trainable.adapter !== null)
    scope(() => writeDiffusersLora(join(folder, ADAPTER_FILE), state.trainable.adapter ?? {}));
  const full: CheckpointState = {
    version: STATE_VERSION,
    ...numbers,
    parameters: state.trainable.groups.flatMap((g) => g.parameters.names),
    optimizer: state.optimizer.state().numbers,
    lossScale: state.lossScale === null ? null : { scale: state.lossScale.scale, goodSteps: state.lossScale.goodSteps },
  };
  writeWhole(join(folder, STATE_FILE), json(full));
}

/** Puts a checkpoint's tensors and numbers in place. @throws FileFormatError when they do not fit what is trained */
export function restoreCheckpoint(folder: string, saved: CheckpointState, state: StepState, ema: Ema | null): void {
  const path = join(folder, TENSORS_FILE);
  const names = state.trainable.groups.flatMap((g) => g.parameters.names);
  if (JSON.stringify(names) !== JSON.stringify(saved.parameters))
    throw new FileFormatError(path, "it holds other parameters than this run trains");
  noGrad(() =>
    scope(() => {
      const { tensors } = readSafetensors(path);
      const take = (name: string, into: Tensor) => {
        const t = tensors.get(name);
        if (t === undefined || t.shape.join() !== into.shape.join())
          throw new FileFormatError(path, `it has no ${name} of shape [${into.shape.join(", ")}]`);
        into.copy_(t);
      };
      for (const g of state.trainable.groups) take(`values.${g.name}`, g.parameters.values);
      for (const [i, average] of (ema?.averages ?? []).entries())
        take(`ema.${state.trainable.groups[i]?.name}`, average);
      const own = new Map(
        [...tensors].filter(([n]) => n.startsWith("optimizer.")).map(([n, t]) => [n.slice("optimizer.".length), t]),
      );
      state.optimizer.loadState({ tensors: own, numbers: saved.optimizer });
    }),
  );
  if (state.lossScale !== null && saved.lossScale !== null) {
    state.lossScale.scale = saved.lossScale.scale;
    state.lossScale.goodSteps = saved.lossScale.goodSteps;
  }
}
