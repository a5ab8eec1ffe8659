import type { UnetConfig } from "@stillframe/diffusion";

/** Floating-point operations by the kernel that does them; a multiplication and an addition are two. */
export interface Operations {
  convolution: number;
  matrix: number;
  /** scores and weighted sums of attention */
  attention: number;
}

/** One part of the network that runs as a whole and that gradient checkpointing recomputes as a whole. */
export interface PartCost {
  /** checkpoint path, for instance `down_blocks.1.attentions.0` */
  path: string;
  operations: Operations;
  /** elements that its backward pass needs when its input wants a gradient */
  saved: number;
  /** elements of its output */
  output: number;
  /** elements of the largest thing that exists for a moment in it */
  largest: number;
  /** operators that are started, whatever the batch */
  operators: number;
}

/** What a forward pass of the UNet costs, for a whole batch. */
export interface UnetCost {
  /** in the order in which they run */
  parts: readonly PartCost[];
  /** the operations of all parts together */
  operations: Operations;
  /** parts before this one have no trained weight in or before them, so that nothing is kept for their backward pass */
  firstTrained: number;
}

export interface UnetCostInput {
  batch: number;
  /** height and width of the latents */
  height: number;
  width: number;
  /** tokens of the captions */
  tokens: number;
  /** attention by a kernel that does not keep its scores */
  fusedAttention: boolean;
  /** the engine's own kernels: a gated linear unit and an activated normalization keep their inputs alone */
  ownKernels: boolean;
  /**
   * Checkpoint paths of the layers that are adapted, or of a module with trained ones in it; `all` where all weights are
   * trained, so that the inputs of their layers are kept as well.
   */
  trained: "all" | readonly string[];
}

const none = (): Operations => ({ convolution: 0, matrix: 0, attention: 0 });

/** Sum of operations. */
export function added(a: Operations, b: Operations): Operations {
  return {
    convolution: a.convolution + b.convolution,
    matrix: a.matrix + b.matrix,
    attention: a.attention + b.attention,
  };
}

/** All operations as one number. */
export const totalOf = ({ convolution, matrix, attention }: Operations): number => convolution + matrix + attention;

const conv = (cIn: number, cOut: number, pixels: number, kernel = 3): number =>
  2 * kernel * kernel * cIn * cOut * pixels;
const linear = (dimIn: number, dimOut: number, rows: number): number => 2 * dimIn * dimOut * rows;

interface Channels {
  cIn: number;
  cOut: number;
  pixels: number;
}
interface Attention {
  c: number;
  pixels: number;
  layers: number;
  heads: number;
}

/** Adds up the parts of a network as it is walked through. */
class Walk {
  readonly parts: PartCost[] = [];
  private readonly config: UnetConfig;
  private readonly input: UnetCostInput;

  constructor(config: UnetConfig, input: UnetCostInput) {
    this.config = config;
    this.input = input;
  }

  private push({
    path,
    operations,
    saved,
    output,
    largest,
    operators,
  }: Omit<PartCost, "operations"> & { operations: Partial<Operations> }): void {
    const { batch } = this.input;
    const all = { ...none(), ...operations };
    this.parts.push({
      path,
      operations: {
        convolution: all.convolution * batch,
        matrix: all.matrix * batch,
        attention: all.attention * batch,
      },
      saved: saved * batch,
      output: output * batch,
      largest: largest * batch,
      operators,
    });
  }

  /** A convolution by itself: into, out of, and between resolutions. Its backward pass keeps its input. */
  convolution(path: string, { cIn, cOut, pixels, inputPixels = pixels }: Channels & { inputPixels?: number }): void {
    const output = cOut * pixels;
    this.push({
      path,
      operations: { convolution: conv(cIn, cOut, pixels) },
      saved: cIn * inputPixels,
      output,
      largest: output,
      operators: 2,
    });
  }

  /**
   * Keeps the input, both norms' results and both activations', and what is normed second; with the engine's own kernels the
   * norms' results are not kept, and the activations' perhaps, for a convolution's weight.
   */
  resnet(path: string, { cIn, cOut, pixels }: Channels): void {
    const timeDim = (this.config.levels[0] as { channels: number }).channels * 4;
    const shortcut = cIn === cOut ? 0 : conv(cIn, cOut, pixels, 1);
    this.push({
      path,
      operations: {
        convolution: conv(cIn, cOut, pixels) + conv(cOut, cOut, pixels) + shortcut,
        matrix: linear(timeDim, cOut, 1),
      },
      saved: (this.input.ownKernels ? 2 : 3) * (cIn + cOut) * pixels,
      output: cOut * pixels,
      largest: Math.max(cIn, cOut) * pixels,
      operators: 12,
    });
  }

