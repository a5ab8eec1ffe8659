import { formatOptionValue } from "@stillframe/schema";
import { lastPart, modelOrigin } from "../base-model.js";
import { code, counted, folded, measured, number, picture, table } from "../markdown.js";
import type { RunRecord } from "../run-record.js";
import { optionTables } from "./option-tables.js";
import { hubLink, paragraphs, type Section } from "./section.js";

/** How it was trained: the facts that matter, and every option. */
export const training: Section = {
  id: "training",
  write(record) {
    return paragraphs(
      "## Training",
      table(["setting", "value"], facts(record)),
      lossText(record),
      record.lossPlot === undefined ? undefined : picture(record.lossPlot, "loss and learning rate over the steps"),
      folded("Every option", optionTables(record.manifest.options)),
    );
  },
};

type Options = RunRecord["manifest"]["options"];

function facts({ manifest }: RunRecord): string[][] {
  const { adapter, engine, options, seed, steps, epochs } = manifest;
  const batch = [options.train_batch_size, options.gradient_accumulation_steps].map(Number);
  const rows: [string, string | undefined][] = [
    ["method", methodText(manifest)],
    ["trained weights", `${number(adapter.parameters)}, kept in float32`],
    ["text encoders", options.train_text_encoder === true ? "trained, both" : "frozen"],
    ["VAE", vaeText(manifest)],
    ["resolution", resolutionText(options)],
    ["length", `${counted(steps, "step")}, ${counted(epochs, "epoch")}`],
    [
      "batch",
      `${batch[0]}${batch[1] === 1 ? "" : ` × ${batch[1]} accumulated = ${Number(batch[0]) * Number(batch[1])}`}`,
    ],
    ["optimizer", optimizerText(options)],
    ["learning rate", rateText(options)],
    ["loss", lossKind(options)],
    ["base weights", `${engine.dtype} on ${code(engine.device)}`],
    ["seed", String(seed)],
  ];
  return rows.flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]));
}

function methodText({ adapter, options }: RunRecord["manifest"]): string {
  if (adapter.method === "full") return "full fine-tuning";
  const modules = Array.isArray(options.target_modules) ? options.target_modules : ["to_q", "to_k", "to_v", "to_out.0"];
  const dropout =
    typeof options.lora_dropout === "number" && options.lora_dropout > 0 ? `, dropout ${options.lora_dropout}` : "";
  const scale = options.use_rslora === true ? ", scaled by alpha / √rank" : "";
  return `LoRA of rank ${adapter.rank}, alpha ${adapter.alpha}${scale}${dropout}, on ${modules.map((one) => code(String(one))).join(", ")}`;
}

function vaeText({ vae }: RunRecord["manifest"]): string {
  if (vae === null) return "the base model's own";
  const { hub } = modelOrigin(vae);
  return hub === undefined ? code(lastPart(vae.name_or_path)) : hubLink(hub);
}

function resolutionText(options: Options): string | undefined {
  if (typeof options.resolution !== "number") return undefined;
  const cut =
    options.aspect_ratio_buckets === true
      ? "the area of the square; pictures keep their shape"
      : options.center_crop === true
        ? "the middle of each picture"
        : "a random square of each picture";
  return `${options.resolution} × ${options.resolution}: ${cut}${options.random_flip === true ? ", mirrored half of the time" : ""}`;
}

function optimizerText(options: Options): string | undefined {
  if (options.optimizer === "prodigy") return `Prodigy, weight decay ${options.adam_weight_decay}`;
  if (options.optimizer !== "adamw") return undefined;
  const bits = options.use_8bit_adam === true ? " (8-bit)" : "";
  return `AdamW${bits}, β ${options.adam_beta1}, ${options.adam_beta2}, weight decay ${options.adam_weight_decay}, gradients clipped to norm ${options.max_grad_norm}`;
}

function rateText(options: Options): string | undefined {
  const { learning_rate: rate, lr_scheduler: name, lr_warmup_steps: warmup, text_encoder_lr: text } = options;
  if (typeof rate !== "number" || typeof name !== "string") return undefined;
  const rising =
    name !== "constant" && typeof warmup === "number" && warmup > 0 ? ` after ${number(warmup)} steps of warm-up` : "";
  const other = typeof text === "number" ? `, text encoders ${formatOptionValue(text)}` : "";
  return `${formatOptionValue(rate)}, ${name.replaceAll("_", " ")}${rising}${other}`;
}

function lossKind({ snr_gamma: gamma, noise_offset: offset, prediction_type: target }: Options): string {
  const what = target === "v_prediction" ? "squared error of the velocity" : "squared error of the prediction";
  const weights = typeof gamma === "number" ? `, min-SNR weights with γ = ${gamma}` : "";
  return `${what}${weights}${typeof offset === "number" && offset > 0 ? `, noise offset ${offset}` : ""}`;
}

function lossText({ events: { loss, validations } }: RunRecord): string | undefined {
  const parts: string[] = [];
  if (loss !== undefined)
    parts.push(
      `The mean loss was ${measured(loss.first)} over the first ${counted(loss.steps, "step")} and ${measured(loss.last)} over the last.`,
    );
  const [first, last] = [validations[0], validations.at(-1)];
  if (first !== undefined && last !== undefined && last.step > first.step)
    parts.push(
      `On held-out pictures, with fixed noise, it was ${measured(first.loss)} ${first.step === 0 ? "before the first step" : `after ${counted(first.step, "step")}`} and ${measured(last.loss)} after ${counted(last.step, "step")}.`,
    );
  if (parts.length === 0) return undefined;
  return `${parts.join(" ")} The loss mostly tells how noisy the examples were; it is no measure of how pictures look.`;
}
