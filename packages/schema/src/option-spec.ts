import { z } from "zod";
import type { OptionEffect, OptionMeta } from "./option.js";

/** A value that an option can have in JSON. */
export type OptionValue = string | number | boolean | null | readonly string[];

/** One option as plain data, derived from its zod schema: what the command line, the documents and forms are made of. */
export interface OptionSpec extends OptionMeta {
  /** The name with underscores. */
  readonly name: string;
  readonly kind: "boolean" | "integer" | "number" | "text" | "choice" | "list";
  readonly required: boolean;
  /** `undefined` when required; `null` when left out means `unset`. */
  readonly default: OptionValue | undefined;
  readonly choices: readonly (string | number)[];
  /** Bounds of a number; `exclusiveMinimum` and `exclusiveMaximum` are themselves not allowed. */
  readonly minimum: number | undefined;
  readonly maximum: number | undefined;
  readonly exclusiveMinimum: number | undefined;
  readonly exclusiveMaximum: number | undefined;
  /** Whether text may be empty. */
  readonly mayBeEmpty: boolean;
}

/** The part of JSON Schema that option schemas produce. */
interface FieldSchema extends Partial<Omit<OptionMeta, "help">> {
  readonly type?: string | readonly string[];
  readonly anyOf?: readonly FieldSchema[];
  readonly enum?: readonly (string | number)[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly exclusiveMaximum?: number;
  readonly minLength?: number;
  readonly pattern?: string;
  readonly default?: OptionValue;
  readonly description?: string;
}

/**
 * The options of `schema` in the order of declaration.
 *
 * @throws Error when a field was declared without `option(…)` or has a type that the command line cannot read.
 */
export function optionSpecs(schema: z.ZodType): readonly OptionSpec[] {
  const json = z.toJSONSchema(schema, { io: "input" }) as unknown as {
    properties: Record<string, FieldSchema>;
    required?: readonly string[];
  };
  const required = new Set(json.required ?? []);
  return Object.entries(json.properties).map(([name, field]) => specOf(name, field, required.has(name)));
}

function specOf(name: string, field: FieldSchema, required: boolean): OptionSpec {
  const { group, description: help, effect } = field;
  if (group === undefined || help === undefined || effect === undefined)
    throw new Error(`expected a group, help and effect for option ${name}: declare it with option(schema, meta)`);
  const value = withoutNull(name, field);
  const { metavar, unset, positional, aliases, separator, expects, secret, instead } = field;
  return {
    name,
    kind: kindOf(name, value),
    required,
    default: field.default,
    choices: value.enum ?? [],
    minimum: bound(value.minimum),
    maximum: bound(value.maximum),
    exclusiveMinimum: value.exclusiveMinimum,
    exclusiveMaximum: value.exclusiveMaximum,
    mayBeEmpty: value.minLength === undefined && value.pattern === undefined,
    group,
    help,
    effect,
    ...(metavar !== undefined && { metavar }),
    ...(unset !== undefined && { unset }),
    ...(positional !== undefined && { positional }),
    ...(aliases !== undefined && { aliases }),
    ...(separator !== undefined && { separator }),
    ...(expects !== undefined && { expects }),
    ...(secret !== undefined && { secret }),
    ...(instead !== undefined && { instead }),
  };
}

/** `anyOf [X, null]` or `type [X, null]` → X. */
function withoutNull(name: string, field: FieldSchema): FieldSchema {
  const alternatives = field.anyOf ?? [field];
  const [only, ...more] = alternatives.filter((alternative) => alternative.type !== "null");
  if (only === undefined || more.length > 0) throw new Error(`expected one type for option ${name} but it has several`);
  if (!Array.isArray(only.type)) return only;
  const [type, ...others] = only.type.filter((one) => one !== "null");
  if (type === undefined || others.length > 0)
    throw new Error(`expected one type for option ${name} but it has several`);
  return { ...only, type };
}

function kindOf(name: string, field: FieldSchema): OptionSpec["kind"] {
  if (field.enum !== undefined) return "choice";
  switch (field.type) {
    case "boolean":
      return "boolean";
    case "integer":
      return "integer";
    case "number":
      return "number";
    case "string":
      return "text";
    case "array":
      return "list";
    default:
      throw new Error(`expected a type that the command line can read for option ${name} but it has ${field.type}`);
  }
}

/** zod bounds every integer by the safe range; that is no bound that a person would want to read. */
function bound(value: number | undefined): number | undefined {
  return value === undefined || Math.abs(value) === Number.MAX_SAFE_INTEGER ? undefined : value;
}

/** The effects in words, for documents. */
export const EFFECTS: Readonly<Record<OptionEffect, string>> = {
  result: "changes the numbers of what comes out",
  speed: "changes time and memory, the result only by rounding",
  files: "changes what is written, shown or sent, and where",
};
