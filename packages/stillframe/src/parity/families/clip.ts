import { type ClipTextModel, encodeIds } from "@stillframe/diffusion";
import type { Tensor } from "@stillframe/torch";
import { absolute, exact } from "../comparison.js";
import type { Family } from "../family.js";
import { jsonPath } from "../json-leaves.js";
import type { ParityContext } from "../parity-context.js";

const FILE = "clip.safetensors";
const JSON_FILE = "clip.json";
export const CLIP_TOLERANCE = absolute(5e-5);

/** Both text encoders on given ids: what SDXL takes from them, and states inside. */
export const clip: Family = {
  name: "clip",
  owns: (file) => file === FILE || file === JSON_FILE,
  check(context) {
    context.section("text encoders", [FILE, context.modelIndex], () => checkEncoders(context));
    context.section("prompts", [JSON_FILE, FILE, context.modelIndex], () => checkPrompts(context));
  },
};

function checkEncoders(context: ParityContext): void {
  const { folder, model } = context;
  const ids = [folder.input(FILE, "input_ids_one"), folder.input(FILE, "input_ids_two")] as const;
  const { promptEmbeds, textEmbeds } = encodeIds(model, { one: ids[0].unsqueeze(1), two: ids[1].unsqueeze(1) });
  context.checkTensor(FILE, "prompt_embeds", { actual: promptEmbeds, tolerance: CLIP_TOLERANCE });
  context.checkTensor(FILE, "pooled_prompt_embeds", { actual: textEmbeds, tolerance: CLIP_TOLERANCE });
  for (const [i, encoder] of model.textEncoders.entries()) {
    const taps = statesOf(encoder, ids[i] as Tensor);
    const prefix = `te${i + 1}.`;
    for (const name of folder.tensors(FILE).keys()) {
      if (!name.startsWith(prefix)) continue;
      const actual = taps.get(name.slice(prefix.length));
      if (actual !== undefined)
        context.checkFirstRows(FILE, name, { actual, tolerance: CLIP_TOLERANCE, group: `${prefix}*` });
    }
  }
}

/** States of one encoder by the reference's names. */
function statesOf(encoder: ClipTextModel, ids: Tensor): Map<string, Tensor> {
  const states = encoder.hiddenStates(ids);
  const last = encoder.lastHiddenState(states);
  const pooled = encoder.pooled(ids, last);
  const taps = new Map<string, Tensor>([
    ...states.map((state, i): [string, Tensor] => [`hidden_states.${i}`, state]),
    ["hidden_states.last", states.at(-1) as Tensor],
    ["penultimate", states.at(-2) as Tensor],
    ["last_hidden_state", last],
    ["pooler_output", pooled],
  ]);
  if (encoder.textProjection !== null) taps.set("text_embeds", encoder.textProjection.forward(pooled));
  return taps;
}

function checkPrompts(context: ParityContext): void {
  const { folder, model } = context;
  const json = folder.json<{ prompts: string[]; hidden_one: number; hidden_two: number }>(JSON_FILE);
  const [one, two] = model.textEncoders;
  context.check(JSON_FILE, "hidden_one", {
    actual: one.config.hiddenSize,
    expected: json.hidden_one,
    tolerance: exact,
  });
  context.check(JSON_FILE, "hidden_two", {
    actual: two.config.hiddenSize,
    expected: json.hidden_two,
    tolerance: exact,
  });
  folder.use(JSON_FILE, "prompts");
  for (const [row, prompt] of json.prompts.entries()) {
    // A row of ids that no text stands for is named in angle brackets.
    if (/^<.*>$/.test(prompt)) continue;
    for (const [i, name] of ["input_ids_one", "input_ids_two"].entries())
      context.check(JSON_FILE, jsonPath("prompts", row, name), {
        actual: model.tokenizers[i]?.encode(prompt).ids ?? [],
        expected: folder.input(FILE, name).select(0, row).toArray(),
        tolerance: exact,
        group: `prompts/*/${name}`,
      });
  }
}
