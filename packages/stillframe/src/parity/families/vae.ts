import { sampleLatents, type Vae } from "@stillframe/diffusion";
import type { Tensor } from "@stillframe/torch";
import { withCapturedCalls } from "../captured-calls.js";
import { absolute, exact } from "../comparison.js";
import type { Family } from "../family.js";
import type { ParityContext } from "../parity-context.js";

const FILE = "vae.safetensors";
const JSON_FILE = "vae.json";
const TOLERANCE = absolute(5e-5);
const TAP_TOLERANCE = absolute(3e-4);

/** The autoencoder in both directions, the states inside, and the clamp of extreme log-variances. */
export const vae: Family = {
  name: "vae",
  owns: (file) => file === FILE || file === JSON_FILE,
  check(context) {
    const needs = [FILE, context.modelIndex];
    context.section("encode", needs, () => checkEncode(context));
    context.section("decode", needs, () => checkDecode(context));
    context.section("clamp", needs, () => checkClamp(context));
    context.section("configuration", [JSON_FILE, context.modelIndex], () => {
      const expected = context.folder.json<{ scaling_factor: number }>(JSON_FILE).scaling_factor;
      const actual = context.model.vae.config.scalingFactor;
      context.check(JSON_FILE, "scaling_factor", { actual, expected, tolerance: exact });
    });
  },
};

function checkEncode(context: ParityContext): void {
  const { folder, model } = context;
  const image = folder.input(FILE, "image");
  const noise = folder.input(FILE, "posterior_noise");
  checkTaps(context, ENCODING, () => {
    const posterior = model.vae.encode(image);
    for (const part of ["mean", "logvar", "std"] as const)
      context.checkTensor(FILE, `encode.${part}`, { actual: posterior[part], tolerance: TOLERANCE });
    const sample = (factor: number) => sampleLatents(posterior, factor, { noise });
    context.checkTensor(FILE, "encode.sample", { actual: sample(1), tolerance: TOLERANCE });
    const actual = sample(model.vae.config.scalingFactor);
    context.checkTensor(FILE, "encode.training_latents", { actual, tolerance: TOLERANCE });
  });
}

function checkDecode(context: ParityContext): void {
  const latents = context.folder.input(FILE, "latents");
  checkTaps(context, DECODING, () =>
    context.checkTensor(FILE, "decode.image", { actual: context.model.vae.decode(latents), tolerance: TOLERANCE }),
  );
}

const ENCODING = /^(encoder|quant_conv)(\.|$)/;
const DECODING = /^(decoder|post_quant_conv)(\.|$)/;

/** Runs one direction, and compares the outputs of its modules. */
function checkTaps(context: ParityContext, direction: RegExp, run: () => void): void {
  withCapturedCalls(context.model.vae, run, (calls) => {
    for (const key of context.folder.tensors(FILE).keys()) {
      const path = /^tap\.(.+)$/.exec(key)?.[1];
      if (path === undefined || !direction.test(path)) continue;
      const actual = calls.get(path)?.output;
      if (actual === undefined) context.fail(FILE, key, `the model has no module ${path}`);
      else context.checkFirstRows(FILE, key, { actual, tolerance: TAP_TOLERANCE, group: "tap.*" });
    }
  });
}

/** Moments beyond what an encoder gives go through the same code as an encoder's. */
function checkClamp(context: ParityContext): void {
  const { folder, model } = context;
  const moments = folder.input(FILE, "clamp.moments");
  const posterior = withMoments(model.vae, moments, () => model.vae.encode(moments));
  for (const part of ["mean", "logvar", "std"] as const)
    context.checkTensor(FILE, `clamp.${part}`, { actual: posterior[part], tolerance: TOLERANCE });
}

/** Runs `body` with an encoder that answers `moments` to everything. */
function withMoments<T>({ encoder, quantConv }: Vae, moments: Tensor, body: () => T): T {
  const last = (quantConv ?? encoder) as { forward?: unknown };
  const skipped = encoder as { forward?: unknown };
  skipped.forward = () => moments;
  last.forward = () => moments;
  try {
    return body();
  } finally {
    delete skipped.forward;
    delete last.forward;
  }
}
