import { existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { writeWhole } from "../../files/write-whole.js";
import { contactSheet, type SheetRow } from "../../generate/contact-sheet.js";

const SAMPLES = "samples";
const STEP = /^step-(\d+)$/;
/** Rows of a sheet; more would be a picture that viewers refuse. */
const MAX_ROWS = 32;

const stepFolder = (step: number): string => join(SAMPLES, `step-${String(step).padStart(6, "0")}`);

/** The sheet of all validation pictures, relative to the run's folder. */
export const CONTACT_SHEET = join(SAMPLES, "contact-sheet.png");

/** A validation picture's place, relative to the run's folder. */
export const samplePath = (step: number, { index, seed }: { index: number; seed: number }): string =>
  join(stepFolder(step), `${String(index).padStart(4, "0")}-seed-${seed}.png`);

/** The steps that pictures were drawn at, in order. */
export function sampledSteps(runFolder: string): number[] {
  const folder = join(runFolder, SAMPLES);
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .flatMap((name) => STEP.exec(name)?.[1] ?? [])
    .map(Number)
    .sort((a, b) => a - b);
}

/** Removes pictures of steps that are about to be made again. */
export function removeSamplesAfter(runFolder: string, step: number): void {
  for (const s of sampledSteps(runFolder)) if (s > step) rmSync(join(runFolder, stepFolder(s)), { recursive: true });
}

/** At most `most` of `items`, spread evenly, the first and the last among them. */
export function thinned<T>(items: readonly T[], most: number): T[] {
  if (items.length <= most) return [...items];
  return Array.from({ length: most }, (_, i) => items[Math.round((i * (items.length - 1)) / (most - 1))] as T);
}

/** Draws the sheet of what there is: a row for each step, the base model first, and a column for each seed. */
export async function writeContactSheet(
  runFolder: string,
  { prompt, seeds, side }: { prompt: string; seeds: readonly number[]; side: number },
): Promise<void> {
  const rows = thinned(sampledSteps(runFolder), MAX_ROWS).map(
    (step): SheetRow => ({
      heading: step === 0 ? "base model" : `step ${step}`,
      cells: seeds.flatMap((seed, index) => {
        const picture = join(runFolder, samplePath(step, { index, seed }));
        return existsSync(picture) ? [{ picture, label: `seed ${seed}` }] : [];
      }),
    }),
  );
  const sheet = await contactSheet(rows, { cell: Math.min(320, Math.max(160, side)), title: prompt });
  writeWhole(join(runFolder, CONTACT_SHEET), sheet);
}
