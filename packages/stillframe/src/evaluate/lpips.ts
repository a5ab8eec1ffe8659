import {
  Conv2d,
  type Device,
  type DType,
  type Layer,
  loadWeights,
  Module,
  maxPool2d,
  noGrad,
  readSafetensors,
  relu,
  scope,
  stack,
  type Tensor,
  tensor,
} from "@stillframe/torch";
import { FileFormatError, invalid } from "@stillframe/torch/errors";

export const LPIPS_NETWORKS = ["alex", "vgg"] as const;
export type LpipsNetwork = (typeof LPIPS_NETWORKS)[number];

/** One entry of torchvision's `features` list; `tap` marks a ReLU whose output is compared. */
type Entry =
  | { conv: [cIn: number, cOut: number, kernel: number, stride?: number, padding?: number] }
  | "relu"
  | "tap"
  | { pool: number };

const conv = (cIn: number, cOut: number): Entry => ({ conv: [cIn, cOut, 3] });
const VGG: readonly Entry[] = [
  ...[conv(3, 64), "relu", conv(64, 64), "tap", { pool: 2 }],
  ...[conv(64, 128), "relu", conv(128, 128), "tap", { pool: 2 }],
  ...[conv(128, 256), "relu", conv(256, 256), "relu", conv(256, 256), "tap", { pool: 2 }],
  ...[conv(256, 512), "relu", conv(512, 512), "relu", conv(512, 512), "tap", { pool: 2 }],
  ...[conv(512, 512), "relu", conv(512, 512), "relu", conv(512, 512), "tap"],
] as Entry[];
const ALEX: readonly Entry[] = [
  ...[{ conv: [3, 64, 11, 4, 2] }, "tap", { pool: 3 }],
  ...[{ conv: [64, 192, 5] }, "tap", { pool: 3 }],
  ...[conv(192, 384), "tap", conv(384, 256), "tap", conv(256, 256), "tap"],
] as Entry[];
const PLANS = {
  alex: { entries: ALEX, channels: [64, 192, 384, 256, 256] },
  vgg: { entries: VGG, channels: [64, 128, 256, 512, 512] },
};

/** The weights of one tap's channels, `[1, channels, 1, 1]`; a list, as in the checkpoint, behind a dropout. */
class Lin extends Module {
  readonly model: readonly [null, Conv2d];
  constructor(channels: number) {
    super();
    this.model = [null, new Conv2d(channels, 1, { kernel: 1, bias: false })];
  }
}

/**
 * LPIPS (Zhang et al. 2018, version 0.1): how different two pictures look, as weighted distances between the activations
 * of a classifier.
 */
export class Lpips extends Module {
  readonly network: LpipsNetwork;
  readonly features: readonly (Conv2d | null)[]; // torchvision's numbering, null where there is no weight
  readonly lin0: Lin;
  readonly lin1: Lin;
  readonly lin2: Lin;
  readonly lin3: Lin;
  readonly lin4: Lin;

  constructor(network: LpipsNetwork) {
    super();
    if (!LPIPS_NETWORKS.includes(network)) throw invalid("network", `one of ${LPIPS_NETWORKS.join(", ")}`, network);
    const { entries, channels } = PLANS[network];
    this.network = network;
    this.features = entries.map((entry) => {
      if (typeof entry === "string" || "pool" in entry) return null;
      const [cIn, cOut, kernel, stride = 1, padding = (kernel - 1) / 2] = entry.conv;
      return new Conv2d(cIn, cOut, { kernel, stride, padding });
    });
    [this.lin0, this.lin1, this.lin2, this.lin3, this.lin4] = channels.map((c) => new Lin(c)) as [
      Lin,
      Lin,
      Lin,
      Lin,
      Lin,
    ];
  }

