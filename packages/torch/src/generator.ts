import { invalid } from "./errors.js";
import { native } from "./native.js";
import { type Device, Tensor } from "./tensor.js";

/** A seed as the addon takes it: 63 bits, so that the sign never matters. */
function checkedSeed(seed: number | bigint): number | bigint {
  const fits = typeof seed === "bigint" ? seed >= 0n && seed < 2n ** 63n : Number.isSafeInteger(seed) && seed >= 0;
  if (!fits) throw invalid("seed", "an integer from 0 to 2^53 - 1, or a bigint below 2^63,", seed);
  return seed;
}

/** A seeded source of random numbers. Draws depend on nothing but its state, which can be saved and restored. */
export class Generator {
  /** @internal */
  readonly native: object;
  readonly device: Device;

  constructor(seed: number | bigint = 0, { device = "cpu" }: { device?: Device } = {}) {
    this.device = device;
    this.native = native.generator(checkedSeed(seed), device);
  }

  /** Starts the sequence of `seed` anew. */
  reseed(seed: number | bigint): void {
    native.generatorSeed(this.native, checkedSeed(seed));
  }

  /** The state as bytes, `uint8[n]`. */
  getState(): Tensor {
    return new Tensor(native.getGeneratorState(this.native));
  }

  /** Continues from a state that `getState` gave. */
  setState(state: Tensor): void {
    native.setGeneratorState(this.native, state.handle);
  }
}
