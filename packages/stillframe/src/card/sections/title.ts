import { code, counted, number, plain } from "../markdown.js";
import { hubLink, paragraphs, type Section } from "./section.js";

/** What it is, in a sentence, and the Hub's gallery of the front matter's pictures. */
export const title: Section = {
  id: "title",
  write({ manifest, base, name, samples }) {
    const { adapter, data, timing, steps } = manifest;
    const what = adapter.method === "lora" ? `A LoRA of rank ${adapter.rank} for` : "A fine-tuned version of";
    const model = base.hub === undefined ? `the model ${code(base.name)}` : hubLink(base.hub);
    const training = `on ${counted(data.pictures, "captioned picture")} for ${counted(steps, "step")}`;
    const unfinished =
      timing.finished === null
        ? `**This training has not ended:** ${number(steps)} is how many steps are planned, and there are no weights yet.`
        : undefined;
    return paragraphs(
      `# ${plain(name)}`,
      `${what} ${model} (Stable Diffusion XL), trained ${training} with Stillframe ${manifest.stillframe}.`,
      unfinished,
      samples.last.length > 0 ? "<Gallery />" : undefined,
    );
  },
};
