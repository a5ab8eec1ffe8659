import { basename, extname } from "node:path";
import { type Tensor, tensor } from "@stillframe/torch";
import {
  decodePicture,
  type Interpolation,
  type Picture,
  preprocess as preprocessPicture,
  resizeShorterSide,
} from "../../data/index.js";
import { absolute, exact } from "../comparison.js";
import type { Family } from "../family.js";
import { jsonPath } from "../json-leaves.js";
import type { ParityContext } from "../parity-context.js";

const FOLDER = "preprocess/";
const FILE = `${FOLDER}preprocess.safetensors`;
const JSON_FILE = `${FOLDER}preprocess.json`;

interface Case {
  key: string;
  file: string;
  interpolation: Interpolation;
  crop: "center" | "given";
  flip: boolean;
  original_size: [number, number];
  resized_hw: [number, number];
  crop_top_left: [number, number];
  time_ids: number[];
}

interface PreprocessJson {
  resolution: number;
  cases: Case[];
}

/** From a picture file to what a training step takes: exact to the bit in eight bits. */
export const preprocess: Family = {
  name: "preprocess",
  owns: (file) => file.startsWith(FOLDER),
  async check(context) {
    const { folder } = context;
    context.section("cases", [JSON_FILE, FILE], () => folder.use(JSON_FILE, "resolution"));
    if (!folder.has(JSON_FILE)) return;
    const { cases, resolution } = folder.json<PreprocessJson>(JSON_FILE);
    for (const [index, spec] of cases.entries()) {
      const file = FOLDER + spec.file;
      await context.asyncSection(spec.key, [file, JSON_FILE, FILE], async () => {
        const picture = await decodePicture(folder.pathOf(file));
        folder.use(file);
        checkCase(context, picture, { index, spec, resolution });
      });
    }
  },
};

function checkCase(
  context: ParityContext,
  picture: Picture,
  { index, spec, resolution }: { index: number; spec: Case; resolution: number },
): void {
  const { interpolation, flip } = spec;
  const tensors = context.folder.tensors(FILE);
  const resized = resizeShorterSide(picture, { resolution, interpolation });
  const resizedKey = `${basename(spec.file, extname(spec.file))}.${interpolation}.resized_u8`;
  if (tensors.has(resizedKey))
    context.checkTensor(FILE, resizedKey, {
      actual: imageOf(resized),
      tolerance: exact,
      group: "*.resized_u8",
    });
  const [top, left] = spec.crop_top_left;
  const crop = spec.crop === "given" ? { top, left } : spec.crop;
  const result = preprocessPicture(picture, { resolution, interpolation, flip, crop });
  const pixelsKey = `${spec.key}.pixel_values`;
  if (tensors.has(pixelsKey)) {
    const shape = [3, ...result.targetSize];
    const actual = tensor(result.pixelValues, { shape });
    context.checkTensor(FILE, pixelsKey, { actual, tolerance: absolute(1e-6), group: "*.pixel_values" });
  }
  const check = (part: keyof Case, actual: readonly number[]) =>
    context.check(JSON_FILE, jsonPath("cases", index, part), {
      actual,
      expected: spec[part] as number[],
      tolerance: exact,
      group: `cases/*/${part}`,
    });
  context.folder.use(JSON_FILE, jsonPath("cases", index, "flip"));
  check("original_size", result.originalSize);
  check("resized_hw", [resized.height, resized.width]);
  check("crop_top_left", result.cropTopLeft);
  check("time_ids", result.timeIds);
}

const imageOf = ({ data, height, width }: Picture): Tensor => tensor(data, { shape: [height, width, 3] });
