import { z } from "zod";
import { nearestName } from "./nearest-name.js";
import { type OptionSpec, optionSpecs } from "./option-spec.js";
import { expectation, showValue } from "./option-value.js";
import { type OptionProblem, OptionsError } from "./options-error.js";

/** The fields of a command's options, each made by `option(…)`. */
export type OptionShape = z.ZodRawShape;
/** The options of a shape with every default filled in. */
export type OptionsOf<S extends OptionShape> = z.output<z.ZodObject<S>>;

/** A check over several options. It runs when each option in `needs` is valid by itself. */
export interface OptionRule<O, K extends keyof O = keyof O> {
  readonly needs: readonly K[];
  /** The problem as a sentence, or `undefined` when there is none. */
  readonly check: (options: Pick<O, K>) => string | undefined;
}

/** Declares a rule; the check sees the options that it needs and no others. */
export function rule<O, K extends keyof O>(
  needs: readonly K[],
  check: (options: Pick<O, K>) => string | undefined,
): OptionRule<O> {
  return { needs, check: check as OptionRule<O>["check"] };
}

/** A heading of help and documents. Groups are listed in the order of declaration. */
export interface OptionGroup {
  readonly id: string;
  readonly title: string;
}

/** What a command's options are declared with. */
export interface OptionSetDeclaration<S extends OptionShape> {
  /** The command's name: `train`. */
  readonly command: string;
  /** One line for the list of commands. */
  readonly summary: string;
  readonly groups: readonly OptionGroup[];
  readonly shape: S;
  readonly rules?: readonly OptionRule<OptionsOf<S>>[];
}

/** The options of one command: everything that knows an option derives from it. */
export class OptionSet<S extends OptionShape> {
  readonly command: string;
  readonly summary: string;
  readonly groups: readonly OptionGroup[];
  /** The strict object, rules included. */
  readonly schema: z.ZodObject<S, z.core.$strict>;
  /** Every option in the order of declaration. */
  readonly specs: readonly OptionSpec[];
  readonly #rules: readonly OptionRule<OptionsOf<S>>[];
  readonly #byName: ReadonlyMap<string, OptionSpec>;

  /** @throws Error when an option names a group that does not exist, or two options share a name. */
  constructor(declaration: OptionSetDeclaration<S>) {
    this.command = declaration.command;
    this.summary = declaration.summary;
    this.groups = declaration.groups;
    this.#rules = declaration.rules ?? [];
    this.schema = z.strictObject(declaration.shape).superRefine((options, context) => {
      for (const { check } of this.#rules) {
        const message = check(options as never);
        if (message !== undefined) context.addIssue({ code: "custom", message });
      }
    });
    this.specs = optionSpecs(this.schema);
    this.#byName = indexed(this.specs, this.groups);
  }

  /** The option called `name`: underscore or kebab-case, alias or not. */
  find(name: string): OptionSpec | undefined {
    return this.#byName.get(name.replaceAll("-", "_"));
  }

  /** The known name nearest to `name`, with underscores, or `undefined` when none is near. */
  nearest(name: string): string | undefined {
    return nearestName(name.replaceAll("-", "_"), [...this.#byName.keys()]);
  }

  /**
   * Options from a plain record with the schema's own names; defaults fill what is left out (`undefined` counts as left
   * out).
   *
   * @throws OptionsError with every problem found, not the first alone.
   */
  parse(record: Readonly<Record<string, unknown>>): OptionsOf<S> {
    const problems: OptionProblem[] = [];
    const options: Record<string, unknown> = {};
    for (const name of Object.keys(record)) {
      if (!Object.hasOwn(this.schema.shape, name)) problems.push(this.#unknown(name));
    }
    for (const spec of this.specs) {
      const field = this.schema.shape[spec.name] as unknown as z.ZodType;
      const result = field.safeParse(record[spec.name]);
      if (result.success) options[spec.name] = result.data;
      else problems.push(invalidOption(spec, record[spec.name]));
    }
    for (const { needs, check } of this.#rules) {
      if (!needs.every((name) => Object.hasOwn(options, name))) continue;
      const message = check(options as never);
      if (message !== undefined) problems.push({ kind: "conflict", option: undefined, message });
    }
    if (problems.length > 0) throw new OptionsError(problems);
    return options as OptionsOf<S>;
  }

  /** One line for each option that was given a value which cannot exist here: what is used instead. */
  replacements(options: OptionsOf<S>): string[] {
    const lines: string[] = [];
    for (const { name, instead, default: usual } of this.specs) {
      const value = (options as Record<string, unknown>)[name];
      if (instead === undefined || value === usual) continue;
      const line = typeof instead === "string" ? instead : instead[String(value)];
      if (line !== undefined) lines.push(`${name}: ${line}`);
    }
    return lines;
  }

  /** The options without secrets: what may be shown and written. */
  shown(options: OptionsOf<S>): Record<string, unknown> {
    return this.#select(options, (spec) => spec.secret !== true);
  }

  /** The options that differ from their defaults, without secrets: what was asked. */
  asked(options: OptionsOf<S>): Record<string, unknown> {
    return this.#select(options, (spec, value) => spec.secret !== true && !same(value, spec.default));
  }

  /** The JSON Schema (draft 2020-12) of what may be given; group, effect and the like stand beside each type. */
  jsonSchema(): Record<string, unknown> {
    return { ...z.toJSONSchema(this.schema, { io: "input" }) };
  }

  #select(options: OptionsOf<S>, keep: (spec: OptionSpec, value: unknown) => boolean): Record<string, unknown> {
    const record = options as Record<string, unknown>;
    const kept = this.specs.filter((spec) => keep(spec, record[spec.name]));
    return Object.fromEntries(kept.map(({ name }) => [name, record[name]]));
  }

  #unknown(name: string): OptionProblem {
    // Another spelling or an alias is known, but not a key of the record.
    const meant = this.find(name)?.name ?? this.nearest(name);
    return { kind: "unknown", option: name, message: unknownOption(name, meant) };
  }
}

/** The sentence for an option that does not exist; `prefix` is `--` on the command line. */
export function unknownOption(name: string, nearest: string | undefined, prefix = ""): string {
  const known = nearest === undefined ? "" : `: did you mean ${prefix}${nearest}?`;
  return `unknown option ${prefix}${name}${known}`;
}

function invalidOption(spec: OptionSpec, value: unknown): OptionProblem {
  if (value === undefined)
    return { kind: "missing", option: spec.name, message: `expected a value for ${spec.name} but received none` };
  // A secret is not shown, not even a wrong one.
  const received = spec.secret === true ? `a ${typeof value}` : showValue(value);
  const message = `expected ${expectation(spec)} for ${spec.name} but received ${received}`;
  return { kind: "invalid", option: spec.name, message };
}

function indexed(specs: readonly OptionSpec[], groups: readonly OptionGroup[]): Map<string, OptionSpec> {
  const byName = new Map<string, OptionSpec>();
  for (const spec of specs) {
    if (!groups.some(({ id }) => id === spec.group))
      throw new Error(`expected a declared group for option ${spec.name} but received ${spec.group}`);
    for (const name of [spec.name, ...(spec.aliases ?? [])]) {
      if (byName.has(name)) throw new Error(`expected each option name once but received ${name} twice`);
      byName.set(name, spec);
    }
  }
  return byName;
}

function same(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
