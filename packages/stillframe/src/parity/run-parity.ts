import { engineInfo, setThreads } from "@stillframe/torch";
import { families as allFamilies } from "./families/index.js";
import type { Family } from "./family.js";
import { ParityContext } from "./parity-context.js";
import { ParityReport } from "./parity-report.js";
import { VectorFolder } from "./vector-folder.js";

export interface ParityOptions {
  /** a missing file is no failure: for a folder that holds some of the vectors */
  partial?: boolean;
  /** run these families alone, by name, and look at their files alone */
  only?: readonly string[] | undefined;
  families?: readonly Family[];
}

/**
 * Checks every reference vector of a folder against this implementation. All that is looked at, and how, follows from
 * the files in the folder; a part of a file that no check has used is a failure.
 *
 * @throws InvalidArgumentError when there is no such folder
 */
export async function runParity(
  vectors: string,
  { partial = false, only, families = allFamilies }: ParityOptions = {},
): Promise<ParityReport> {
  const folder = new VectorFolder(vectors);
  const report = new ParityReport();
  const context = new ParityContext(folder, report, { partial });
  const chosen = families.filter(({ name }) => only === undefined || only.includes(name));
  const { threads } = engineInfo();
  // The networks are small: a second thread costs more than it brings, and on a busy machine many times as much.
  setThreads(1);
  try {
    for (const family of chosen) await family.check?.(context);
    for (const file of folder.files) {
      const owner = families.find((family) => family.owns(file));
      if (owner === undefined ? only === undefined : chosen.includes(owner)) account(context, file, owner);
    }
  } finally {
    setThreads(threads);
    folder.dispose();
    context.dispose();
  }
  return report;
}

/** Reports what nothing has looked at in a file. */
function account(context: ParityContext, file: string, owner: Family | undefined): void {
  if (owner !== undefined && owner.check === undefined) {
    context.leave(file, "(file)", "not yet checked");
    return;
  }
  const status = context.isExcused(file) ? "absent" : "FAIL";
  try {
    for (const part of context.folder.unused(file)) context.leave(file, part, status);
  } catch (error) {
    context.fail(file, "(file)", (error as Error).message);
  }
}
