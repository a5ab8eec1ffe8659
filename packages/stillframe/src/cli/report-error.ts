import { OptionsError } from "@stillframe/schema";
import { EXIT } from "./command.js";
import { styleFor } from "./style.js";
import type { Terminal } from "./terminal.js";
import { UsageError } from "./usage-error.js";

/** Says on `err` what went wrong, briefly unless STILLFRAME_DEBUG is set; the exit code. */
export function reportError(error: unknown, { err, color }: Terminal, env: NodeJS.ProcessEnv = process.env): number {
  const mark = styleFor(color).red("stillframe:");
  if (error instanceof UsageError || error instanceof OptionsError) {
    const lines = error instanceof UsageError ? error.problems : error.problems.map((problem) => problem.message);
    const topic = error instanceof UsageError && error.command !== undefined ? `${error.command} ` : "";
    err.write(`${lines.map((line) => `${mark} ${line}\n`).join("")}See stillframe ${topic}--help.\n`);
    return EXIT.usage;
  }
  if (env.STILLFRAME_DEBUG) {
    err.write(`${mark} ${stackOf(error)}\n`);
    return EXIT.failed;
  }
  const lines = [`${mark} ${messageOf(error)}`, ...causes(error).map((cause) => `  because: ${messageOf(cause)}`)];
  err.write(`${lines.join("\n")}\nSTILLFRAME_DEBUG=1 shows where this came from.\n`);
  return EXIT.failed;
}

function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // An error class without a message says at least what it is.
  return error.message === "" ? error.name : error.message;
}

function stackOf(error: unknown): string {
  const whole = error instanceof Error ? (error.stack ?? messageOf(error)) : String(error);
  return [
    whole,
    ...causes(error).map((cause) => `because: ${cause instanceof Error ? cause.stack : String(cause)}`),
  ].join("\n");
}

/** The causes of `error`, nearest first; a chain that runs in a circle ends. */
function causes(error: unknown): unknown[] {
  const chain: unknown[] = [];
  let cause = error instanceof Error ? error.cause : undefined;
  while (cause !== undefined && !chain.includes(cause) && cause !== error) {
    chain.push(cause);
    cause = cause instanceof Error ? cause.cause : undefined;
  }
  return chain;
}