  /** Distances of pictures pair by pair: `x`, `y` `[b, 3, h, w]` in [-1, 1] → `[b]` */
  forward(x: Tensor, y: Tensor): Tensor {
    const { b } = x.dims("b 3 h w");
    const a = this.taps(x);
    const z = this.taps(y);
    const lins = [this.lin0, this.lin1, this.lin2, this.lin3, this.lin4];
    const parts = lins.map((lin, i) => lin.model[1].forward(a[i]!.sub(z[i]!).square()).mean([1, 2, 3]));
    return parts.reduce((sum, part) => sum.add(part)).view(b);
  }

  /** Activations at the five taps, each pixel's channels at length 1. */
  private taps(x: Tensor): Tensor[] {
    const taps: Tensor[] = [];
    let h = shifted(x);
    for (const [i, entry] of PLANS[this.network].entries.entries()) {
      if (typeof entry === "string") h = relu(h);
      else if ("pool" in entry) h = maxPool2d(h, entry.pool, 2);
      else h = (this.features[i] as Layer).forward(h);
      if (entry === "tap") taps.push(h.div(h.square().sum(1, true).sqrt().add(1e-10)));
    }
    return taps;
  }
}

/** From [-1, 1] to what the classifiers were trained with; LPIPS gives the numbers for its own range. */
function shifted(x: Tensor): Tensor {
  const row = (values: number[]) => tensor(values, { shape: [1, 3, 1, 1] }).to({ dtype: x.dtype, device: x.device });
  return x.sub(row([-0.03, -0.088, -0.188])).div(row([0.458, 0.448, 0.45]));
}

export interface LpipsFiles {
  /** Weights of the classifier: torchvision's `alexnet` or `vgg16` as safetensors. */
  readonly backbone: string;
  /** The weights of the taps, as published with LPIPS; may be the same file, with the names of LPIPS' own model. */
  readonly linear: string;
}

/**
 * LPIPS from safetensors, strict both ways; of torchvision's networks the classifier head is left out.
 *
 * @throws WeightsError, FileFormatError
 */
export function loadLpips(
  files: LpipsFiles,
  { network, ...target }: { network: LpipsNetwork; dtype?: DType; device?: Device },
): Lpips {
  const model = new Lpips(network);
  const weights = new Map<string, Tensor>();
  for (const file of new Set([files.backbone, files.linear]))
    for (const [key, value] of readSafetensors(file, { keys: (name) => !UNUSED.test(name) }).tensors) {
      // `net.slice2.5.weight`: slices carry torchvision's numbers.
      const name = key.replace(/^net\.slice\d\.(\d+)\./, "features.$1.");
      if (weights.has(name)) throw new FileFormatError(file, `tensor ${key} is in the other file too`);
      weights.set(name, value);
    }
  loadWeights(model, weights, { source: [...new Set([files.backbone, files.linear])].join(" and "), ...target });
  return model;
}
const UNUSED = /^(classifier\.|scaling_layer\.|lins\.)/;

/**
 * How much pictures of one prompt differ from each other: the mean LPIPS distance over all pairs within each group.
 *
 * @param groups `[k, 3, h, w]` each, in [-1, 1]: the pictures of one prompt, k at least 2
 * @returns the mean over groups, and each group's own
 */
export function lpipsDiversity(model: Lpips, groups: Iterable<Tensor>): { mean: number; values: number[] } {
  const values: number[] = [];
  for (const group of groups) {
    const { k } = group.dims("k 3 h w");
    if (k < 2) throw invalid("group", "at least 2 pictures of a prompt", k);
    const distances: number[] = [];
    for (let i = 1; i < k; i++)
      distances.push(
        ...scope(() =>
          noGrad(() => {
            const others = group.narrow(0, 0, i);
            return model.forward(stack(Array<Tensor>(i).fill(group.select(0, i))), others).toArray();
          }),
        ),
      );
    values.push(distances.reduce((a, b) => a + b, 0) / distances.length);
  }
  if (values.length === 0) throw invalid("groups", "at least one group", "none");
  return { mean: values.reduce((a, b) => a + b, 0) / values.length, values };
}
