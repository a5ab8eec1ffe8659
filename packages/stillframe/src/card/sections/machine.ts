import { formatBytes, formatDuration } from "../../cli/quantity.js";
import { boardPower } from "../board-power.js";
import { LeftOut } from "../left-out.js";
import { code, counted, measured, number, plain, rough, table } from "../markdown.js";
import type { RunRecord } from "../run-record.js";
import { paragraphs, type Section } from "./section.js";

/** What it was trained on, how long it took, and an estimate of the energy. */
export const machine: Section = {
  id: "machine",
  write(record) {
    const { timing, engine } = record.manifest;
    if (timing.finished === null) return new LeftOut("the run has not ended");
    const { seconds, parts } = durationOf(record);
    const rows = [
      ...hardwareRows(record),
      [
        "computed on",
        `${code(engine.device)}${engine.device === "cpu" ? `, ${counted(engine.threads, "thread")}` : ""}`,
      ],
      [
        "engine",
        `libtorch ${plain(engine.version)}, Node ${plain(record.manifest.node)}, ${plain(record.manifest.platform)}`,
      ],
      ["time", timeText(seconds) + parts],
      ["pace", paceText(record, seconds)],
    ];
    return paragraphs("## Machine, time and energy", table(["fact", "value"], rows), energyText(record, seconds));
  },
};

function hardwareRows({ manifest: { hardware } }: RunRecord): string[][] {
  if (hardware === undefined) return [];
  const { processor, cores, memory_bytes: memory, accelerator } = hardware;
  return [
    ...(accelerator === null ? [] : [["GPU", plain(accelerator)]]),
    ["processor", `${plain(processor)}, ${counted(cores, "core")}, ${formatBytes(memory)} of memory`],
  ];
}

/** A run that was interrupted knows the time of its last part alone; its events know the others. */
function durationOf({ manifest, events }: RunRecord): { seconds: number; parts: string } {
  if (events.seconds === undefined) return { seconds: manifest.timing.seconds, parts: "" };
  const seconds = Math.max(events.seconds, manifest.timing.seconds);
  return { seconds, parts: ", all parts of an interrupted run together" };
}

/** `0:06` alone does not say whether it is hours. */
function timeText(seconds: number): string {
  if (seconds < 60) return `${measured(seconds)} seconds`;
  return `${formatDuration(seconds)} ${seconds < 3600 ? "minutes" : "hours"}`;
}

function paceText({ manifest }: RunRecord, seconds: number): string {
  const { steps, options } = manifest;
  const pictures = steps * Number(options.train_batch_size) * Number(options.gradient_accumulation_steps);
  return `${measured(seconds / Math.max(1, steps))} s a step, ${measured(pictures / Math.max(1e-9, seconds))} pictures a second, loading and encoding included`;
}

function energyText(record: RunRecord, seconds: number): string | undefined {
  const power = powerOf(record);
  if (power === undefined) return undefined;
  const kilowattHours = (power.watts * seconds) / 3.6e6;
  return `**Energy: about ${rough(kilowattHours)} kWh.** This is an estimate and was not measured: ${number(power.watts)} W (${power.source}) times the time above${power.rest}.`;
}

function powerOf({
  watts,
  manifest: { hardware },
}: RunRecord): { watts: number; source: string; rest: string } | undefined {
  if (watts !== undefined) return { watts, source: "the power of the machine as the author gives it", rest: "" };
  const board = hardware?.accelerator == null ? undefined : boardPower(hardware.accelerator);
  if (board === undefined) return undefined;
  const rest = ". The rest of the machine is not in it, and a board seldom draws all that it may";
  return { watts: board, source: "the GPU's published board power", rest };
}
