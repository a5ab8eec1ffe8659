import type { z } from "zod";

/**
 * What an option changes. A resumed run must agree with its checkpoint on every option of effect `result`; the others
 * may differ.
 *
 * - `result`: the numbers of what comes out (weights, pictures).
 * - `speed`: time and memory; the result up to rounding.
 * - `files`: what is written, shown or sent, and where.
 */
export type OptionEffect = "result" | "speed" | "files";

/** All that an option says of itself besides its type, range and default, which its zod schema says. */
export interface OptionMeta {
  /** The id of the group under which help and documentation list it. */
  readonly group: string;
  /** What it does, in a sentence or two. */
  readonly help: string;
  readonly effect: OptionEffect;
  /** What stands for the value in help: `--output_dir=DIR`. Without it: from the type. */
  readonly metavar?: string;
  /** What holds when the option is left out and its default is `null`. */
  readonly unset?: string;
  /** Stands on the command line by itself, without its name: `card runs/first`. Several are read in their order. */
  readonly positional?: boolean;
  /** Other names, underscore form, that are accepted on the command line and in configuration files. */
  readonly aliases?: readonly string[];
  /** For a list: the character that also separates values inside one argument. */
  readonly separator?: string;
  /** For text with a pattern: what is expected, in words. */
  readonly expects?: string;
  /** Never shown, logged or written to a file. */
  readonly secret?: boolean;
  /** Accepted, but cannot exist here: one sentence that says what is used instead, for each value or for any. */
  readonly instead?: string | Readonly<Record<string, string>>;
}

/**
 * Attaches `meta` to a field of an option schema. Call it last: zod keeps metadata on this very instance, and a later
 * `.default()` would make another.
 *
 * @example rank: option(z.int().min(1).default(4), { group: "adapter", help: "…", effect: "result" })
 */
export function option<S extends z.ZodType>(schema: S, meta: OptionMeta): S {
  const { help, ...rest } = meta;
  return schema.meta({ description: help, ...rest }) as S;
}
