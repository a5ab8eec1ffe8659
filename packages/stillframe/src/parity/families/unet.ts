import type { UnetConditions } from "@stillframe/diffusion";
import { FileFormatError, type Tensor } from "@stillframe/torch";
import { type Call, withCapturedCalls } from "../captured-calls.js";
import { absolute, exact, type Tolerance } from "../comparison.js";
import type { Family } from "../family.js";
import { jsonPath } from "../json-leaves.js";
import type { ParityContext } from "../parity-context.js";
import type { VectorFolder } from "../vector-folder.js";

const FILE = "unet.safetensors";
const JSON_FILE = "unet.json";
export const UNET_TOLERANCE = absolute(1e-4);
const TAP_TOLERANCE = absolute(3e-4);

/** The UNet's output for each case, and the outputs of modules inside where the case has them. */
export const unet: Family = {
  name: "unet",
  owns: (file) => file === FILE || file === JSON_FILE,
  check(context) {
    const { folder, modelIndex } = context;
    const needs = [FILE, JSON_FILE, modelIndex];
    context.section("unet", needs, () => {
      if (caseNames(folder).length === 0) throw new FileFormatError(folder.pathOf(FILE), "there is no case in it");
    });
    if (!folder.has(FILE)) return;
    for (const name of caseNames(folder)) context.section(`case ${name}`, needs, () => checkCase(context, name));
  },
};

const caseNames = (folder: VectorFolder): string[] =>
  [...folder.tensors(FILE).keys()].flatMap((key) => /^([^.]+)\.sample$/.exec(key)?.[1] ?? []);

export interface UnetInputs {
  x: Tensor;
  t: Tensor;
  conditions: UnetConditions;
}

/** The inputs of a case, as the UNet takes them. */
export function unetInputs(folder: VectorFolder, name: string): UnetInputs {
  const input = (part: string) => folder.input(FILE, `${name}.${part}`);
  return {
    x: input("sample"),
    t: input("timestep"),
    conditions: {
      promptEmbeds: input("encoder_hidden_states"),
      textEmbeds: input("text_embeds"),
      timeIds: input("time_ids"),
    },
  };
}

function checkCase(context: ParityContext, name: string): void {
  const { unet: network } = context.model;
  const { x, t, conditions } = unetInputs(context.folder, name);
  withCapturedCalls(
    network,
    () => {
      const output = network.forward(x, t, conditions);
      context.checkTensor(FILE, `${name}.output`, { actual: output, tolerance: UNET_TOLERANCE });
      checkDescription(context, { name, inputs: { x, t, conditions }, output });
    },
    (calls) => checkTaps(context, name, calls),
  );
}

function checkTaps(context: ParityContext, name: string, calls: ReadonlyMap<string, Call>): void {
  const prefix = `${name}.tap.`;
  for (const key of context.folder.tensors(FILE).keys()) {
    if (!key.startsWith(prefix)) continue;
    const path = key.slice(prefix.length);
    const actual = path === "emb" ? embeddingOf(calls) : calls.get(path)?.output;
    if (actual === undefined) context.fail(FILE, key, `the model has no module ${path}`);
    else context.checkFirstRows(FILE, key, { actual, tolerance: TAP_TOLERANCE, group: `${prefix}*` });
  }
}

/** The vector of timestep and micro-conditions: what every residual block is called with. */
function embeddingOf(calls: ReadonlyMap<string, Call>): Tensor | undefined {
  const first = [...calls].find(([path]) => /(^|\.)resnets\.\d+$/.test(path));
  return first?.[1].inputs[1] ?? undefined;
}

interface Description {
  B: number;
  H: number;
  W: number;
  seq: number;
  output_std: number;
  output_absmax: number;
}

/** What the JSON file says of a case: that the vectors are those that it describes, and the size of the output. */
function checkDescription(
  context: ParityContext,
  { name, inputs, output }: { name: string; inputs: UnetInputs; output: Tensor },
): void {
  const { cases } = context.folder.json<{ cases: Record<string, Description> }>(JSON_FILE);
  const described = cases[name];
  if (described === undefined) {
    context.fail(JSON_FILE, jsonPath("cases", name), `${FILE} has a case that is not described`);
    return;
  }
  const { x, conditions } = inputs;
  const check = (part: keyof Description, actual: number, tolerance: Tolerance) =>
    context.check(JSON_FILE, jsonPath("cases", name, part), {
      actual,
      expected: described[part],
      tolerance,
      group: `cases/*/${part}`,
    });
  check("B", x.size(0), exact);
  check("H", x.size(2), exact);
  check("W", x.size(3), exact);
  check("seq", conditions.promptEmbeds.size(1), exact);
  check("output_std", output.std(null, { correction: 1 }).item(), UNET_TOLERANCE);
  check("output_absmax", output.abs().amax().item(), UNET_TOLERANCE);
}
