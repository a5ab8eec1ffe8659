import type { Evaluation } from "./evaluation.js";
import { escapeMarkup } from "./markup.js";

type Recognition = NonNullable<Evaluation["recognition"]>[number];
type Share = Recognition["arms"][number]["style"];

/** `87.5` of `24`, as a cell. */
const cell = (share: Share | undefined): string =>
  share === undefined || share.of === 0
    ? "–"
    : `${((100 * share.right) / share.of).toFixed(1)}<span class="minor">of ${share.of}</span>`;

/** A table of every question that prompts asked: how often each arm's pictures answer it right, and the network itself. */
export function questionTables(
  { arms, accuracy }: Recognition,
  table: (head: readonly string[], body: readonly (readonly string[])[]) => string,
): string {
  const asked = [...new Set(arms.flatMap((arm) => Object.keys(arm.questions)))];
  if (asked.length === 0) return "<p>No prompt says what its picture should show.</p>";
  const known = accuracy.filter((a) => a.questions !== undefined);
  const head = ["in %", ...arms.map((arm) => arm.arm), ...known.map((a) => `right itself, on ${a.on}`)];
  const body = asked.map((question) => [
    escapeMarkup(question),
    ...arms.map((arm) => cell(arm.questions[question])),
    ...known.map((a) => cell(a.questions?.[question])),
  ]);
  return table(head.map(escapeMarkup), body);
}
