/** One thing that is wrong with the options of a command. */
export interface OptionProblem {
  /** `unknown`: no such option · `invalid`: a wrong value · `missing`: required · `conflict`: options that do not go together. */
  readonly kind: "unknown" | "invalid" | "missing" | "conflict";
  /** The option that it is about; `undefined` for a conflict of several. */
  readonly option: string | undefined;
  /** A sentence that stands alone. */
  readonly message: string;
}

/** Options that cannot be used. `problems` has all of them, `message` one a line. */
export class OptionsError extends Error {
  override readonly name = "OptionsError";
  readonly problems: readonly OptionProblem[];
  constructor(problems: readonly OptionProblem[]) {
    super(problems.map((problem) => problem.message).join("\n"));
    this.problems = problems;
  }
}
