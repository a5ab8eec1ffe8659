import { parseArgs } from "node:util";
import { type AnyOptionSet, nearestName, type OptionSpec, readOptionText } from "@stillframe/schema";

/** The options that the command line itself adds to every command. */
const OWN = ["config", "help"];

/** What stood on the command line after the command. */
export interface Arguments {
  /** Values by the schema's names. */
  readonly values: Readonly<Record<string, unknown>>;
  /** The file given with `--config`. */
  readonly config: string | undefined;
  readonly help: boolean;
  readonly problems: readonly string[];
}

type Token = NonNullable<ReturnType<typeof parseTokens>>[number];
type OptionToken = Extract<Token, { kind: "option" }>;

/**
 * Reads `argv` by the options of `set`: `--a=b`, `--a b`, bare switches, `--no-a`, underscores or hyphens, repeated
 * lists, and values of positional options without their names. A scalar given twice takes the last, so that a stored
 * command line can be amended at its end.
 */
export function readArguments(set: AnyOptionSet, argv: readonly string[]): Arguments {
  const reader = new ArgumentReader(set, argv);
  for (const token of parseTokens(set, argv)) reader.read(token);
  return reader;
}

function parseTokens(set: AnyOptionSet, argv: readonly string[]) {
  const options: Record<string, { type: "boolean" | "string"; short?: string }> = {
    config: { type: "string" },
    help: { type: "boolean", short: "h" },
  };
  for (const spec of set.specs) {
    const type = spec.kind === "boolean" ? "boolean" : "string";
    for (const name of [spec.name, ...(spec.aliases ?? [])]) {
      options[name] = { type };
      options[name.replaceAll("_", "-")] = { type };
    }
  }
  return parseArgs({ args: [...argv], options, strict: false, allowPositionals: true, tokens: true }).tokens;
}

class ArgumentReader implements Arguments {
  readonly values: Record<string, unknown> = {};
  config: string | undefined;
  help = false;
  readonly problems: string[] = [];
  readonly #set: AnyOptionSet;
  readonly #argv: readonly string[];
  /** Options whose values may stand without a name, in their order. */
  readonly #awaited: readonly OptionSpec[];
  /** The option just read, for what a stray word after it may have meant. */
  #last: { spec: OptionSpec | undefined; index: number } | undefined;

  constructor(set: AnyOptionSet, argv: readonly string[]) {
    this.#set = set;
    this.#argv = argv;
    this.#awaited = set.specs.filter((spec) => spec.positional === true);
  }

  read(token: Token): void {
    if (token.kind === "positional") this.#positional(token.value, token.index);
    else if (token.kind === "option") this.#option(token);
  }

  #option(token: OptionToken): void {
    const spec = this.#set.find(token.name);
    const repeatsLast = this.#last?.index === token.index;
    this.#last = { spec, index: token.index };
    if (token.name === "help") this.help = true;
    else if (token.name === "config") this.#config(token);
    else if (spec !== undefined && token.rawName.startsWith("--")) this.#known(spec, token);
    else if (!this.#negated(token) && !repeatsLast) this.#unknown(token);
  }

  #known(spec: OptionSpec, token: OptionToken): void {
    if (spec.kind === "boolean") {
      this.values[spec.name] = token.value === undefined ? true : readOptionText(spec, token.value);
      return;
    }
    const text = this.#text(token);
    if (text === undefined) return;
    const value = readOptionText(spec, text);
    const earlier = this.values[spec.name];
    this.values[spec.name] = spec.kind === "list" && Array.isArray(earlier) ? earlier.concat(value) : value;
  }

  /** The option's text, or a problem when there is none, or another option in its place. */
  #text(token: OptionToken): string | undefined {
    const { rawName, value } = token;
    if (value === undefined) {
      this.problems.push(`expected a value for ${rawName} but the command line ends there`);
      return undefined;
    }
    if (!token.inlineValue && /^-\D/.test(value) && !/^-\.\d/.test(value)) {
      this.problems.push(
        `expected a value for ${rawName} but received ${value} (if that is the value: ${rawName}=${value})`,
      );
      // What follows belongs to the option that was taken for a value.
      this.#last = { spec: undefined, index: token.index + 1 };
      return undefined;
    }
    return value;
  }

  #config(token: OptionToken): void {
    const path = this.#text(token);
    if (path === undefined) return;
    if (this.config !== undefined) this.problems.push("expected one --config but received two");
    this.config = path;
  }

  /** `--no-random_flip`. */
  #negated(token: OptionToken): boolean {
    const positive = /^no[-_](.+)$/.exec(token.name)?.[1];
    const spec = positive === undefined ? undefined : this.#set.find(positive);
    if (spec?.kind !== "boolean") return false;
    if (token.value !== undefined)
      this.problems.push(`expected no value for ${token.rawName} but received ${token.value}`);
    this.values[spec.name] = false;
    return true;
  }

  #unknown(token: OptionToken): void {
    // `-rank 4` arrives as -r, -a, -n, -k: speak of what was typed.
    const typed = token.rawName.startsWith("--") ? token.rawName : (this.#argv[token.index] ?? token.rawName);
    const option = typed.replace(/=.*$/s, "");
    const name = option.replace(/^-+/, "");
    const meant = this.#set.find(name)?.name ?? this.#set.nearest(name) ?? nearestName(name, OWN);
    this.problems.push(`unknown option ${option}${meant === undefined ? "" : `: did you mean --${meant}?`}`);
  }

  #positional(value: string, index: number): void {
    // The value of an unknown option: that option is the problem.
    if (this.#last !== undefined && this.#last.spec === undefined && this.#last.index === index - 1) return;
    const awaited = this.#awaited.find((spec) => !Object.hasOwn(this.values, spec.name));
    if (awaited !== undefined) {
      this.values[awaited.name] = readOptionText(awaited, value);
      return;
    }
    const after = this.#last?.spec;
    const hint =
      after?.kind === "boolean" ? `: write --${after.name}=${value}` : ": a value with spaces needs quotation marks";
    this.problems.push(`unexpected argument ${JSON.stringify(value)}${hint}`);
  }
}
