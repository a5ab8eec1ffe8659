import type { Family } from "../family.js";
import { clip } from "./clip.js";
import { fid } from "./fid.js";
import { lora } from "./lora.js";
import { manifests } from "./manifests.js";
import { model } from "./model.js";
import { pipeline } from "./pipeline.js";
import { preprocess } from "./preprocess.js";
import { schedulers } from "./schedulers.js";
import { tokenizer } from "./tokenizer.js";
import { train } from "./train.js";
import { unet } from "./unet.js";
import { vae } from "./vae.js";

/** All families, in the order in which they run. A new one is a file beside these and a name here. */
export const families: readonly Family[] = [
  model,
  tokenizer,
  clip,
  unet,
  vae,
  schedulers,
  lora,
  train,
  pipeline,
  preprocess,
  manifests,
  fid,
];
