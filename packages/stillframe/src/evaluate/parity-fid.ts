import { loadWeights, noGrad, scope, type Tensor } from "@stillframe/torch";
import type { Picture } from "../data/index.js";
import { absolute, exact, relative, scaled, type Tolerance } from "../parity/comparison.js";
import type { Family } from "../parity/family.js";
import { ParityContext } from "../parity/parity-context.js";
import { ParityReport, type Row } from "../parity/parity-report.js";
import { VectorFolder } from "../parity/vector-folder.js";
import { type FormulaTensor, formulaWeights } from "./formula-weights.js";
import { covarianceRank, frechetDistance } from "./frechet.js";
import { InceptionV3 } from "./inception.js";
import { INCEPTION_NORM_EPS } from "./inception-blocks.js";
import { kernelInceptionDistance, type SubsetRows } from "./kid.js";
import { precisionRecall } from "./prdc.js";
import { inceptionInput } from "./resize.js";
import type { Gaussian } from "./statistics.js";

const JSON_FILE = "fid/fid.json";
const MANIFEST = "fid/fid_inception_manifest.json";
const FEATURES = "fid/inception_features.safetensors";
const FRECHET = "fid/frechet.safetensors";
const KID = "fid/kid_prc.safetensors";

interface Manifest {
  count: number;
  params: number;
  tensors: (FormulaTensor & { dtype: string })[];
}
interface FidJson {
  set_seed: number;
  bn_eps: number;
  weight_checks: Record<string, { sum_float64: number; numel: number }>;
  frechet: Record<string, { value_pytorch_fid: number; value_symmetric_eigh: number; rank1: number; rank2: number }>;
  kid_prc: Record<string, KidCase>;
}
type KidCase = Record<string, unknown> & {
  kid: { kernel_inception_distance_mean: number; kernel_inception_distance_std: number };
};

/** Inception features from weights by formula, Fréchet distances, kernel distances, precision and recall. */
export const fidFamily: Family = {
  name: "fid",
  owns: (file) => file.startsWith("fid/"),
  check(context) {
    context.section("list of weights", [MANIFEST], () => checkManifest(context));
    context.section("network", [JSON_FILE, MANIFEST, FEATURES], () => checkInception(context));
    context.section("Fréchet distance", [JSON_FILE, FRECHET], () => checkFrechet(context));
    context.section("KID, precision and recall", [JSON_FILE, KID], () => checkKid(context));
  },
};

/**
 * Checks the `fid` files of a folder of reference vectors; a part that no check has looked at is a failure.
 *
 * @param vectors the folder in which `fid/` lies
 */
export function checkFid(vectors: string): readonly Row[] {
  const folder = new VectorFolder(vectors);
  const report = new ParityReport();
  const context = new ParityContext(folder, report, { partial: false });
  try {
    fidFamily.check?.(context);
    for (const file of folder.files.filter(fidFamily.owns))
      for (const part of folder.unused(file)) context.leave(file, part, "FAIL");
  } finally {
    folder.dispose();
    context.dispose();
  }
  return report.rows;
}

function checkManifest(context: ParityContext): void {
  const expected = context.folder.json<Manifest>(MANIFEST);
  const model = new InceptionV3();
  // Counters of training steps stand behind each norm in the published file, without a place in the formula.
  const actual = [...model.weights()].flatMap(({ key, tensor: { shape } }, index) => {
    const entry = { name: key, shape, dtype: "F32", index };
    const counter = { name: key.replace("running_var", "num_batches_tracked"), shape: [], dtype: "I64", index: null };
    return key.endsWith("running_var") ? [entry, counter] : [entry];
  });
  context.checkSame(MANIFEST, "tensors", { actual, expected: expected.tensors });
  context.check(MANIFEST, "count", { actual: actual.length, expected: expected.count, tolerance: exact });
  // The list counts each counter as one number.
  const params = model.parameterCount + actual.filter((entry) => entry.index === null).length;
  context.check(MANIFEST, "params", { actual: params, expected: expected.params, tolerance: exact });
}

