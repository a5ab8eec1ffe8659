/** A number that must be finite is NaN or infinite; nothing goes on from it. */
export class NotFiniteError extends Error {
  override readonly name = "NotFiniteError";
  constructor(what: string, advice: string) {
    super(`${what} is not finite${advice === "" ? "" : `: ${advice}`}`);
  }
}
