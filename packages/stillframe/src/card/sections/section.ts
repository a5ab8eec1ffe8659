import type { LeftOut } from "../left-out.js";
import type { RunRecord } from "../run-record.js";

/** A part of the card. */
export interface Section {
  /** Names it in the card's marks. */
  readonly id: string;
  /** Its Markdown, or why it is left out. */
  readonly write: (record: RunRecord) => string | LeftOut;
}

/** Paragraphs, those that are there, with empty lines between. */
export function paragraphs(...parts: readonly (string | undefined)[]): string {
  return parts.filter((part) => part !== undefined && part !== "").join("\n\n");
}

/** A link to a model or data set on the Hub. */
export function hubLink(name: string, type: "model" | "dataset" = "model"): string {
  return `[${name}](https://huggingface.co/${type === "dataset" ? "datasets/" : ""}${name})`;
}
