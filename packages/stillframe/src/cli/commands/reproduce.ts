import { join } from "node:path";
import { reproduceOptions, type TrainOptions } from "@stillframe/schema";
import type { InputCheck, InputsChecked, Reproduced, ReproduceEvent } from "../../reproduce/index.js";
import { command } from "../command.js";
import { quoted } from "../command-line.js";
import { type EventView, follow } from "../follow.js";
import { counted } from "../quantity.js";
import { type Style, styleFor } from "../style.js";
import type { Terminal } from "../terminal.js";
import { TrainProgress } from "../train-progress.js";

/** `stillframe reproduce`. Ends in 0 when the bytes are equal (or, with `check_only`, the inputs are), else in 1. */
export const reproduceCommand = command({
  options: reproduceOptions,
  examples: [
    "stillframe reproduce runs/first --output_dir=runs/second",
    "stillframe reproduce me/my-style --train_data_dir=pictures --check_only",
  ],
  async run(options, { terminal, library }) {
    const reproduce = await library.reproduce();
    return follow<ReproduceEvent>(new ReproduceView(terminal, options.check_only), {
      start: (signal) => reproduce(options, { signal }),
      stopping: "Stopping after this step. Ctrl-C again stops at once.",
      endings: {
        inputs_differ: "failed",
        reproduction_differs: "failed",
        run_failed: "failed",
        run_interrupted: "interrupted",
      },
    });
  },
});

/** Shows the checks before a training and the verdict after it, and the training as `train` does. */
class ReproduceView implements EventView<ReproduceEvent> {
  readonly #style: Style;
  readonly #terminal: Terminal;
  readonly #checkOnly: boolean;
  #training: TrainProgress;

  constructor(terminal: Terminal, checkOnly: boolean) {
    this.#terminal = terminal;
    this.#style = styleFor(terminal.color);
    this.#checkOnly = checkOnly;
    this.#training = new TrainProgress(terminal, { generateCommand: "", resumeCommand: "" });
  }

  show(event: ReproduceEvent): void {
    if (event.type === "hashing") return;
    if (event.type === "inputs_checked") this.#begin(event);
    else if (event.type === "inputs_differ")
      this.print(
        `${this.#style.red("Not the same training:")} ${event.checks.map(({ what }) => what).join(", ")}. ` +
          "Nothing was trained; --allow_changes trains anyway.",
      );
    else if (event.type === "reproduction_equal" || event.type === "reproduction_differs")
      this.print(verdictLines(event, this.#style).join("\n"));
    else this.#training.show(event);
  }

  #begin({ checks, options }: InputsChecked): void {
    this.#training.close();
    this.#training = this.#progressIn(options);
    const lines = checkLines(checks, this.#style);
    if (this.#checkOnly && checks.every(({ same, decisive }) => same || !decisive))
      lines.push(this.#style.green("The same training can be run here."));
    this.print(lines.join("\n"));
  }

  print(text: string): void {
    this.#training.print(text);
  }

  close(): void {
    this.#training.close();
  }

  #progressIn({
    output_dir: folder,
    pretrained_model_name_or_path: base,
    validation_prompt,
  }: TrainOptions): TrainProgress {
    const goOn = ["train", "--config", join(folder, "run.yaml"), "--resume_from_checkpoint=latest"];
    const draw = [
      `--pretrained_model_name_or_path=${base}`,
      `--lora=${folder}`,
      `--prompt=${validation_prompt ?? "…"}`,
    ];
    return new TrainProgress(this.#terminal, {
      generateCommand: quoted(["npx", "stillframe", "generate", ...draw]),
      resumeCommand: quoted(["npx", "stillframe", ...goOn]),
    });
  }
}

/** What is equal in one line, what is not with both values. */
function checkLines(checks: readonly InputCheck[], style: Style): string[] {
  const differing = checks.filter(({ same }) => !same);
  const equal = checks.length - differing.length;
  return [
    `${counted(equal, "check")} of ${checks.length} passed: data, base model and engine against the manifest.`,
    ...differing.map(({ what, expected, found, decisive }) => {
      const mark = decisive ? style.red("differs:") : style.yellow("differs:");
      return `${mark} ${what}: ${short(expected)} then, ${short(found)} now${decisive ? "" : " (may change roundings)"}`;
    }),
  ];
}

function verdictLines({ type, results, difference, changed }: Reproduced, style: Style): string[] {
  if (type === "reproduction_equal")
    return ["", style.green(`Reproduced: ${results.map(({ path }) => path).join(" and ")}, byte for byte.`)];
  const other = results.filter(({ same }) => !same);
  const size =
    difference === undefined
      ? []
      : [
          `  ${difference.changed} of ${counted(difference.tensors, "tensor")} differ, by ${difference.relative.toPrecision(2)} of the weights' length (at most ${difference.largest.toPrecision(2)})`,
        ];
  const why =
    changed.length > 0
      ? `  What was not the same: ${changed.map(({ what, expected, found }) => `${what} (${short(expected)} then, ${short(found)} now)`).join(", ")}`
      : "  All that the manifest names was the same; what remains is the machine itself (processor, BLAS, driver).";
  return [
    "",
    style.yellow(
      `Not the same bytes: ${other.map(({ path, expected, found }) => `${path} (${short(expected)} then, ${short(found)} now)`).join(", ")}`,
    ),
    ...size,
    why,
  ];
}

/** A hash by its beginning. */
function short(text: string): string {
  return /^[0-9a-f]{64}$/.test(text) ? text.slice(0, 12) : text;
}
