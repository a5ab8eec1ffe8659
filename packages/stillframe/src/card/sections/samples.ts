import type { SamplePicture } from "../event-facts.js";
import { LeftOut } from "../left-out.js";
import { code, picture, table } from "../markdown.js";
import { paragraphs, type Section } from "./section.js";

/** More pictures in a row are too small to be looked at. */
const COLUMNS = 4;

/** The last validation's pictures, with the base model's of the same noise above them. */
export const samples: Section = {
  id: "samples",
  write({ samples: { last, base }, manifest }) {
    const [first] = last;
    if (first === undefined) return new LeftOut("there are no validation pictures");
    const shown = last.slice(0, COLUMNS);
    const baseRow = shown.map(({ seed }) => base.find((one) => one.seed === seed));
    const rows = [
      ...(baseRow.some((one) => one !== undefined) ? [["base model", ...baseRow.map(cellOf)]] : []),
      [`step ${first.step}`, ...shown.map(cellOf)],
    ];
    const which = shown.length < last.length ? `The first ${shown.length} of ${last.length}` : "All";
    const steps = manifest.options.validation_inference_steps;
    return paragraphs(
      "## Samples",
      `Prompt: ${code(first.prompt)}`,
      table(["", ...shown.map(({ seed }) => `seed ${seed}`)], rows),
      `${which} pictures of the last validation, not a selection${typeof steps === "number" ? `; ${steps} denoising steps` : ""}.${rows.length > 1 ? " Pictures of one column start from the same noise." : ""}`,
    );
  },
};

function cellOf(sample: SamplePicture | undefined): string {
  return sample === undefined ? "" : picture(sample.path, sample.prompt);
}
