import { LeftOut } from "../left-out.js";
import { code, counted, rough } from "../markdown.js";
import type { RunRecord } from "../run-record.js";
import { hubLink, paragraphs, type Section } from "./section.js";

/** What it cannot do, what was not checked, and what its licence asks. Only sentences that are true of this run. */
export const limitations: Section = {
  id: "limitations",
  write(record) {
    const points = [...ofTheBase(record), ...ofTheData(record), ...ofTheTraining(record), ...ofTheRights(record)];
    return paragraphs("## Limitations and bias", points.map((point) => `- ${point}`).join("\n"));
  },
};

function ofTheBase({ base }: RunRecord): string[] {
  const card = base.hub === undefined ? "" : `; ${hubLink(base.hub)} describes them`;
  return [
    `What the base model draws badly (lettering, hands, many people at once) this one draws badly too, and it has the base model's biases${card}.`,
  ];
}

function ofTheData({ manifest: { data, options, steps } }: RunRecord): string[] {
  const shown = steps * Number(options.train_batch_size) * Number(options.gradient_accumulation_steps);
  return [
    `It has seen ${counted(data.pictures, "picture")}, each about ${rough(shown / data.pictures)} times. Who and what is frequent in them will be frequent in its pictures, and what is missing in them it can show only as the base model would. Stillframe does not check whom the data show, and how.`,
    "A small set that is shown often can be learned by heart: pictures of it may come out nearly as they were.",
    ...(data.captions.cut > 0 ? [`The ends of ${counted(data.captions.cut, "caption")} were cut and never seen.`] : []),
    ...(options.random_flip === true
      ? ["Pictures were mirrored at random, so lettering, partings and handedness may be reversed."]
      : []),
    ...(options.aspect_ratio_buckets === true || options.center_crop === true
      ? []
      : ["Training saw squares cut from the pictures, so heads and feet may be cut off in its pictures too."]),
  ];
}

function ofTheTraining({ manifest: { data, options }, evaluation }: RunRecord): string[] {
  return [
    ...(evaluation instanceof LeftOut
      ? ["There is no evaluation: no number here tells how close its pictures come to the style."]
      : []),
    ...(data.held_out === 0 ? ["No pictures were held out, so overfitting was not measured."] : []),
    ...(options.train_text_encoder === true
      ? [
          "The text encoders were trained too: prompts that have nothing to do with the style may be understood differently than by the base model.",
        ]
      : []),
  ];
}

function ofTheRights({ base: { licence } }: RunRecord): string[] {
  const rules =
    licence?.license === "openrail++"
      ? [
          `The licence (CreativeML Open RAIL++-M, ${code("openrail++")}) comes from the base model. Its use restrictions (Attachment A) hold for this adapter and for whoever passes it on.`,
        ]
      : licence === undefined
        ? ["The licence of the base model is not known here; look it up before you use or pass on this adapter."]
        : [`The licence (${code(licence.license_name ?? licence.license)}) comes from the base model.`];
  return [
    ...rules,
    "The rights in the training pictures are another matter, which neither this licence nor this card settles.",
  ];
}
