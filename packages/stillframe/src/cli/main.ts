import { readFileSync } from "node:fs";
import { nearestName } from "@stillframe/schema";
import { type Command, type CommandContext, EXIT } from "./command.js";
import { cardCommand } from "./commands/card.js";
import { doctorCommand } from "./commands/doctor.js";
import { evaluateCommand } from "./commands/evaluate.js";
import { generateCommand } from "./commands/generate.js";
import { makeModelCommand } from "./commands/make-model.js";
import { prepareCommand } from "./commands/prepare.js";
import { publishCommand } from "./commands/publish.js";
import { pullCommand } from "./commands/pull.js";
import { reproduceCommand } from "./commands/reproduce.js";
import { trainCommand } from "./commands/train.js";
import { commandHelp, overviewHelp } from "./help.js";
import { library } from "./library.js";
import { reportError } from "./report-error.js";
import { processTerminal, type Terminal } from "./terminal.js";
import { UsageError } from "./usage-error.js";

/** Every command, in the order of help. A new one adds its line here and its file in `commands/`. */
const COMMANDS: readonly Command[] = [
  trainCommand,
  prepareCommand,
  generateCommand,
  evaluateCommand,
  cardCommand,
  publishCommand,
  pullCommand,
  reproduceCommand,
  makeModelCommand,
  doctorCommand,
];

/**
 * Runs `stillframe` with the arguments after its name; the exit code: 0 done, 1 failed, 2 wrong command line, 130
 * interrupted. Never throws.
 */
export async function main(
  argv: readonly string[],
  context: Omit<CommandContext, "argv"> = { terminal: processTerminal(), library },
): Promise<number> {
  try {
    return await dispatch(argv, context);
  } catch (error) {
    return reportError(error, context.terminal);
  }
}

async function dispatch(argv: readonly string[], context: Omit<CommandContext, "argv">): Promise<number> {
  const [name = "help", ...rest] = argv;
  const { terminal } = context;
  if (["help", "--help", "-h"].includes(name)) return showHelp(rest[0], terminal);
  if (["version", "--version", "-v"].includes(name)) return print(version(), terminal);
  return find(name).execute(rest, context);
}

function showHelp(name: string | undefined, terminal: Terminal): number {
  return print(name === undefined ? overviewHelp(COMMANDS, terminal) : commandHelp(find(name), terminal), terminal);
}

function print(text: string, { out }: Terminal): number {
  out.write(text);
  return EXIT.done;
}

function find(name: string): Command {
  const command = COMMANDS.find(({ options }) => options.command === name);
  if (command !== undefined) return command;
  const names = [...COMMANDS.map(({ options }) => options.command), "help", "version"];
  const nearest = nearestName(name, names);
  const hint = nearest === undefined ? `: the commands are ${names.join(", ")}` : `: did you mean ${nearest}?`;
  throw new UsageError([`unknown command ${name}${hint}`]);
}

function version(): string {
  const file = new URL("../../package.json", import.meta.url);
  const { version } = JSON.parse(readFileSync(file, "utf8")) as { version: string };
  return `stillframe ${version} (Node ${process.versions.node}, ${process.platform} ${process.arch})\n`;
}
