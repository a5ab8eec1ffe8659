import { FileFormatError } from "@stillframe/torch/errors";

/** A component's `config.json`, read with checks: what is not understood is an error, never ignored. */
export class ConfigReader {
  readonly source: string;
  private readonly json: Record<string, unknown>;

  constructor(json: unknown, source: string) {
    if (typeof json !== "object" || json === null || Array.isArray(json))
      throw new FileFormatError(source, "expected a JSON object");
    this.json = json as Record<string, unknown>;
    this.source = source;
  }

  private wrong(key: string, expected: string): FileFormatError {
    return new FileFormatError(
      this.source,
      `expected ${expected} for ${key} but received ${JSON.stringify(this.json[key])}`,
    );
  }

  /** A positive integer. */
  count(key: string, byDefault?: number): number {
    const v = this.json[key] ?? byDefault;
    if (!Number.isSafeInteger(v) || (v as number) < 1) throw this.wrong(key, "a positive integer");
    return v as number;
  }

  number(key: string, byDefault?: number): number {
    const v = this.json[key] ?? byDefault;
    if (typeof v !== "number" || !Number.isFinite(v)) throw this.wrong(key, "a number");
    return v;
  }

  integer(key: string, byDefault?: number): number {
    const v = this.json[key] ?? byDefault;
    if (!Number.isSafeInteger(v)) throw this.wrong(key, "an integer");
    return v as number;
  }

  string(key: string, byDefault?: string): string {
    const v = this.json[key] ?? byDefault;
    if (typeof v !== "string") throw this.wrong(key, "a string");
    return v;
  }

  boolean(key: string, byDefault?: boolean): boolean {
    const v = this.json[key] ?? byDefault;
    if (typeof v !== "boolean") throw this.wrong(key, "true or false");
    return v;
  }

  counts(key: string): number[] {
    const v = this.json[key];
    if (!Array.isArray(v) || v.length === 0 || !v.every((n) => Number.isSafeInteger(n) && n > 0))
      throw this.wrong(key, "a list of positive integers");
    return v as number[];
  }

  /** A list of `n` positive integers, or one that stands for all. */
  countForEach(key: string, n: number, byDefault?: number): number[] {
    const v = this.json[key] ?? byDefault;
    if (Number.isSafeInteger(v) && (v as number) > 0) return new Array<number>(n).fill(v as number);
    const list = this.counts(key);
    if (list.length !== n) throw this.wrong(key, `${n} positive integers`);
    return list;
  }

  /** A list of names, each one of `allowed`. */
  names<T extends string>(key: string, allowed: readonly T[]): T[] {
    const v = this.json[key];
    if (!Array.isArray(v) || v.length === 0 || !v.every((s) => allowed.includes(s as T)))
      throw this.wrong(key, `a list of ${allowed.join(" | ")}`);
    return v as T[];
  }

  /** Settings that change the network when they differ; an absent key means the same as the value given here. */
  only(expected: Record<string, unknown>): void {
    for (const [key, value] of Object.entries(expected)) {
      const given = this.json[key];
      if (given !== undefined && given !== null && JSON.stringify(given) !== JSON.stringify(value))
        throw this.wrong(key, `${JSON.stringify(value)} (no other is supported)`);
    }
  }
}
