import type { ParityContext } from "./parity-context.js";

/** One kind of reference vectors: which files belong to it, and how they are checked. */
export interface Family {
  readonly name: string;
  /** @param file path in the folder, with `/` */
  owns(file: string): boolean;
  /** Absent for a family that has no checks yet; its files are then reported as not yet checked. */
  readonly check?: (context: ParityContext) => void | Promise<void>;
}