function checkInception(context: ParityContext): void {
  const { folder } = context;
  const { set_seed: seed, bn_eps: eps, weight_checks: sums } = folder.json<FidJson>(JSON_FILE);
  folder.use(JSON_FILE, "set_seed");
  context.check(JSON_FILE, "bn_eps", { actual: INCEPTION_NORM_EPS, expected: eps, tolerance: exact });
  const weights = formulaWeights(folder.json<Manifest>(MANIFEST).tensors, { seed });
  const weight = (name: string): Tensor => {
    const found = weights.get(name);
    if (found === undefined) throw new Error(`the list has no tensor ${name}`);
    return found;
  };
  for (const [name, { sum_float64, numel }] of Object.entries(sums)) {
    const part = `weight_checks/${name}`;
    const actual = weight(name).to("float64").sum().item();
    context.check(JSON_FILE, `${part}/sum_float64`, {
      actual,
      expected: sum_float64,
      tolerance: absolute(1e-8),
      group: "weight sums",
    });
    context.check(JSON_FILE, `${part}/numel`, {
      actual: weight(name).numel,
      expected: numel,
      tolerance: exact,
      group: "weight sizes",
    });
  }
  for (const key of folder.tensors(FEATURES).keys()) {
    const name = /^weight_head\.(.+)$/.exec(key)?.[1];
    if (name === undefined) continue;
    const count = folder.input(FEATURES, key).size(0);
    context.checkTensor(FEATURES, key, {
      actual: weight(name).flatten().narrow(0, 0, count),
      tolerance: exact,
      group: "weight_head.*",
    });
  }
  const model = new InceptionV3();
  loadWeights(model, weights);
  for (const key of folder.tensors(FEATURES).keys()) {
    const index = /^image(\d+)$/.exec(key)?.[1];
    if (index !== undefined) scope(() => noGrad(() => checkPicture(context, model, Number(index))));
  }
  model.dispose();
}

/** Steps of the stored windows in channels and pixels, block by block. */
const WINDOWS = [
  [8, 12],
  [24, 6],
  [96, 4],
] as const;
const TOLERANCE = absolute(2e-4);

function checkPicture(context: ParityContext, model: InceptionV3, index: number): void {
  const { folder } = context;
  const image = folder.input(FEATURES, `image${index}`);
  const { h: height, w: width } = image.dims("h w 3");
  const picture: Picture = { width, height, channels: 3, data: image.data() as Uint8Array };
  const x = inceptionInput(picture, { resize: "pytorch" });
  const check = (name: string, actual: Tensor, tolerance: Tolerance = TOLERANCE) =>
    context.checkTensor(FEATURES, `${name}${index}`, { actual, tolerance, group: `${name}*` });
  check("resized_sub", x.slice(1, 0, 299, 37).slice(2, 0, 299, 37), absolute(1e-5));
  const maps = [...model.maps(x.unsqueeze(0))].map((map) => map.squeeze(0));
  for (const [block, map] of maps.entries()) {
    check(`block${block}_channel_mean`, map.mean([1, 2]));
    const window = WINDOWS[block];
    if (window === undefined) continue;
    const [channels, pixels] = window;
    const end = map.size(1);
    check(
      `block${block}_sub`,
      map.slice(0, 0, map.size(0), channels).slice(1, 0, end, pixels).slice(2, 0, end, pixels),
    );
  }
  const expected = folder.input(FEATURES, "features").select(0, index);
  context.check(FEATURES, "features", {
    actual: maps.at(-1)!.mean([1, 2]),
    expected,
    tolerance: TOLERANCE,
    group: "features",
  });
}

function checkFrechet(context: ParityContext): void {
  const { folder } = context;
  for (const [name, expected] of Object.entries(folder.json<FidJson>(JSON_FILE).frechet)) {
    const side = (i: 1 | 2): Gaussian => ({
      mean: folder.input(FRECHET, `${name}.mu${i}`),
      covariance: folder.input(FRECHET, `${name}.sigma${i}`),
    });
    const [first, second] = [side(1), side(2)];
    const ranks = [covarianceRank(first.covariance), covarianceRank(second.covariance)] as const;
    const actual = frechetDistance(first, second);
    const traces = first.covariance.trace().item() + second.covariance.trace().item();
    const singular = Math.min(...ranks) < first.mean.size(0);
    // Equal distributions are apart by rounding alone, of which no digit agrees.
    const tolerance =
      expected.value_pytorch_fid < 1e-9 * traces ? absolute(1e-9 * traces) : relative(singular ? 1e-5 : 1e-6);
    for (const part of ["value_pytorch_fid", "value_symmetric_eigh"] as const)
      context.check(JSON_FILE, `frechet/${name}/${part}`, {
        actual,
        expected: expected[part],
        tolerance,
        group: `frechet/*/${part}`,
      });
    for (const [i, part] of (["rank1", "rank2"] as const).entries())
      context.check(JSON_FILE, `frechet/${name}/${part}`, {
        actual: ranks[i]!,
        expected: expected[part],
        tolerance: exact,
        group: "frechet/*/rank*",
      });
  }
}

