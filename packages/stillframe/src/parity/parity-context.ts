import { isDeepStrictEqual } from "node:util";
import { disposeSdxl, loadSdxl, type Sdxl } from "@stillframe/diffusion";
import { invalid, noGrad, scope, Tensor } from "@stillframe/torch";
import { compare, describeTolerance, exact, type Tolerance } from "./comparison.js";
import { NOT_CHECKED, type ParityReport, type Status } from "./parity-report.js";
import type { VectorFolder } from "./vector-folder.js";

/** Numbers to compare. */
export type Values = Tensor | ArrayLike<number> | number;

export interface Check {
  readonly actual: Values;
  readonly expected: Values;
  readonly tolerance: Tolerance;
  /** what the table calls this quantity and those like it; its own name unless said */
  readonly group?: string;
}

const INDEX = "model_index.json";

/** What a family's checks work with: the folder, the model in it, and the report. */
export class ParityContext {
  readonly folder: VectorFolder;
  readonly report: ParityReport;
  /** Missing files are no failures. */
  readonly partial: boolean;
  readonly #missing = new Set<string>();
  /** Files of which parts stay unused because a file beside them is missing. */
  readonly #excused = new Set<string>();
  #model: Sdxl | Error | undefined;

  constructor(folder: VectorFolder, report: ParityReport, { partial }: { partial: boolean }) {
    this.folder = folder;
    this.report = report;
    this.partial = partial;
  }

  /** The folder of the model: the one that has a `model_index.json`. */
  get modelFolder(): string {
    const index = this.folder.files.find((file) => file.endsWith(`/${INDEX}`));
    return index?.slice(0, -INDEX.length - 1) ?? "*";
  }

  /** What a section needs that uses the model. */
  get modelIndex(): string {
    return `${this.modelFolder}/${INDEX}`;
  }

