import { existsSync } from "node:fs";
import { isAbsolute } from "node:path";
import {
  type Manifest,
  parseTrainOptions,
  type ReproduceOptions,
  type TrainOptions,
  trainOptions,
} from "@stillframe/schema";
import { InvalidArgumentError } from "@stillframe/torch/errors";
import type { InputCheck } from "./input-check.js";
import type { ReproductionSource } from "./source.js";

/** What stands in a published manifest in the place of a path. */
const SCRUBBED = /^local:/;

/** Options that a reproduction sets itself: a second run is a new one, in its own folder, and stays on this machine. */
const OWN = {
  resume_from_checkpoint: null,
  overwrite_output_dir: false,
  push_to_hub: false,
  hub_model_id: null,
} as const;

/** Options of the first run whose values are places on its machine. */
const INPUTS = [
  "pretrained_model_name_or_path",
  "pretrained_vae_model_name_or_path",
  "train_data_dir",
  "dataset_name",
] as const;

/**
 * The options that train the same again, and the options of the manifest that this version does not know.
 *
 * @throws InvalidArgumentError when the manifest names data or models that are on another machine and `given` does not
 *   say where they are here
 */
export function reproductionOptions(
  { manifest, name, path }: ReproductionSource,
  given: ReproduceOptions,
): { options: TrainOptions; unknown: InputCheck[] } {
  const record: Record<string, unknown> = {};
  const unknown: InputCheck[] = [];
  for (const [option, value] of Object.entries(manifest.options)) {
    if (trainOptions.find(option)?.name === option) record[option] = value;
    else
      unknown.push({
        what: `option ${option}`,
        expected: JSON.stringify(value),
        found: "not known to this version",
        same: false,
        decisive: true,
      });
  }
  Object.assign(record, OWN, placesOf(manifest, given), {
    seed: manifest.seed,
    revision: manifest.model.commit ?? record.revision,
    output_dir: given.output_dir ?? `${name}-reproduced`,
    device: given.device ?? manifest.engine.device.replace(/:\d+$/, ""),
  });
  if (typeof record.logging_dir === "string" && SCRUBBED.test(record.logging_dir)) delete record.logging_dir;
  const missing = INPUTS.filter((option) => isElsewhere(record[option]));
  if (missing.length > 0) {
    const names = missing.map((option) => `${option} (there: ${String(record[option]).replace(SCRUBBED, "")})`);
    throw new InvalidArgumentError(
      `expected to find what ${path} was made of on this machine: give ${names.join(" and ")}`,
    );
  }
  return { options: parseTrainOptions(record), unknown };
}

function placesOf(manifest: Manifest, given: ReproduceOptions): Record<string, unknown> {
  const places: Record<string, unknown> = { cache_dir: given.cache_dir ?? localCache(manifest) };
  for (const option of INPUTS) if (given[option] !== null) places[option] = given[option];
  // One of the two says where the pictures are.
  if (given.train_data_dir !== null) places.dataset_name = null;
  if (given.dataset_name !== null) places.train_data_dir = null;
  return places;
}

function localCache({ options: { cache_dir: folder } }: Manifest): string | null {
  return typeof folder === "string" && existsSync(folder) ? folder : null;
}

function isElsewhere(place: unknown): boolean {
  return typeof place === "string" && (SCRUBBED.test(place) || (isAbsolute(place) && !existsSync(place)));
}