function checkKid(context: ParityContext): void {
  for (const [name, expected] of Object.entries(context.folder.json<FidJson>(JSON_FILE).kid_prc)) {
    const features = (side: 1 | 2) => context.folder.input(KID, `${name}.features_${side}`);
    const sets = { generated: features(1), real: features(2) };
    checkSubsets(context, { name, expected, ...sets });
    checkWhole(context, { name, expected, ...sets });
  }
}

interface KidCheck {
  name: string;
  expected: KidCase;
  generated: Tensor;
  real: Tensor;
}

/** The reference computes kernels in float32; the numbers whose names end in `float64` do not. */
function checkSubsets(context: ParityContext, { name, expected, generated, real }: KidCheck): void {
  const index = (side: 1 | 2) => context.folder.input(KID, `${name}.subset_index_${side}`);
  const [left, right] = [index(1), index(2)];
  const rows = Array.from(
    { length: left.size(0) },
    (_, r): SubsetRows => ({ generated: left.select(0, r).toArray(), real: right.select(0, r).toArray() }),
  );
  const kid = kernelInceptionDistance(generated, real, { rows });
  const check = (part: string, actual: number | readonly number[], tolerance: Tolerance) => {
    const value = part
      .split("/")
      .reduce((v, key) => (v as Record<string, unknown>)[key], expected as unknown) as number;
    context.check(JSON_FILE, `kid_prc/${name}/${part}`, {
      actual,
      expected: value,
      tolerance,
      group: `kid_prc/*/${part}`,
    });
  };
  check("kid_subsets", rows.length, exact);
  check("kid_subset_size", kid.subsetSize, exact);
  check("kid/kernel_inception_distance_mean", kid.mean, relative(1e-5));
  check("kid/kernel_inception_distance_std", kid.std, absolute(1e-5));
  check("mmd2_per_subset_float32", kid.values, scaled(1e-5));
  check("mmd2_per_subset_float64", kid.values, scaled(1e-9));
  check("kid_mean_float64", kid.mean, relative(1e-9));
  check("kid_std_float64", kid.std, absolute(1e-9));
}

function checkWhole(context: ParityContext, { name, expected, generated, real }: KidCheck): void {
  for (const [part, value] of Object.entries(expected)) {
    const rows = /^mmd2_unbiased_first_(\d+)_rows_float64$/.exec(part)?.[1];
    const k = /^precision_recall_k(\d+)$/.exec(part)?.[1];
    const path = `kid_prc/${name}/${part}`;
    if (rows !== undefined) {
      const first = Array.from({ length: Number(rows) }, (_, i) => i);
      const { mean: actual } = kernelInceptionDistance(generated, real, { rows: [{ generated: first, real: first }] });
      context.check(JSON_FILE, path, {
        actual,
        expected: value as number,
        tolerance: relative(1e-9),
        group: "kid_prc/*/mmd2_unbiased_*",
      });
    } else if (k !== undefined) {
      const { precision, recall } = precisionRecall(generated, real, { k: Number(k) });
      const actual = { precision, recall, f_score: (2 * precision * recall) / Math.max(1e-5, precision + recall) };
      for (const [key, number] of Object.entries(value as Record<keyof typeof actual, number>))
        context.check(JSON_FILE, `${path}/${key}`, {
          actual: actual[key as keyof typeof actual],
          expected: number,
          tolerance: absolute(1e-6),
          group: `kid_prc/*/${key}`,
        });
    }
  }
}
