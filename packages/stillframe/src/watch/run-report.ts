import { existsSync } from "node:fs";
import { basename, join } from "node:path";
import type { TrainEventOf } from "@stillframe/schema";
import { writeWhole } from "../files/write-whole.js";
import { type RunHistory, readHistory } from "./history.js";
import { type Point, smoothed, smoothingSteps } from "./loss-plot/curve.js";
import { drawLossPlot, rasterized } from "./loss-plot/loss-plot.js";
import { CONTACT_SHEET } from "./validation/sample-files.js";

/** What the end of a run says beside its files. */
export type RunReport = Pick<TrainEventOf<"run_finished">, "loss_plot" | "contact_sheet" | "loss" | "validation">;

const LOSS_SVG = "loss.svg";
const LOSS_PNG = "loss.png";

function validationSummary({ validations }: RunHistory): RunReport["validation"] {
  const [first, last] = [validations[0], validations.at(-1)];
  if (first === undefined || last === undefined) return undefined;
  return { first, best: validations.reduce((a, b) => (b.loss < a.loss ? b : a)), last };
}

/** Draws the run's curves from its events into `loss.svg` and `loss.png`, and sums them up. */
export async function writeRunReport(runFolder: string, { eventsFile }: { eventsFile: string }): Promise<RunReport> {
  const history = readHistory(join(runFolder, eventsFile));
  const sheet = existsSync(join(runFolder, CONTACT_SHEET)) ? { contact_sheet: CONTACT_SHEET } : {};
  if (history.steps.length === 0) return sheet;
  const svg = drawLossPlot(history, { title: basename(runFolder) });
  writeWhole(join(runFolder, LOSS_SVG), svg);
  writeWhole(join(runFolder, LOSS_PNG), await rasterized(svg));
  const points = history.steps.map((s): Point => [s.step, s.loss]);
  const loss = smoothed(points, smoothingSteps(points.length)).at(-1)?.[1] as number;
  const validation = validationSummary(history);
  return { ...sheet, loss_plot: LOSS_PNG, loss, ...(validation === undefined ? {} : { validation }) };
}
