import { full, tensor, zeros } from "../factory.js";
import { bucketize } from "../functions.generated.js";
import { keep, scope } from "../scope.js";
import type { Device, Tensor } from "../tensor.js";

/** Keeps a block of zeros, and one whose largest number is below float32's normal ones, from a division by zero. */
const SMALLEST_SCALE = 2 ** -126;

/**
 * The 256 numbers of dynamic tree quantization, ascending (Dettmers et al. 2022). After the sign, a
 * code's leading zeros are its decimal exponent, a one ends them, and the bits that are left place it in the decade:
 * at the middle of one of 2ᵏ equal parts of [0.1, 1]. Two codes are left over; they are exactly 0 and exactly 1.
 * Unsigned, the sign's bit goes to the fraction.
 */
export function dynamicTreeMap({ signed }: { signed: boolean }): Float32Array {
  const magnitudes = [0, 1, 2, 3, 4, 5, 6].flatMap((zeros) => {
    const parts = 2 ** (signed ? 6 - zeros : 7 - zeros);
    return Array.from({ length: parts }, (_, i) => 10 ** -zeros * (0.1 + (0.9 * (i + 0.5)) / parts));
  });
  return Float32Array.from([0, 1, ...magnitudes, ...(signed ? magnitudes.map((m) => -m) : [])]).sort();
}

/** The codes' numbers, and where one code ends and the next begins, on a device. */
export class CodeBook {
  /** `[256]`, ascending */
  readonly values: Tensor;
  /** `[255]` */
  readonly bounds: Tensor;
  /** the code of 0 */
  readonly zero: number;

  /**
   * Numbers get the nearest code. With `zeroExact` a number above 0 never gets the code of 0: as a second moment it is
   * a divisor, and an element whose squares are small beside its block's would get an update without bound (the
   * zero-point problem of Li et al. 2023). Rounding it up makes the update smaller instead.
   */
  constructor({ signed, zeroExact = false, device }: { signed: boolean; zeroExact?: boolean; device: Device }) {
    const values = dynamicTreeMap({ signed });
    const bounds = values.slice(1).map((v, i) => (v + (values[i] as number)) / 2);
    this.zero = values.indexOf(0);
    if (zeroExact) bounds[this.zero] = 0;
    this.values = keep(tensor(values, { device }));
    this.bounds = keep(tensor(bounds, { device }));
  }

  dispose(): void {
    this.values.dispose();
    this.bounds.dispose();
  }
}

/** A stretch of a vector as rows of whole blocks; or the last block alone, when it is shorter. */
export interface Stretch {
  start: number;
  block: number;
  rows: number;
  columns: number;
}

/** Stretches of at most `chunkSize` elements (or one block) that cover `[n]`. */
export function* stretches(n: number, { blockSize, chunkSize }: { blockSize: number; chunkSize: number }) {
  const whole = Math.floor(n / blockSize);
  const most = Math.max(1, Math.floor(chunkSize / blockSize));
  for (let block = 0; block < whole; block += most)
    yield { start: block * blockSize, block, rows: Math.min(most, whole - block), columns: blockSize };
  const start = whole * blockSize;
  if (start < n) yield { start, block: whole, rows: 1, columns: n - start };
}

/** Views a stretch of `[n]` as `[rows, columns]`. */
export const stretchOf = (t: Tensor, { start, rows, columns }: Stretch): Tensor =>
  t.narrow(0, start, rows * columns).view(rows, columns);

/** A vector in 8 bits an element: `codes [n]` of uint8, each block's by its largest magnitude in `scales [blocks]`. */
export class QuantizedVector {
  readonly codes: Tensor;
  readonly scales: Tensor;
  private readonly book: CodeBook;

  /** Takes over both tensors. */
  constructor(book: CodeBook, { codes, scales }: { codes: Tensor; scales: Tensor }) {
    this.book = book;
    this.codes = keep(codes);
    this.scales = keep(scales);
  }

  /** A vector of zeros. */
  static zeros(book: CodeBook, { size, blockSize }: { size: number; blockSize: number }): QuantizedVector {
    const { device } = book.values;
    const codes = full([size], book.zero, { dtype: "uint8", device });
    return new QuantizedVector(book, { codes, scales: zeros([Math.ceil(size / blockSize)], { device }) });
  }

  /** The numbers of a stretch, `[rows, columns]` of float32. */
  read(at: Stretch): Tensor {
    return scope(() => {
      const index = this.codes.narrow(0, at.start, at.rows * at.columns).to("int32");
      const scales = this.scales.narrow(0, at.block, at.rows).unsqueeze(1);
      return this.book.values.indexSelect(0, index).view(at.rows, at.columns).mul_(scales);
    });
  }

  /** Stores `values [rows, columns]` in a stretch. */
  write(at: Stretch, values: Tensor): void {
    scope(() => {
      const scales = values.abs().amax([1]).clamp(SMALLEST_SCALE);
      this.scales.narrow(0, at.block, at.rows).copy_(scales);
      const codes = bucketize(values.div(scales.unsqueeze(1)), this.book.bounds, { outInt32: true });
      stretchOf(this.codes, at).copy_(codes);
    });
  }

  dispose(): void {
    this.codes.dispose();
    this.scales.dispose();
  }
}
