import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { FileFormatError, InvalidArgumentError, invalid } from "@stillframe/torch/errors";
import { type DatasetCard, type DatasetFeature, parseDatasetCard } from "./card.js";
import { splitFiles } from "./data-files.js";
import { ParquetShard } from "./parquet-shard.js";

export interface ParquetDatasetOptions {
  /** A folder with parquet files and, if it has one, the README of the data set. */
  readonly folder: string;
  /** Configuration of the card (`dataset_config_name`). */
  readonly config?: string | undefined;
  /** Default `train`. */
  readonly split?: string | undefined;
  /** Default `image`: a struct `{bytes, path}`, or plain bytes. */
  readonly imageColumn?: string | undefined;
  /** Default `text`: a string, or a list of strings; `null` for pictures without captions. */
  readonly captionColumn?: string | null | undefined;
  /** A column that is given as it is with each picture; none by default. */
  readonly regionsColumn?: string | null | undefined;
}

/** One row. */
export interface ParquetPicture {
  /** `file:row`, the row counted from the file's first: the same in every run. */
  readonly key: string;
  /** The picture file as stored (JPEG, PNG, …), in memory of its own. */
  readonly bytes: Uint8Array;
  /** None, one or several. */
  readonly captions: readonly string[];
  /** File name that the data set gives the picture, if any. */
  readonly name: string | undefined;
  /** What the regions' column holds; null without one. */
  readonly regions: unknown;
}

/** Where a row is. */
export interface RowAddress {
  readonly shard: number;
  readonly group: number;
  /** Counted from the row group's first. */
  readonly row: number;
}

/** Captions, or regions, of so many row groups are kept for random access. */
const KEPT_GROUPS = 16;

/** The rows of one split, streamed in order or read one by one; what is in memory does not depend on their number. */
export class ParquetDataset {
  readonly folder: string;
  readonly config: string;
  readonly split: string;
  readonly splits: readonly string[];
  /** Paths of the shards inside the folder. */
  readonly files: readonly string[];
  /** Rows, from the footers. */
  readonly length: number;
  /** Columns as the card declares them; empty when it does not. */
  readonly features: readonly DatasetFeature[];
  readonly shards: readonly ParquetShard[];
  readonly #image: string;
  readonly #caption: string | null;
  readonly #regions: string | null;
  readonly #kept = new Map<string, Promise<readonly unknown[]>>();

  private constructor(fields: {
    folder: string;
    choice: ReturnType<typeof splitFiles>;
    card: DatasetCard;
    shards: readonly ParquetShard[];
    image: string;
    caption: string | null;
    regions: string | null;
  }) {
    this.folder = fields.folder;
    this.config = fields.choice.config;
    this.split = fields.choice.split;
    this.splits = fields.choice.splits;
    this.files = fields.choice.paths;
    this.shards = fields.shards;
    this.length = fields.shards.reduce((sum, shard) => sum + shard.rows, 0);
    this.features = fields.card.features.get(this.config) ?? fields.card.features.get("default") ?? [];
    this.#image = fields.image;
    this.#caption = fields.caption;
    this.#regions = fields.regions;
  }

  /** Reads the card and the footers; no picture. */
  static async open(options: ParquetDatasetOptions): Promise<ParquetDataset> {
    const { folder } = options;
    const card = parseDatasetCard(await readCard(folder), join(folder, "README.md"));
    const paths = await parquetPaths(folder);
    const choice = splitFiles(paths, card, { config: options.config, split: options.split });
    const shards: ParquetShard[] = [];
    for (const path of choice.paths) shards.push(await ParquetShard.open(join(folder, path)));
    const image = options.imageColumn ?? "image";
    const caption = options.captionColumn === undefined ? "text" : options.captionColumn;
    const regions = options.regionsColumn ?? null;
    for (const shard of shards) checkColumns(shard, { image, caption, regions });
    return new ParquetDataset({ folder, choice, card, shards, image, caption, regions });
  }

