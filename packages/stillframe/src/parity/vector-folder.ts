import { readdirSync, readFileSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { gunzipSync } from "node:zlib";
import { FileFormatError, invalid, keep, readSafetensors, readSafetensorsHeader, type Tensor } from "@stillframe/torch";
import { parsePythonJson, quantityPaths } from "./json-leaves.js";

/** The whole of a file, where its parts are not counted one by one. */
const WHOLE = "(file)";

/** Files for people: no vectors are in them. */
const FOR_PEOPLE = /^(readme|index|license|notice|changelog)(\.(txt|md|rst))?$|\.md$/i;

/** The files under a folder, by paths with `/`, sorted; names that begin with a dot are left out. */
function filesUnder(root: string, folder = ""): string[] {
  const entries = readdirSync(join(root, folder)).sort();
  return entries.flatMap((name) => {
    if (name.startsWith(".")) return [];
    const path = folder === "" ? name : `${folder}/${name}`;
    return statSync(join(root, path)).isDirectory() ? filesUnder(root, path) : [path];
  });
}

/**
 * A folder of reference vectors, and the ledger of which parts of its files were used. A part is a tensor of a
 * safetensors file, a quantity of a JSON file, or a whole file of another kind.
 */
export class VectorFolder {
  readonly root: string;
  readonly files: readonly string[];
  readonly #tensors = new Map<string, Map<string, Tensor>>();
  readonly #json = new Map<string, unknown>();
  readonly #used = new Map<string, Set<string>>();

  /** @throws InvalidArgumentError when there is no such folder */
  constructor(root: string) {
    if (statSync(root, { throwIfNoEntry: false })?.isDirectory() !== true)
      throw invalid("vectors", "a folder of reference vectors", root);
    this.root = root;
    this.files = filesUnder(root).filter((file) => !FOR_PEOPLE.test(basename(file)));
  }

  has(file: string): boolean {
    return this.files.includes(file);
  }

  pathOf(file: string): string {
    return join(this.root, file);
  }

  /** All tensors of a safetensors file by name, without counting them as used. */
  tensors(file: string): ReadonlyMap<string, Tensor> {
    let tensors = this.#tensors.get(file);
    if (tensors === undefined) {
      tensors = readSafetensors(this.pathOf(file)).tensors;
      for (const tensor of tensors.values()) keep(tensor);
      this.#tensors.set(file, tensors);
    }
    return tensors;
  }

  /** A tensor that a check needs as its input; counted as used. */
  input(file: string, name: string): Tensor {
    const tensor = this.tensors(file).get(name);
    if (tensor === undefined) throw new FileFormatError(this.pathOf(file), `there is no tensor ${name}`);
    this.use(file, name);
    return tensor;
  }

  /** A JSON document, also a gzipped one. */
  json<T>(file: string): T {
    if (!this.#json.has(file)) {
      const bytes = readFileSync(this.pathOf(file));
      try {
        this.#json.set(file, parsePythonJson((file.endsWith(".gz") ? gunzipSync(bytes) : bytes).toString("utf8")));
      } catch (error) {
        throw new FileFormatError(this.pathOf(file), `it is not JSON: ${(error as Error).message}`);
      }
    }
    return this.#json.get(file) as T;
  }

  /** Counts a part of a file as used: a tensor, a JSON path with everything under it, or the whole file. */
  use(file: string, part: string = WHOLE): void {
    const used = this.#used.get(file);
    if (used === undefined) this.#used.set(file, new Set([part]));
    else used.add(part);
  }

  /** The parts of a file that nothing has used. */
  unused(file: string): string[] {
    const used = this.#used.get(file) ?? new Set<string>();
    if (used.has(WHOLE)) return [];
    if (file.endsWith(".safetensors"))
      return [...readSafetensorsHeader(this.pathOf(file)).tensors.keys()].filter((name) => !used.has(name));
    if (/\.json(\.gz)?$/.test(file)) return quantityPaths(this.json(file)).filter((path) => !isCovered(path, used));
    return [WHOLE];
  }

  /** Frees the tensors. */
  dispose(): void {
    for (const tensors of this.#tensors.values()) for (const tensor of tensors.values()) tensor.dispose();
    this.#tensors.clear();
  }
}

/** Whether a path or one above it was used. */
function isCovered(path: string, used: ReadonlySet<string>): boolean {
  const steps = path.split("/");
  return steps.some((_, i) => used.has(steps.slice(0, i + 1).join("/")));
}
