import { cardOptions } from "@stillframe/schema";
import type { Card } from "../../card/write-card.js";
import { command, EXIT } from "../command.js";
import { type Style, styleFor } from "../style.js";

/** `stillframe card`. */
export const cardCommand = command({
  options: cardOptions,
  examples: ["stillframe card runs/first", "stillframe card runs/first --hub_model_id=me/my-style --watts=420"],
  async run({ run, hub_model_id, watts, regenerate }, { terminal, library }) {
    const writeCard = await library.writeCard();
    const card = writeCard(run, { repo: hub_model_id ?? undefined, watts: watts ?? undefined, regenerate });
    terminal.out.write(`${cardLines(card, styleFor(terminal.color)).join("\n")}\n`);
    return EXIT.done;
  },
});

/** What a person should know of a card that was written. */
export function cardLines({ path, sections, leftOut, kept, warnings }: Card, style: Style): string[] {
  return [
    `${style.bold(path)}: ${sections.join(", ")}`,
    ...leftOut.map(({ section, reason }) => style.dim(`left out ${section}: ${reason}`)),
    ...kept.map((part) => `kept as edited by hand: ${part} (--regenerate writes it anew)`),
    ...warnings.map((warning) => `${style.yellow("warning:")} ${warning}`),
  ];
}
