// Random weights of the encoders that Python's side runs in every step.
import { existsSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { ReferencePython } from "./reference-python.mjs";

/**
 * Makes them in the folder of `weights` unless they are there.
 *
 * @returns {string} a folder of diffusers' folders where there is a checkout of it, else a file
 */
export function ensureEncoders(configs, { weights, checkout }) {
  const place = dirname(weights);
  const out = join(place, checkout === undefined ? "encoders.safetensors" : "encoders");
  if (existsSync(out)) return out;
  const list = join(place, "encoders.json");
  writeFileSync(list, JSON.stringify(configs));
  const args = [list, out, ...(checkout === undefined ? [] : ["diffusers"])];
  ReferencePython.runOnce("make_encoders.py", args, { threads: 1, checkout });
  return out;
}
