import type { OptionSpec } from "./option-spec.js";

const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;
const BOOLEANS: Readonly<Record<string, boolean>> = {
  true: true,
  false: false,
  yes: true,
  no: false,
  on: true,
  off: false,
  1: true,
  0: false,
};

/**
 * Reads `text` (from an argument) as a value of `spec`'s kind. Text that is no such value comes back as it is, for the
 * schema to refuse with the message that it has for any wrong value. A list comes back as a list of one or, where the
 * option has a separator, of several.
 */
export function readOptionText(spec: OptionSpec, text: string): string | number | boolean | string[] {
  switch (spec.kind) {
    case "boolean":
      return BOOLEANS[text.toLowerCase()] ?? text;
    case "integer":
    case "number":
      return readNumber(text);
    case "choice":
      return spec.choices.find((choice) => String(choice) === text) ?? text;
    case "list":
      return spec.separator === undefined ? [text] : text.split(spec.separator).map((item) => item.trim());
    case "text":
      return text;
  }
}

function readNumber(text: string): string | number {
  const trimmed = text.trim();
  return NUMBER.test(trimmed) ? Number(trimmed) : text;
}

/** What `spec` expects, in words: `an integer from 1`, `one of no, fp16, bf16`. */
export function expectation(spec: OptionSpec): string {
  if (spec.expects !== undefined) return spec.expects;
  switch (spec.kind) {
    case "boolean":
      return "true or false";
    case "integer":
      return `an integer${range(spec)}`;
    case "number":
      return `a number${range(spec)}`;
    case "choice":
      return `one of ${spec.choices.join(", ")}`;
    case "list":
      return "one or more texts";
    case "text":
      return spec.mayBeEmpty ? "text" : "text that is not empty";
  }
}

function range(spec: OptionSpec): string {
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum } = spec;
  const parts: string[] = [];
  if (minimum !== undefined) parts.push(`from ${minimum}`);
  if (exclusiveMinimum !== undefined) parts.push(`above ${exclusiveMinimum}`);
  if (maximum !== undefined) parts.push(parts.length === 0 ? `of at most ${maximum}` : `to ${maximum}`);
  if (exclusiveMaximum !== undefined) parts.push(`${parts.length === 0 ? "" : "and "}below ${exclusiveMaximum}`);
  return parts.map((part) => ` ${part}`).join("");
}

/** A value as help and documents show it: `1e-4`, `fp16`, `""`, `a, b`. */
export function formatOptionValue(value: unknown): string {
  if (typeof value === "number") return formatNumber(value);
  if (Array.isArray(value)) return value.map(formatOptionValue).join(", ");
  if (value === "") return '""';
  return String(value);
}

function formatNumber(value: number): string {
  return value !== 0 && Math.abs(value) < 1e-3 ? value.toExponential() : String(value);
}

const MAX_SHOWN = 120;

/** A value as an error message shows it. */
export function showValue(value: unknown): string {
  if (value === undefined) return "nothing";
  if (typeof value === "number" || typeof value === "boolean" || value === null) return String(value);
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value === "function" || typeof value === "symbol") return `a ${typeof value}`;
  const text = JSON.stringify(value) ?? String(value);
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text;
}
