import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { scope } from "@stillframe/torch";
import { writeStatistics } from "../npz.js";
import { gaussianOf } from "../statistics.js";
import { folderName } from "./arms.js";
import type { ArmPictures } from "./draw-arms.js";
import type { TakenFeatures } from "./take-features.js";

/**
 * Writes mean and covariance of the real pictures and of every arm as `.npz` that pytorch-fid reads: `statistics/real.npz`
 * and `statistics/arms/….npz`.
 *
 * @returns the files
 */
export function writeSetStatistics(
  outputDir: string,
  { taken, arms }: { taken: readonly TakenFeatures[]; arms: readonly ArmPictures[] },
): string[] {
  const folder = join(outputDir, "statistics");
  mkdirSync(join(folder, "arms"), { recursive: true });
  return taken
    .filter(({ network }) => network.statistics === true)
    .flatMap(({ real, arms: sets }) => {
      const names = arms.map(({ arm }) => folderName(arm.name));
      const unique = (name: string, i: number) =>
        name !== "" && names.indexOf(name) === names.lastIndexOf(name) ? name : String(i);
      const named = sets.map((set, i) => ({ name: join("arms", unique(names[i] as string, i)), set }));
      return [...(real === null ? [] : [{ name: "real", set: real }]), ...named].map(({ name, set }) => {
        const path = join(folder, `${name}.npz`);
        scope(() => writeStatistics(path, gaussianOf(set.features)));
        return path;
      });
    });
}
