import { FileFormatError } from "@stillframe/torch/errors";

/** A picture that cannot be used. A list of pictures goes on without it and reports the reason. */
export class UnusablePictureError extends FileFormatError {
  /** The message without the path. */
  readonly reason: string;

  constructor(path: string, reason: string) {
    super(path, reason);
    this.reason = reason;
  }
}
