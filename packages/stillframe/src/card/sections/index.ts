import { data } from "./data.js";
import { evaluation } from "./evaluation.js";
import { limitations } from "./limitations.js";
import { machine } from "./machine.js";
import { provenance } from "./provenance.js";
import { samples } from "./samples.js";
import type { Section } from "./section.js";
import { style } from "./style.js";
import { title } from "./title.js";
import { training } from "./training.js";
import { usage } from "./usage.js";

/** The parts of a card, in their order. */
export const SECTIONS: readonly Section[] = [
  title,
  style,
  samples,
  usage,
  evaluation,
  data,
  training,
  machine,
  limitations,
  provenance,
];
