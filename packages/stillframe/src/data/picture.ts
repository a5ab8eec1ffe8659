import { invalid } from "@stillframe/torch/errors";

/** Eight-bit RGB pixels. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly channels: 3;
  /** `[height, width, 3]`, rows from the top, red first; `height * width * 3` bytes. */
  readonly data: Uint8Array;
}

/** @throws InvalidArgumentError if the numbers and the bytes do not belong together. */
export function checkPicture(picture: Picture): void {
  const { width, height, data } = picture;
  if (!Number.isInteger(width) || width < 1) throw invalid("width", "a positive integer", width);
  if (!Number.isInteger(height) || height < 1) throw invalid("height", "a positive integer", height);
  if (data.length !== width * height * 3)
    throw invalid("data", `${width * height * 3} bytes (${width} × ${height} × 3)`, `${data.length} bytes`);
}
