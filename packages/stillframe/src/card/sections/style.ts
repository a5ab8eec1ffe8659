import { LeftOut } from "../left-out.js";
import { codeBlock, number, oneLine } from "../markdown.js";
import type { RunRecord } from "../run-record.js";
import { paragraphs, type Section } from "./section.js";

/** The prefix that the style needs. */
export const style: Section = {
  id: "style",
  write(record) {
    const { openings } = record.manifest.data.captions;
    if (record.style === undefined)
      return openings === undefined
        ? new LeftOut("the manifest does not say how captions begin")
        : paragraphs(
            "## How to write prompts",
            "The captions of the training data have no common beginning, so no word calls the style up: describe the picture as a caption does.",
          );
    return paragraphs(
      "## The prefix that the style needs",
      "Begin every prompt with",
      codeBlock(oneLine(record.style.prefix)),
      `and go on with what the picture shows. ${evidenceOf(record.style)} A prompt without it is unlike what was trained.`,
    );
  },
};

function evidenceOf({ evidence }: NonNullable<RunRecord["style"]>): string {
  if (evidence.kind === "option") return "In training it was put before every caption.";
  const { with: some, of } = evidence;
  const share = some === of ? `All ${number(of)}` : `${number(some)} of ${number(of)}`;
  const what = evidence.kind === "captions" ? "captions of the training data" : "prompts of the evaluation";
  return `${share} ${what} begin with it.`;
}
