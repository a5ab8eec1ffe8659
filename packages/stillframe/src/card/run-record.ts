import { existsSync, readFileSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { type Manifest, parseManifest } from "@stillframe/schema";
import { FileFormatError, InvalidArgumentError } from "@stillframe/torch/errors";
import { type Evaluation, readEvaluation } from "../evaluate/evaluation.js";
import { isRepoName } from "../hub/repo-file.js";
import type { Environment } from "../hub/settings.js";
import { type BaseModel, baseModel, lastPart } from "./base-model.js";
import { type StylePrefix, stylePrefix } from "./caption-opening.js";
import { type EventFacts, readEventFacts, type SamplePicture } from "./event-facts.js";
import { LeftOut } from "./left-out.js";

/** All that a card is made of. */
export interface RunRecord {
  readonly manifest: Manifest;
  /** `evaluation.json`, or why there is none. */
  readonly evaluation: Evaluation | LeftOut;
  readonly events: EventFacts;
  readonly base: BaseModel;
  readonly style: StylePrefix | undefined;
  /** What the adapter is called. */
  readonly name: string;
  /** `organisation/name` that it is published under, if it is known. */
  readonly repo: string | undefined;
  /** Power during training, if the person told. */
  readonly watts: number | undefined;
  /** Pictures of the last validation, and the base model's of the same seeds. */
  readonly samples: { readonly last: readonly SamplePicture[]; readonly base: readonly SamplePicture[] };
  /** The curves as a picture, relative to the run's folder, where there is one. */
  readonly lossPlot: string | undefined;
}

export interface RunRecordOptions {
  readonly repo?: string | undefined;
  readonly watts?: number | undefined;
  readonly env?: Environment | undefined;
}

/**
 * Reads what a run's folder tells of the run.
 *
 * @throws InvalidArgumentError when it is no run's folder, FileFormatError when a file in it is damaged
 */
export function readRun(run: string, options: RunRecordOptions = {}): RunRecord {
  const manifest = readManifest(run);
  const evaluation = evaluationOf(run);
  const prompts = evaluation instanceof LeftOut ? [] : evaluation.gallery.map(({ prompt }) => prompt);
  const events = readEventFacts(run, manifest);
  const repo = options.repo ?? repoOf(manifest);
  return {
    manifest,
    evaluation,
    events,
    base: baseModel(manifest, options.env),
    style: stylePrefix(manifest, prompts),
    name: repo === undefined ? lastPart(resolve(run)) : lastPart(repo),
    repo,
    watts: options.watts,
    samples: lastSamples(events.samples),
    lossPlot: ["loss.png", "loss.svg"].find((name) => existsSync(join(run, name))),
  };
}

/** Where a run's evaluation lies: in the run's folder, or in the folder `evaluation` there. */
export function evaluationFile(run: string): string | undefined {
  return [join(run, "evaluation.json"), join(run, "evaluation", "evaluation.json")].find((path) => existsSync(path));
}

/** A damaged evaluation leaves the rest of the card as good as it is. */
function evaluationOf(run: string): Evaluation | LeftOut {
  const path = evaluationFile(run);
  if (path === undefined) return new LeftOut("there is no evaluation.json");
  try {
    return readEvaluation(path);
  } catch (error) {
    return new LeftOut((error as Error).message);
  }
}

/** The manifest of a run's folder. */
export function readManifest(run: string): Manifest {
  const path = join(run, "manifest.json");
  if (!existsSync(path)) {
    const received = !existsSync(run)
      ? "nothing is there"
      : !statSync(run).isDirectory()
        ? "it is a file"
        : "no manifest.json is in it";
    throw new InvalidArgumentError(`expected the folder of a training run for run but received ${run}: ${received}`);
  }
  return manifestOf(readFileSync(path, "utf8"), path);
}

/** A manifest from its JSON text. */
export function manifestOf(text: string, source: string): Manifest {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new FileFormatError(source, `expected JSON: ${(error as Error).message}`);
  }
  return parseManifest(value, source);
}

/** The repository that the run was told to publish to. */
function repoOf({ options }: Manifest): string | undefined {
  const id = options.hub_model_id;
  return typeof id === "string" && isRepoName(id) ? id : undefined;
}

function lastSamples(samples: readonly SamplePicture[]): RunRecord["samples"] {
  const step = samples.at(-1)?.step ?? 0;
  const last = step === 0 ? [] : samples.filter((sample) => sample.step === step);
  const seeds = new Set(last.map(({ seed }) => seed));
  return { last, base: samples.filter((sample) => sample.step === 0 && seeds.has(sample.seed)) };
}
