import {
  type AnyOptionSet,
  type OptionProblem,
  type OptionSet,
  type OptionShape,
  OptionsError,
  type OptionsOf,
} from "@stillframe/schema";
import { type Arguments, readArguments } from "./arguments.js";
import { type ConfigFile, readConfigFile } from "./config-file.js";
import { commandHelp } from "./help.js";
import type { Library } from "./library.js";
import type { Terminal } from "./terminal.js";
import { UsageError } from "./usage-error.js";

/** What a command works with. */
export interface CommandContext {
  readonly terminal: Terminal;
  readonly library: Library;
  /** What stood after the command, as it was typed. */
  readonly argv: readonly string[];
}

/** The exit codes of the program. */
export const EXIT = { done: 0, failed: 1, usage: 2, interrupted: 130, terminated: 143 } as const;

/** One command of `stillframe`: its options say all that help says, besides these few lines. */
export interface Command {
  readonly options: AnyOptionSet;
  /** Whole command lines that work, for the end of its help. */
  readonly examples: readonly string[];
  /** Reads `argv` and does the work; the exit code. */
  execute(argv: readonly string[], context: Omit<CommandContext, "argv">): Promise<number>;
}

/** What a command is declared with. */
export interface CommandDeclaration<S extends OptionShape> {
  readonly options: OptionSet<S>;
  readonly examples: readonly string[];
  readonly run: (options: OptionsOf<S>, context: CommandContext) => Promise<number>;
}

/** A command from its options and what it does with them. */
export function command<S extends OptionShape>({ options: set, examples, run }: CommandDeclaration<S>): Command {
  const self: Command = {
    options: set,
    examples,
    async execute(argv, context) {
      const { terminal } = context;
      const given = readArguments(set, argv);
      // Help wins over everything that is wrong with a command line.
      if (given.help) {
        terminal.out.write(commandHelp(self, terminal));
        return EXIT.done;
      }
      const options = readOptions(set, given);
      for (const line of set.replacements(options)) terminal.out.write(`note: ${line}\n`);
      return run(options, { ...context, argv });
    },
  };
  return self;
}

/**
 * The options of a command line and its configuration file together; the command line wins.
 *
 * @throws UsageError with every problem of both.
 */
function readOptions<S extends OptionShape>(set: OptionSet<S>, given: Arguments): OptionsOf<S> {
  const nothing: ConfigFile = { values: {}, places: new Map(), problems: [], whole: true };
  const file = given.config === undefined ? nothing : readConfigFile(set, given.config);
  const problems = [...given.problems, ...file.problems];
  try {
    const options = set.parse({ ...file.values, ...given.values });
    if (problems.length === 0) return options;
  } catch (error) {
    if (!(error instanceof OptionsError)) throw error;
    const known = file.whole ? error.problems : error.problems.filter(({ kind }) => kind === "invalid");
    problems.push(...known.map((problem) => withPlace(problem, given, file)));
  }
  throw new UsageError(problems, set.command);
}

/** The problem's message, with file and line when it is about an option of the file. */
function withPlace({ option, message }: OptionProblem, given: Arguments, file: ConfigFile): string {
  if (option === undefined || Object.hasOwn(given.values, option)) return message;
  const place = file.places.get(option);
  return place === undefined ? message : `${place}: ${message}`;
}
