import type { TrainEventOf } from "@stillframe/schema";
import { formatBytes } from "./quantity.js";

type Preparing = TrainEventOf<"preparing">;

const TITLES: Readonly<Record<Preparing["stage"], string>> = {
  download: "Downloading",
  load: "Loading the model",
  read: "Reading pictures",
  encode_pictures: "Encoding pictures",
  encode_captions: "Encoding captions",
};

/** What a stage is called, and how far it is. */
export function stageOf({ stage, done, total }: Preparing): { title: string; count: string; share: number } {
  const count = stage === "download" ? `${formatBytes(done)} of ${formatBytes(total)}` : `${done}/${total}`;
  return { title: TITLES[stage], count, share: total === 0 ? 1 : done / total };
}
