/** The command line is wrong, not the work: ends in exit code 2 and a pointer to help. */
export class UsageError extends Error {
  override readonly name = "UsageError";
  readonly problems: readonly string[];
  /** The command whose help has the answer, or `undefined` for that of all commands. */
  readonly command: string | undefined;
  constructor(problems: readonly string[], command?: string) {
    super(problems.join("\n"));
    this.problems = problems;
    this.command = command;
  }
}
