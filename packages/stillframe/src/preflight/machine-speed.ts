import {
  conv2d,
  type Device,
  type DType,
  engineInfo,
  hasOperator,
  linearLayer,
  noGrad,
  scope,
  type Tensor,
  trimMemory,
  zeros,
} from "@stillframe/torch";

/** Which operations keep less for the backward pass than separate operators would. */
export interface FastKernels {
  /** attention keeps no scores */
  fusedAttention: boolean;
  /** a gated linear unit and an activated normalization keep their inputs alone */
  ownKernels: boolean;
}

/** How fast this machine does what a training step consists of, in floating-point operations a second. */
export interface MachineSpeed {
  convolution: number;
  matrix: number;
  /** bytes a second that elementwise operations read and write */
  stream: number;
  /** seconds that starting an operation takes, whatever it does */
  overhead: number;
}

/** Which fused kernels there are for a device and type: the engine's own on the CPU, libtorch's from 2.0 on. */
export function fastKernels({ device, dtype }: { device: Device; dtype: DType }): FastKernels {
  const own = device === "cpu" && dtype === "float32" && engineInfo().kernels !== "none";
  return { fusedAttention: own || hasOperator("scaled_dot_product_attention"), ownKernels: own };
}

/** Time for each of the measurements, at least. */
const LEAST_SECONDS = 0.15;

/** Times `work`, which ends by reading a number so that a GPU has finished it; operations a second. */
function rate(operations: number, work: () => Tensor): number {
  const once = () => scope(() => work().sum().item());
  once(); // kernels are chosen and memory is taken the first time
  let done = 0;
  const began = performance.now();
  let seconds = 0;
  for (let n = 1; seconds < LEAST_SECONDS; n *= 2) {
    for (let i = 0; i < n; i++) once();
    done += n;
    seconds = (performance.now() - began) / 1000;
  }
  return (done * operations) / seconds;
}

/**
 * Measures a matrix product and a convolution of the shapes that SDXL's middle resolution has at 512², an elementwise
 * operation, and the cost of starting one. Takes about a second.
 */
export function measureMachine(on: { device: Device; dtype: DType }): MachineSpeed {
  const key = `${on.device} ${on.dtype}`;
  const speed = measured.get(key) ?? measure(on);
  measured.set(key, speed);
  // the large operands would stay in this process's memory, which a run is about to need
  trimMemory();
  return speed;
}

/** A machine does not change while a process runs. */
const measured = new Map<string, MachineSpeed>();

function measure({ device, dtype }: { device: Device; dtype: DType }): MachineSpeed {
  const on = (...shape: number[]) => zeros(shape, { device, dtype });
  return noGrad(() =>
    scope(() => {
      const [rows, dim] = [1024, 640];
      const [a, b] = [on(rows, dim), on(2 * dim, dim)];
      const matrix = rate(2 * rows * dim * 2 * dim, () => linearLayer(a, b, null));
      const [c, side] = [320, 32];
      const [x, weight] = [on(1, c, side, side), on(c, c, 3, 3)];
      const convolution = rate(2 * 9 * c * c * side * side, () => conv2d(x, weight, null, 1, 1));
      // larger than any cache
      const wide = on(1 << 24);
      const elementBytes = dtype === "float32" ? 4 : 2;
      const stream = rate(3 * elementBytes * (1 << 24), () => wide.add(wide).narrow(0, 0, 1));
      const small = on(8);
      const steps = 200;
      const overhead =
        1 / (rate(steps, () => Array.from({ length: steps }).reduce((t: Tensor) => t.add(small), small)) || 1);
      return { convolution, matrix, stream, overhead };
    }),
  );
}
