import { accessSync, constants, existsSync, statfsSync } from "node:fs";
import { dirname } from "node:path";
import type { TrainOptions } from "@stillframe/schema";
import { UnusablePictureError } from "../data/index.js";
import { explainOutOfMemory } from "../preflight/index.js";

/** Why a run ended, and what to do about it. */
export class RunFailedError extends Error {
  override readonly name = "RunFailedError";
}

const FULL = new Set(["ENOSPC", "EDQUOT"]);
const FORBIDDEN = new Set(["EROFS", "EACCES", "EPERM"]);
const GO_ON = "then go on with --resume_from_checkpoint=latest";

/** Free space of the disk that a folder is on, for a message; nothing where it cannot be told. */
function freeOn(folder: string): string {
  try {
    const { bavail, bsize } = statfsSync(folder);
    return ` (${((bavail * bsize) / 1e6).toFixed(1)} MB free)`;
  } catch {
    return "";
  }
}

/** Whether a folder that is there, or the nearest above it that is, may be written. */
function isWritable(path: string): boolean {
  if (!existsSync(path) && dirname(path) !== path) return isWritable(dirname(path));
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/**
 * The error to end a run with: where the system's own says little, one that says what to do. Others are given back as
 * they are.
 */
export function explainedFailure(
  error: unknown,
  { outputDir, options }: { outputDir: string; options: TrainOptions },
): Error {
  if (!(error instanceof Error)) return new RunFailedError(String(error));
  const explained = (message: string) => new RunFailedError(message, { cause: error });
  const { code, path } = error as NodeJS.ErrnoException;
  const inOutput = path === undefined || path.startsWith(outputDir);
  if (code !== undefined && FULL.has(code))
    return explained(`no space is left on the disk of ${outputDir}${freeOn(outputDir)}: make room there, ${GO_ON}`);
  // where folders above are missing too, a read-only disk says that they are missing
  const forbidden =
    code !== undefined && (FORBIDDEN.has(code) || (code === "ENOENT" && !isWritable(path ?? outputDir)));
  if (forbidden && inOutput)
    return explained(`${path ?? outputDir} may not be written: allow it, ${GO_ON}; or choose another --output_dir`);
  if (code === "ENOENT" && path !== undefined && inOutput)
    return explained(`${path} is gone: leave ${outputDir} as it is while a run writes to it, ${GO_ON}`);
  if (error instanceof UnusablePictureError)
    return explained(
      `the picture ${error.path} could be read before and cannot now (${error.reason}): put it back, ${GO_ON}; or begin anew without it`,
    );
  const memory = explainOutOfMemory(error, options);
  return memory === null ? error : explained(`${memory}\n${GO_ON}`);
}
