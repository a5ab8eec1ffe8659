import { invalid } from "./errors.js";
import { native } from "./native.js";
import { type Device, Tensor } from "./tensor.js";

/** A seeded source of random numbers. Draws depend on nothing but its state, which can be saved and restored. */
export class Generator {
  /** @internal */
  readonly native: object;
  readonly device: Device;

  constructor(seed: number | bigint = 0, { device = "cpu" }: { device?: Device } = {}) {
    if (typeof seed === "number" && !(Number.isSafeInteger(seed) && seed >= 0))
      throw invalid("seed", "an integer from 0 to 2^53 - 1", seed);
    this.device = device;
    this.native = native.generator(seed, device);
  }

  /** Starts the sequence of `seed` anew. */
  reseed(seed: number | bigint): void {
    native.generatorSeed(this.native, seed);
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
