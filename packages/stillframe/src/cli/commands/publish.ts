import { type PublishRunOptions as CommandOptions, publishOptions } from "@stillframe/schema";
import type { PublishedRun, PublishRunOptions } from "../../card/publish-run.js";
import type { PublishProgress } from "../../publish/upload.js";
import { command } from "../command.js";
import { counted, formatBytes } from "../quantity.js";
import { type Style, styleFor } from "../style.js";
import { transfer } from "../transfer.js";
import { TransferProgress } from "../transfer-progress.js";
import { cardLines } from "./card.js";

/** `stillframe publish`. */
export const publishCommand = command({
  options: publishOptions,
  examples: [
    "stillframe publish runs/first --hub_model_id=me/my-style --dry_run",
    "stillframe publish runs/first --hub_model_id=me/my-style --private",
  ],
  async run(options, { terminal, library }) {
    const publishRun = await library.publishRun();
    const view = new TransferProgress(terminal);
    const style = styleFor(terminal.color);
    return transfer(view, "Stopping. The same command sends what is missing.", async (signal) => {
      const onProgress = (event: PublishProgress) => view.upload(event);
      const published = await publishRun(options.run, { ...settings(options), signal, onProgress });
      view.close();
      terminal.out.write(`${report(published, { dryRun: options.dry_run, style }).join("\n")}\n`);
    });
  },
});

function settings({
  hub_model_id,
  private: isPrivate,
  dry_run,
  card,
  message,
  hub_token,
}: CommandOptions): PublishRunOptions {
  return {
    card,
    dryRun: dry_run,
    ...(hub_model_id !== null && { repo: hub_model_id }),
    // Without the switch the repository stays as it is, or is made as the Hub makes one.
    ...(isPrivate && { private: true }),
    ...(message !== null && { message }),
    ...(hub_token !== null && { token: hub_token }),
  };
}

function report(published: PublishedRun, { dryRun, style }: { dryRun: boolean; style: Style }): string[] {
  const { files, sent, unchanged, keptHere, card, url, commit } = published;
  const cardNotes = card === undefined ? [] : cardLines(card, style).slice(1);
  if (dryRun) {
    const width = Math.max(...files.map(({ path }) => path.length));
    const total = files.reduce((sum, { bytes }) => sum + bytes, 0);
    return [
      ...cardNotes,
      ...files.map(({ path, bytes }) => `  ${path.padEnd(width)}  ${formatBytes(bytes)}`),
      ...(keptHere.length > 0 ? [style.dim(`stays here: ${keptHere.join(", ")}`)] : []),
      `${counted(files.length, "file")}, ${formatBytes(total)}, would be sent to ${url}. Nothing was sent.`,
    ];
  }
  const what =
    sent.length === 0
      ? `all ${counted(unchanged.length, "file")} were there already`
      : `${counted(sent.length, "file")} sent${unchanged.length > 0 ? `, ${unchanged.length} were there already` : ""}`;
  return [...cardNotes, style.green(`Published: ${what} (commit ${commit?.slice(0, 8)}).`), `  ${url}`];
}