  /** The model, loaded once. A model that cannot be loaded fails every section that wants it. */
  get model(): Sdxl {
    if (this.#model === undefined)
      try {
        this.#model = loadSdxl(this.folder.pathOf(this.modelFolder));
      } catch (error) {
        this.#model = error as Error;
      }
    if (this.#model instanceof Error) throw this.#model;
    return this.#model;
  }

  /** Frees the model. */
  dispose(): void {
    if (this.#model !== undefined && !(this.#model instanceof Error)) disposeSdxl(this.#model);
    this.#model = undefined;
  }

  /**
   * Runs a group of checks that need some files. A missing file or an exception is a failure of the section, and the
   * next one runs all the same. Nothing is differentiated unless the body asks for it, and its tensors are freed.
   */
  section(title: string, needs: readonly string[], body: () => void): void {
    if (!this.#has(needs)) return;
    try {
      scope(() => noGrad(body));
    } catch (error) {
      this.fail(needs[0] ?? title, title, (error as Error).message);
    }
  }

  /** As `section`, for checks that wait for something; they have no tensors of their own. */
  async asyncSection(title: string, needs: readonly string[], body: () => Promise<void>): Promise<void> {
    if (!this.#has(needs)) return;
    try {
      await body();
    } catch (error) {
      this.fail(needs[0] ?? title, title, (error as Error).message);
    }
  }

  #has(needs: readonly string[]): boolean {
    const missing = needs.filter((file) => !this.folder.has(file));
    if (missing.length === 0) return true;
    for (const file of needs) this.#excused.add(file);
    for (const file of missing) {
      if (this.#missing.has(file)) continue;
      this.#missing.add(file);
      this.#note(file, "(file)", this.partial ? "absent" : "FAIL", this.partial ? undefined : "there is no such file");
    }
    return false;
  }

  /** Whether unused parts of this file are no surprise. */
  isExcused(file: string): boolean {
    return this.partial && this.#excused.has(file);
  }

  /** Compares numbers with a part of a file, and counts the part as used. */
  check(file: string, part: string, { actual, expected, tolerance, group = part }: Check): void {
    this.folder.use(file, part);
    const [a, e] = [shapeOf(actual), shapeOf(expected)];
    if (a.join() !== e.join()) {
      this.fail(file, part, `expected shape [${e.join(", ")}] but the result has [${a.join(", ")}]`, group);
      return;
    }
    const result = compare(listOf(actual), listOf(expected), { tolerance, rows: e[0] ?? 1 });
    this.report.add({
      file,
      quantity: part,
      group,
      absolute: result.absolute,
      relative: Number.isFinite(result.relative) ? result.relative : null,
      tolerance: describeTolerance(tolerance),
      status: result.within ? "pass" : "FAIL",
    });
  }

  /** Compares with a tensor of a safetensors file; a folder that holds some of the vectors may lack it. */
  checkTensor(file: string, name: string, check: Omit<Check, "expected">): void {
    if (this.partial && !this.folder.tensors(file).has(name)) return;
    this.check(file, name, { ...check, expected: this.folder.input(file, name) });
  }

  /** Compares with a stored tensor that holds the first rows only. */
  checkFirstRows(file: string, name: string, { actual, ...check }: Omit<Check, "expected"> & { actual: Tensor }): void {
    const expected = this.folder.input(file, name);
    const rows = Math.min(expected.shape[0] ?? 1, actual.shape[0] ?? 1);
    this.check(file, name, { ...check, expected, actual: actual.rank === 0 ? actual : actual.narrow(0, 0, rows) });
  }

  /** Compares anything else: names, lists of keys, maps of shapes. */
  checkSame(
    file: string,
    part: string,
    { actual, expected, group = part }: { actual: unknown; expected: unknown; group?: string },
  ): void {
    this.folder.use(file, part);
    const same = isDeepStrictEqual(actual, expected);
    this.report.add({
      file,
      quantity: part,
      group,
      absolute: null,
      relative: null,
      tolerance: describeTolerance(exact),
      status: same ? "pass" : "FAIL",
      ...(same ? {} : { detail: differenceOf(actual, expected) }),
    });
  }

  fail(file: string, quantity: string, detail: string, group = quantity): void {
    this.#note(file, quantity, "FAIL", detail, group);
  }

  #note(file: string, quantity: string, status: Status, detail?: string, group = quantity): void {
    this.report.add({ file, quantity, group, absolute: null, relative: null, tolerance: "-", status, detail });
  }

  /** Reports a file or a part that no check has looked at. */
  leave(file: string, quantity: string, status: Status): void {
    this.#note(file, quantity, status, undefined, status === "FAIL" ? NOT_CHECKED : "(parts)");
  }
}

const shapeOf = (values: Values): number[] => {
  if (typeof values === "number") return [];
  return values instanceof Tensor ? values.shape : [values.length];
};

function listOf(values: Values): ArrayLike<number> {
  if (typeof values === "number") return [values];
  return values instanceof Tensor ? values.toArray() : values;
}

/** Two lists of names by what each has more than the other; anything else as it is. */
function differenceOf(actual: unknown, expected: unknown): string {
  if (!Array.isArray(actual) || !Array.isArray(expected))
    return `expected ${JSON.stringify(expected)} but the result is ${JSON.stringify(actual)}`;
  const [mine, theirs] = [actual, expected].map((list) => new Set(list.map((v) => JSON.stringify(v)))) as [
    Set<string>,
    Set<string>,
  ];
  const missing = [...theirs].filter((v) => !mine.has(v));
  const extra = [...mine].filter((v) => !theirs.has(v));
  if (missing.length + extra.length === 0) return `expected ${expected.length} in another order or number`;
  return [
    ...(missing.length > 0 ? [`missing (${missing.length}): ${missing.slice(0, 3).join(", ")}`] : []),
    ...(extra.length > 0 ? [`unexpected (${extra.length}): ${extra.slice(0, 3).join(", ")}`] : []),
  ].join("; ");
}

/** The one match of a pattern. @throws InvalidArgumentError that quotes the text */
export function matched(text: string, pattern: RegExp, name: string): RegExpExecArray {
  const found = pattern.exec(text);
  if (found === null) throw invalid(name, `text like ${pattern.source}`, text);
  return found;
}
