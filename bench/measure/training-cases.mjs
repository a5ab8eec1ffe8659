// What `bench train` trains: networks by their configurations, and how much of them.
import { readFileSync } from "node:fs";
import { configsOf, MODEL_SIZES } from "../../packages/stillframe/dist/make-model/sizes.js";
import { byteTokenIds } from "../../packages/stillframe/dist/make-model/tokenizer-files.js";

/** A model that `stillframe make-model` makes. */
const made = (size) => () => configsOf(MODEL_SIZES[size], byteTokenIds());
const sdxl = () => JSON.parse(readFileSync(new URL("../reference/sdxl-configs.json", import.meta.url), "utf8"));

/** `side` is that of the latents, `rounds` how often each side takes a step unless said. */
export const CASES = [
  { name: "tiny", configs: made("tiny"), side: 32, batch: 1, rounds: 41 },
  { name: "small", configs: made("small"), side: 16, batch: 1, rounds: 21 },
  { name: "small, batch 8", configs: made("small"), side: 16, batch: 8, rounds: 9 },
];
export const FULL_CASES = [
  { name: "SDXL at 256²", configs: sdxl, side: 32, batch: 1, rounds: 3 },
  { name: "SDXL at 512²", configs: sdxl, side: 64, batch: 1, rounds: 3 },
];

/** The noise that SDXL is trained with, as its `scheduler` folder has it. */
export const SCHEDULE = {
  beta_start: 0.00085,
  beta_end: 0.012,
  beta_schedule: "scaled_linear",
  num_train_timesteps: 1000,
  prediction_type: "epsilon",
  steps_offset: 1,
  timestep_spacing: "leading",
};
