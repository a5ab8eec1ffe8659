import { isRepoName } from "../../hub/repo-file.js";
import { lastPart } from "../base-model.js";
import { code, counted, measured, number, plain, table } from "../markdown.js";
import type { RunRecord } from "../run-record.js";
import { hubLink, paragraphs, type Section } from "./section.js";

type Data = RunRecord["manifest"]["data"];

/** What it was trained on: counts, sizes and captions. */
export const data: Section = {
  id: "data",
  write({ manifest }) {
    const { data } = manifest;
    return paragraphs(
      "## Training data",
      `${sourceOf(data)}: ${countsOf(data)}.`,
      table(["", "least", "median", "most"], rowsOf(data)),
      captionsText(manifest),
      skippedText(data),
    );
  },
};

/** The data set on the Hub that a run used, or `undefined` when it was a folder. */
export function hubDataset({ data }: Pick<RunRecord["manifest"], "data">): string | undefined {
  return data.commit != null && isRepoName(data.name_or_path) ? data.name_or_path : undefined;
}

function sourceOf(data: Data): string {
  const hub = hubDataset({ data });
  if (hub === undefined) return `A folder of pictures, ${code(lastPart(data.name_or_path))}`;
  return `The data set ${hubLink(hub, "dataset")} at commit ${code(data.commit as string)}`;
}

function countsOf({ pictures, held_out, captions }: Data): string {
  const several = captions.captions > pictures ? ` with ${number(captions.captions)} captions` : "";
  const held = held_out > 0 ? `, and ${counted(held_out, "picture")} held out for the validation loss` : "";
  return `${counted(pictures, "picture")}${several} to train on${held}`;
}

function rowsOf({ captions, picture_sizes: sizes }: Data): string[][] {
  const row = (name: string, { least, median, most }: { least: number; median: number; most: number }) => [
    name,
    number(least),
    measured(median) === String(median) ? number(median) : measured(median),
    number(most),
  ];
  return [
    ...(sizes === undefined ? [] : [row("width in pixels", sizes.width), row("height in pixels", sizes.height)]),
    row("caption in tokens", captions.tokens),
  ];
}

function captionsText({ data: { captions }, options }: RunRecord["manifest"]): string | undefined {
  const sentences = [
    captions.empty > 0 ? `${counted(captions.empty, "caption")} ${captions.empty === 1 ? "is" : "are"} empty.` : "",
    captions.cut > 0
      ? `${counted(captions.cut, "caption")} ${captions.cut === 1 ? "was" : "were"} cut, because longer than ${code(`max_token_length=${options.max_token_length}`)} allows.`
      : "",
    typeof options.caption_dropout === "number" && options.caption_dropout > 0
      ? `At each showing a caption was left out with probability ${options.caption_dropout}.`
      : "",
    openingsText(captions),
  ];
  return sentences.filter((sentence) => sentence !== "").join(" ");
}

function openingsText({ openings = [], captions }: Data["captions"]): string {
  if (openings.length === 0) return "";
  const list = openings.map(({ text, captions: count }) => `${code(text)} (${number(count)} of ${number(captions)})`);
  return `Common beginnings of captions: ${list.join(", ")}.`;
}

function skippedText({ skipped }: Data): string | undefined {
  if (skipped.length === 0) return undefined;
  const total = skipped.reduce((sum, { count }) => sum + count, 0);
  const reasons = skipped.map(({ reason, count }) => `${number(count)} × ${plain(reason)}`);
  return `${counted(total, "picture")} could not be used: ${reasons.join("; ")}.`;
}