  /** All pictures in the order of the shards. */
  async *pictures(): AsyncGenerator<ParquetPicture, void> {
    for (const [s, shard] of this.shards.entries()) {
      for (const group of shard.groups.keys()) {
        const texts = await this.#textsOf(s, group);
        for (const range of await shard.ranges(group, this.#image)) {
          const values = await shard.values(group, this.#image, range);
          for (const [i, value] of values.entries()) {
            yield this.#picture({ shard: s, group, row: range.from + i }, value, texts);
          }
        }
      }
    }
  }

  /** One picture, by its number in the order of {@link pictures} or by its address; reads the pages that hold it. */
  async get(which: number | RowAddress): Promise<ParquetPicture> {
    const address = typeof which === "number" ? this.addressOf(which) : this.#checked(which);
    const { shard, group, row } = address;
    const [values, texts] = await Promise.all([
      this.shards[shard]!.values(group, this.#image, { from: row, to: row + 1 }),
      this.#textsOf(shard, group),
    ]);
    return this.#picture(address, values[0], texts);
  }

  /** The address of the row with this number, 0 to `length - 1`. */
  addressOf(index: number): RowAddress {
    if (!Number.isInteger(index) || index < 0 || index >= this.length) {
      throw invalid("index", `an integer from 0 to ${this.length - 1}`, index);
    }
    let left = index;
    let shard = 0;
    for (; left >= this.shards[shard]!.rows; shard++) left -= this.shards[shard]!.rows;
    const groups = this.shards[shard]!.groups;
    const group = groups.findLastIndex((one) => one.rows > 0 && one.firstRow <= left);
    return { shard, group, row: left - groups[group]!.firstRow };
  }

  #checked(address: RowAddress): RowAddress {
    const rows = this.shards[address.shard]?.groups[address.group]?.rows;
    if (rows === undefined) throw invalid("address", "a row group that exists", address);
    if (!Number.isInteger(address.row) || address.row < 0 || address.row >= rows) {
      throw invalid("address.row", `an integer from 0 to ${rows - 1}`, address.row);
    }
    return address;
  }

  #keyOf({ shard, group, row }: RowAddress): string {
    return `${this.files[shard]}:${this.shards[shard]!.groups[group]!.firstRow + row}`;
  }

  #picture(address: RowAddress, value: unknown, { captions, regions }: Texts): ParquetPicture {
    const key = this.#keyOf(address);
    const { bytes, name } = pictureOf(value, key, this.#image);
    const { row } = address;
    return {
      key,
      bytes,
      captions: this.#caption === null ? [] : captionsOfValue(captions[row], key, this.#caption),
      name,
      regions: regions[row] ?? null,
    };
  }

  /** What a row group has beside its pictures. */
  async #textsOf(shard: number, group: number): Promise<Texts> {
    const of = (column: string | null) => (column === null ? [] : this.#valuesOf(shard, group, column));
    const [captions, regions] = await Promise.all([of(this.#caption), of(this.#regions)]);
    return { captions, regions };
  }

  #valuesOf(shard: number, group: number, column: string): Promise<readonly unknown[]> {
    const key = `${shard}/${group}/${column}`;
    const values = this.#kept.get(key) ?? this.shards[shard]!.column(group, column);
    // The map keeps insertion order: the group that was used longest ago is the first.
    this.#kept.delete(key);
    this.#kept.set(key, values);
    const columns = this.#regions === null ? 1 : 2;
    if (this.#kept.size > KEPT_GROUPS * columns) this.#kept.delete(this.#kept.keys().next().value!);
    return values;
  }
}

/** The columns of a row group that are small, by row. */
interface Texts {
  readonly captions: readonly unknown[];
  readonly regions: readonly unknown[];
}

/** Whether a folder holds a parquet data set. */
export async function isParquetDataset(folder: string): Promise<boolean> {
  const found = await stat(folder).catch(() => undefined);
  return found?.isDirectory() === true && (await parquetPaths(folder)).length > 0;
}

async function parquetPaths(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true });
  // Links count: in the Hugging Face cache every file is one.
  return entries
    .map((entry) => entry.replaceAll("\\", "/"))
    .filter((path) => path.endsWith(".parquet") && !path.split("/").some((part) => part.startsWith(".")))
    .sort();
}

async function readCard(folder: string): Promise<string> {
  try {
    return await readFile(join(folder, "README.md"), "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return "";
    throw error;
  }
}

function checkColumns(
  shard: ParquetShard,
  wanted: { image: string; caption: string | null; regions: string | null },
): void {
  const list = shard.columns.map((column) => `${column.name} (${column.type})`).join(", ");
  const find = (option: string, name: string, ok: RegExp, kind: string) => {
    const column = shard.columns.find((one) => one.name === name);
    if (!column) {
      throw new InvalidArgumentError(
        `expected one of the columns of ${shard.path} for ${option} but received ${JSON.stringify(name)}; its columns are ${list}`,
      );
    }
    if (!ok.test(column.type)) {
      throw new InvalidArgumentError(
        `expected a column of ${kind} for ${option} but ${name} holds ${column.type}; the columns of ${shard.path} are ${list}`,
      );
    }
  };
  find(
    "image_column",
    wanted.image,
    /^(binary|\{.*\bbytes: binary\b.*\})$/,
    "pictures ({bytes: binary, path: string})",
  );
  if (wanted.caption !== null) find("caption_column", wanted.caption, /^(list of )?string$/, "texts or lists of texts");
  if (wanted.regions !== null)
    find(
      "regions_column",
      wanted.regions,
      /^(list of )?\{.*\bbbox: list of .*\}$|^string$/,
      "boxes ({bbox: list of boxes})",
    );
}

function pictureOf(value: unknown, key: string, column: string): { bytes: Uint8Array; name: string | undefined } {
  if (value instanceof Uint8Array) return { bytes: value.slice(), name: undefined };
  const struct = (value ?? {}) as { bytes?: unknown; path?: unknown };
  const name = typeof struct.path === "string" ? struct.path : undefined;
  // The reader's bytes are a window into a whole page: a copy lets the page go.
  if (struct.bytes instanceof Uint8Array) return { bytes: struct.bytes.slice(), name };
  const found = name === undefined ? "nothing" : `only the path ${JSON.stringify(name)}`;
  throw new FileFormatError(key, `expected the bytes of a picture in column ${column} but received ${found}`);
}

function captionsOfValue(value: unknown, key: string, column: string): string[] {
  if (value === null || value === undefined) return [];
  if (typeof value === "string") return [value];
  if (Array.isArray(value) && value.every((one) => typeof one === "string" || one === null)) {
    return value.filter((one): one is string => one !== null);
  }
  throw new FileFormatError(key, `expected a text or a list of texts in column ${column} but received ${typeof value}`);
}
