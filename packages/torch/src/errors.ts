/** What a caller can act on, by class. Every message says what was expected, of what, and what came instead. */

/** A value that was given to a public function is not acceptable. */
export class InvalidArgumentError extends TypeError {
  override readonly name = "InvalidArgumentError";
}

/** A tensor has another shape than the code says. */
export class ShapeError extends RangeError {
  override readonly name = "ShapeError";
}

/** A tensor was used after it was freed by `dispose`, `using` or the end of a `scope`. */
export class DisposedError extends ReferenceError {
  override readonly name = "DisposedError";
}

/** An operator failed inside libtorch; the message carries the operator and its operands. */
export class OperatorError extends Error {
  override readonly name: string = "OperatorError";
  readonly operator: string;
  constructor(message: string, operator: string) {
    super(message);
    this.operator = operator;
  }
}

/** The device has no memory left for an operator's result. */
export class OutOfMemoryError extends OperatorError {
  override readonly name = "OutOfMemoryError";
}

/** A file is not what it says it is: truncated, lying about itself, or of another format. */
export class FileFormatError extends Error {
  override readonly name = "FileFormatError";
  readonly path: string;
  constructor(path: string, problem: string) {
    super(`${path}: ${problem}`);
    this.path = path;
  }
}

/** libtorch or the addon built on it cannot be found or loaded; the message lists the ways to get one. */
export class EngineUnavailableError extends Error {
  override readonly name = "EngineUnavailableError";
}

const MAX_SHOWN = 120;

/** A short, readable form of any value for an error message. */
export function show(value: unknown): string {
  if (typeof value === "string")
    return JSON.stringify(value.length > MAX_SHOWN ? `${value.slice(0, MAX_SHOWN)}…` : value);
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value === "function") return `a function${value.name ? ` ${value.name}` : ""}`;
  if (typeof value === "object" && value !== null) {
    if (Array.isArray(value)) {
      const text = `[${value.slice(0, 12).map(show).join(", ")}${value.length > 12 ? ", …" : ""}]`;
      return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text;
    }
    return `an object of type ${value.constructor?.name ?? "Object"}`;
  }
  return String(value);
}

/**
 * The error for a bad argument: `expected an integer from 1 to 64 for rank but received 5000`.
 *
 * @example throw invalid("rank", "an integer from 1 to 64", rank);
 */
export function invalid(name: string, expected: string, received: unknown): InvalidArgumentError {
  return new InvalidArgumentError(`expected ${expected} for ${name} but received ${show(received)}`);
}
