// The bundled classifier, which says how well a style was learnt.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { folderHash, Refusal, ROOT } from "./stages.mjs";

/** As `stillframe evaluate --classifier` takes it, from the root of the project. */
export const CLASSIFIER = "models/pocket/dist/classifier.js";
const WEIGHTS = "models/pocket/evaluator";

/**
 * A hash of its program and its weights.
 *
 * @throws Refusal when either is missing
 */
export function classifierHash() {
  for (const path of [CLASSIFIER, WEIGHTS])
    if (!existsSync(join(ROOT, path))) throw new Refusal(`${path} is missing, without which nothing can be measured`);
  return `${folderHash(join(ROOT, WEIGHTS))} ${readFileSync(join(ROOT, CLASSIFIER), "utf8")}`;
}

/** Whether it is there. */
export const hasClassifier = () => existsSync(join(ROOT, CLASSIFIER)) && existsSync(join(ROOT, WEIGHTS));