  transformer(path: string, { c, pixels, layers, heads }: Attention): void {
    const { tokens: s, fusedAttention, ownKernels, trained } = this.input;
    const full = trained === "all";
    const t = pixels;
    const context = this.config.crossAttentionDim;
    const self = linear(c, c, t) * 4;
    const cross = linear(c, c, t) * 2 + linear(context, c, s) * 2;
    const feedForward = linear(c, 8 * c, t) + linear(4 * c, c, t);
    const scores = fusedAttention ? 0 : heads * t * (t + s);
    // self-attention: what is normed, norm, queries, keys, values, joined result; to the text: the same but for keys and
    // values, which are as long as the text; feed-forward: what is normed, value and gate, the gate's activation
    const gated = (ownKernels ? 9 : 13) * c * t;
    const kept = 6 * c * t + 4 * c * t + 2 * c * s + gated + scores;
    const inputs = full ? 6 * c * t : 0;
    this.push({
      path,
      operations: {
        matrix: linear(c, c, t) * 2 + layers * (self + cross + feedForward),
        attention: layers * 4 * c * t * (t + s),
      },
      saved: c * t * (full ? 3 : 1) + layers * (kept + inputs),
      output: c * t,
      largest: Math.max(8 * c * t, fusedAttention ? 0 : heads * t * t),
      operators: 8 + 90 * layers,
    });
  }
}

/** Operations and kept activations of a forward pass, from the network's configuration alone. */
export function unetCost(config: UnetConfig, input: UnetCostInput): UnetCost {
  const walk = new Walk(config, input);
  const { levels } = config;
  const sides = levels.map((_, i) => sizeAt(input, i));
  const pixelsAt = (i: number) => (sides[i] as { h: number; w: number }).h * (sides[i] as { h: number; w: number }).w;
  const first = (levels[0] as { channels: number }).channels;
  walk.convolution("conv_in", { cIn: config.inChannels, cOut: first, pixels: pixelsAt(0) });
  const skips = [first];
  let c = first;
  for (const [i, level] of levels.entries()) {
    const pixels = pixelsAt(i);
    for (let k = 0; k < level.layers; k++) {
      walk.resnet(`down_blocks.${i}.resnets.${k}`, { cIn: c, cOut: level.channels, pixels });
      c = level.channels;
      if (level.downTransformers !== null)
        walk.transformer(`down_blocks.${i}.attentions.${k}`, {
          c,
          pixels,
          layers: level.downTransformers,
          heads: level.heads,
        });
      skips.push(c);
    }
    if (i < levels.length - 1) {
      walk.convolution(`down_blocks.${i}.downsamplers.0`, {
        cIn: c,
        cOut: c,
        pixels: pixelsAt(i + 1),
        inputPixels: pixels,
      });
      skips.push(c);
    }
  }
  const last = levels.at(-1) as UnetConfig["levels"][number];
  const lowest = { cIn: c, cOut: c, pixels: pixelsAt(levels.length - 1) };
  walk.resnet("mid_block.resnets.0", lowest);
  walk.transformer("mid_block.attentions.0", {
    c,
    pixels: lowest.pixels,
    layers: config.midTransformers,
    heads: last.heads,
  });
  walk.resnet("mid_block.resnets.1", lowest);
  for (const [up, level] of [...levels].reverse().entries()) {
    const pixels = pixelsAt(levels.length - 1 - up);
    for (let k = 0; k <= level.layers; k++) {
      walk.resnet(`up_blocks.${up}.resnets.${k}`, { cIn: c + (skips.pop() as number), cOut: level.channels, pixels });
      c = level.channels;
      if (level.upTransformers !== null)
        walk.transformer(`up_blocks.${up}.attentions.${k}`, {
          c,
          pixels,
          layers: level.upTransformers,
          heads: level.heads,
        });
    }
    if (up < levels.length - 1)
      walk.convolution(`up_blocks.${up}.upsamplers.0`, { cIn: c, cOut: c, pixels: pixelsAt(levels.length - 2 - up) });
  }
  // the last norm and activation are kept beside the convolution's input
  const { parts } = walk;
  walk.convolution("conv_out", { cIn: c, cOut: config.outChannels, pixels: pixelsAt(0) });
  const end = parts.at(-1) as PartCost;
  end.saved *= input.ownKernels ? 2 : 3;
  return { parts, operations: parts.map((p) => p.operations).reduce(added), firstTrained: firstTrained(parts, input) };
}

/** Embeddings of the timestep and of the prompt, which every residual block adds to what it has. */
const EMBEDDINGS = /^(time|add)_embedding\b/;

function firstTrained(parts: readonly PartCost[], { trained }: UnetCostInput): number {
  if (trained === "all") return 0;
  const isIn = (part: PartCost, path: string) =>
    path === part.path || path.startsWith(`${part.path}.`) || (EMBEDDINGS.test(path) && part.path.includes("resnets"));
  const first = parts.findIndex((part) => trained.some((path) => isIn(part, path)));
  return first < 0 ? parts.length : first;
}

/** Sides of the feature maps at a level; a downsampling rounds up. */
function sizeAt({ height, width }: { height: number; width: number }, level: number): { h: number; w: number } {
  let [h, w] = [height, width];
  for (let i = 0; i < level; i++) [h, w] = [Math.ceil(h / 2), Math.ceil(w / 2)];
  return { h, w };
}
