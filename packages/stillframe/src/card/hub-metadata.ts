import { triggerOf } from "./caption-opening.js";
import type { HubFrontMatter } from "./hub-rules.js";
import { oneLine } from "./markdown.js";
import { modelIndex } from "./model-index.js";
import type { RunRecord } from "./run-record.js";
import { hubDataset } from "./sections/data.js";

/** More pictures than this are no gallery but a heap. */
const WIDGET_PICTURES = 8;

/** A card's front matter; what is not known is not in it. */
export function hubMetadata(record: RunRecord): HubFrontMatter {
  const { base, style, manifest } = record;
  const isAdapter = manifest.adapter.method === "lora";
  const dataset = hubDataset(manifest);
  const index = modelIndex(record);
  return {
    ...(base.hub !== undefined && {
      base_model: base.hub,
      base_model_relation: isAdapter ? ("adapter" as const) : ("finetune" as const),
    }),
    ...base.licence,
    library_name: "diffusers",
    pipeline_tag: "text-to-image",
    tags: [
      "text-to-image",
      "stable-diffusion-xl",
      "stable-diffusion-xl-diffusers",
      "diffusers",
      ...(isAdapter ? ["lora", "template:sd-lora"] : []),
      "stillframe",
    ],
    ...(dataset !== undefined && { datasets: [dataset] }),
    ...(style !== undefined && { instance_prompt: triggerOf(style) }),
    ...widgetOf(record),
    ...(index !== undefined && { "model-index": index }),
  };
}

function widgetOf({ samples: { last } }: RunRecord): Pick<HubFrontMatter, "widget"> {
  if (last.length === 0) return {};
  const shown = last.slice(0, WIDGET_PICTURES);
  return { widget: shown.map(({ prompt, path }) => ({ text: oneLine(prompt), output: { url: path } })) };
}
