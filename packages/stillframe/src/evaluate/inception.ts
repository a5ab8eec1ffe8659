import {
  type Device,
  type DType,
  invalid,
  type Layer,
  Linear,
  loadWeights,
  Module,
  maxPool2d,
  readSafetensors,
  type Tensor,
  type WeightSlot,
} from "@stillframe/torch";
import type { FeatureExtractor } from "./extractor.js";
import { ConvNorm, InceptionA, InceptionB, InceptionC, InceptionD, InceptionE } from "./inception-blocks.js";
import { type FidResize, inceptionInput } from "./resize.js";

/** Channels of the layers from which features are taken, as pytorch-fid offers them. */
export const INCEPTION_DIMENSIONS = [64, 192, 768, 2048] as const;
export type InceptionDimension = (typeof INCEPTION_DIMENSIONS)[number];

/**
 * The Inception-v3 (Szegedy et al. 2016) with which FID is defined: TensorFlow's network of December 2015 as pytorch-fid
 * and torch-fidelity carry it. It differs from torchvision's in what average pooling counts, in the last block's pooling,
 * and in its 1008 classes.
 */
export class InceptionV3 extends Module {
  readonly conv2d_1a_3x3: ConvNorm;
  readonly conv2d_2a_3x3: ConvNorm;
  readonly conv2d_2b_3x3: ConvNorm;
  readonly conv2d_3b_1x1: ConvNorm;
  readonly conv2d_4a_3x3: ConvNorm;
  readonly mixed_5b: InceptionA;
  readonly mixed_5c: InceptionA;
  readonly mixed_5d: InceptionA;
  readonly mixed_6a: InceptionB;
  readonly mixed_6b: InceptionC;
  readonly mixed_6c: InceptionC;
  readonly mixed_6d: InceptionC;
  readonly mixed_6e: InceptionC;
  readonly mixed_7a: InceptionD;
  readonly mixed_7b: InceptionE;
  readonly mixed_7c: InceptionE;
  readonly fc: Linear;

  constructor() {
    super();
    this.conv2d_1a_3x3 = new ConvNorm(3, 32, { kernel: 3, stride: 2 });
    this.conv2d_2a_3x3 = new ConvNorm(32, 32, { kernel: 3 });
    this.conv2d_2b_3x3 = new ConvNorm(32, 64, { kernel: 3, same: true });
    this.conv2d_3b_1x1 = new ConvNorm(64, 80);
    this.conv2d_4a_3x3 = new ConvNorm(80, 192, { kernel: 3 });
    this.mixed_5b = new InceptionA(192, { pooled: 32 });
    this.mixed_5c = new InceptionA(256, { pooled: 64 });
    this.mixed_5d = new InceptionA(288, { pooled: 64 });
    this.mixed_6a = new InceptionB(288);
    this.mixed_6b = new InceptionC(768, { inner: 128 });
    this.mixed_6c = new InceptionC(768, { inner: 160 });
    this.mixed_6d = new InceptionC(768, { inner: 160 });
    this.mixed_6e = new InceptionC(768, { inner: 192 });
    this.mixed_7a = new InceptionD(768);
    this.mixed_7b = new InceptionE(1280, { pooling: "average" });
    this.mixed_7c = new InceptionE(2048, { pooling: "max" });
    this.fc = new Linear(2048, 1008);
  }

  /** The published keys begin with capitals: `Conv2d_1a_3x3.conv.weight`, `Mixed_5b.branch1x1.bn.bias`. */
  override *weights(prefix = ""): IterableIterator<WeightSlot> {
    for (const slot of super.weights())
      yield {
        ...slot,
        key: prefix + slot.key.replace(/^(conv2d|mixed)_/, (name) => name[0]!.toUpperCase() + name.slice(1)),
      };
  }

  private stages(): readonly (readonly Layer[])[] {
    const pool: Layer = { forward: (x) => maxPool2d(x, 3, 2) };
    const { mixed_5b, mixed_5c, mixed_5d, mixed_6a, mixed_6b, mixed_6c, mixed_6d, mixed_6e } = this;
    return [
      [this.conv2d_1a_3x3, this.conv2d_2a_3x3, this.conv2d_2b_3x3, pool],
      [this.conv2d_3b_1x1, this.conv2d_4a_3x3, pool],
      [mixed_5b, mixed_5c, mixed_5d, mixed_6a, mixed_6b, mixed_6c, mixed_6d, mixed_6e],
      [this.mixed_7a, this.mixed_7b, this.mixed_7c],
    ];
  }

  /**
   * What the layer with so many channels gives: `x [b, 3, 299, 299]` in [-1, 1] → `[b, 64, 73, 73]`, `[b, 192, 35, 35]`,
   * `[b, 768, 17, 17]` or `[b, 2048, 8, 8]`.
   */
  *maps(x: Tensor, last: InceptionDimension = 2048): Generator<Tensor, void> {
    x.dims("b 3 299 299");
    let h = x;
    for (const stage of this.stages().slice(0, INCEPTION_DIMENSIONS.indexOf(last) + 1)) {
      h = stage.reduce((y, layer) => layer.forward(y), h);
      yield h;
    }
  }

  /** The means over the pixels of that layer: `x [b, 3, 299, 299]` in [-1, 1] → `[b, dimension]`. */
  features(x: Tensor, dimension: InceptionDimension = 2048): Tensor {
    return [...this.maps(x, dimension)].at(-1)!.mean([2, 3]);
  }

  /** The 1008 class scores, `[b, 1008]`. */
  logits(x: Tensor): Tensor {
    return this.fc.forward(this.features(x));
  }
}

/**
 * The network with weights from a safetensors file, strict both ways. Counters of training steps, which some conversions
 * carry and which do nothing here, may be there or not.
 *
 * @throws WeightsError listing all keys that are missing, unexpected or of another shape
 */
export function loadInception(
  path: string,
  options: { readonly dtype?: DType; readonly device?: Device } = {},
): InceptionV3 {
  const model = new InceptionV3();
  const norms = new Set([...model.weights()].map((w) => w.key.replace(/\.bn\.weight$/, ".bn.num_batches_tracked")));
  const { tensors } = readSafetensors(path, {
    keys: (name) => !(name.endsWith(".num_batches_tracked") && norms.has(name)),
  });
  loadWeights(model, tensors, { source: path, ...options });
  return model;
}

/** FID's features: the network behind one of the ways to bring a picture to its size. */
export function inceptionExtractor(
  model: InceptionV3,
  { resize, dimension = 2048 }: { readonly resize: FidResize; readonly dimension?: InceptionDimension },
): FeatureExtractor {
  if (!INCEPTION_DIMENSIONS.includes(dimension))
    throw invalid("dimension", `one of ${INCEPTION_DIMENSIONS.join(", ")}`, dimension);
  return {
    name: `inception-v3 ${dimension} (${resize})`,
    dimension,
    prepare: (picture) => inceptionInput(picture, { resize }),
    features: (x) => model.features(x.to(placeOf(model.fc.weight)), dimension),
  };
}

/** Where a model computes: the type and device of one of its weights. */
const placeOf = (weight: Tensor) => ({ dtype: weight.dtype, device: weight.device });
