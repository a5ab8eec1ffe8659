import { quoted } from "../../cli/command-line.js";
import { ADAPTER_FILE, KOHYA_FILE } from "../../files/result-files.js";
import { modelOrigin } from "../base-model.js";
import { LeftOut } from "../left-out.js";
import { code, codeBlock, oneLine } from "../markdown.js";
import type { RunRecord } from "../run-record.js";
import { paragraphs, type Section } from "./section.js";

/** Stands in examples for a model that only the reader can find. */
const SOME_BASE = "path/to/the/base/model";

/** How to make pictures with the adapter, program by program. */
export const usage: Section = {
  id: "usage",
  write(record) {
    const { manifest } = record;
    const files = manifest.results.map(({ path }) => path);
    if (manifest.adapter.method !== "lora") return new LeftOut("only adapters have usage examples yet");
    if (!files.includes(ADAPTER_FILE)) return new LeftOut(`the run has no ${ADAPTER_FILE} yet`);
    return paragraphs(
      "## How to use it",
      baseNote(record),
      "### Stillframe, on the command line",
      commandLine(record),
      "### Stillframe, in TypeScript",
      typescript(record),
      "### diffusers, in Python",
      python(record),
      ...(files.includes(KOHYA_FILE) ? ["### ComfyUI and AUTOMATIC1111", webInterfaces(record)] : []),
    );
  },
};

function baseNote({ base }: RunRecord): string | undefined {
  if (base.hub !== undefined) return undefined;
  return `The base model, ${code(base.name)}, was read from a folder; put yours in the place of ${code(SOME_BASE)}. The hashes below tell whether it is the same.`;
}

/** What an example draws: the validation prompt, or the prefix with a subject. */
function examplePrompt({ manifest, style }: RunRecord): string {
  const asked = manifest.options.validation_prompt;
  const prefix = style?.prefix ?? "";
  if (typeof asked === "string" && asked.startsWith(prefix.trim())) return oneLine(asked);
  return oneLine(`${prefix}a lighthouse on a cliff`);
}

const baseOf = ({ base }: RunRecord): string => base.hub ?? SOME_BASE;

function vaeOf({ manifest }: RunRecord): string | undefined {
  return manifest.vae === null ? undefined : (modelOrigin(manifest.vae).hub ?? vaeName(manifest.vae.name_or_path));
}

/** A VAE is not published with an adapter: a name on the Hub stays, a folder is the reader's own. */
function vaeName(nameOrPath: string): string {
  return /^madebyollin\/[\w.-]+$/.test(nameOrPath) ? nameOrPath : "path/to/the/vae";
}

function commandLine(record: RunRecord): string {
  const vae = vaeOf(record);
  const lora = record.repo === undefined ? "path/to/this/folder" : `"$(npx stillframe pull ${record.repo})"`;
  const words = [
    "npx stillframe generate",
    quoted([`--pretrained_model_name_or_path=${baseOf(record)}`]),
    `--lora=${lora}`,
    ...(vae === undefined ? [] : [quoted([`--pretrained_vae_model_name_or_path=${vae}`])]),
    quoted([`--prompt=${examplePrompt(record)}`]),
    "--num_images=4 --seed=7",
  ];
  return codeBlock(words.join(" \\\n  "), "sh");
}

function typescript(record: RunRecord): string {
  const vae = vaeOf(record);
  const { repo } = record;
  const lines = [
    `import { generate${repo === undefined ? "" : ", pull"} } from "stillframe";`,
    "",
    ...(repo === undefined ? [] : [`const { folder } = await pull({ repo: ${JSON.stringify(repo)} });`]),
    "const pictures = generate({",
    `  pretrained_model_name_or_path: ${JSON.stringify(baseOf(record))},`,
    ...(vae === undefined ? [] : [`  pretrained_vae_model_name_or_path: ${JSON.stringify(vae)},`]),
    `  lora: ${repo === undefined ? '"path/to/this/folder"' : "folder"},`,
    `  prompt: [${JSON.stringify(examplePrompt(record))}],`,
    "  num_images: 4,",
    "  seed: 7,",
    "});",
    'for await (const event of pictures) if (event.type === "picture") console.log(event.path);',
  ];
  return codeBlock(lines.join("\n"), "ts");
}

function python(record: RunRecord): string {
  const vae = vaeOf(record);
  const text = (value: string) => JSON.stringify(value);
  const lines = [
    "import torch",
    `from diffusers import ${vae === undefined ? "" : "AutoencoderKL, "}StableDiffusionXLPipeline`,
    "",
    ...(vae === undefined ? [] : [`vae = AutoencoderKL.from_pretrained(${text(vae)}, torch_dtype=torch.float16)`]),
    "pipe = StableDiffusionXLPipeline.from_pretrained(",
    `    ${text(baseOf(record))}${vae === undefined ? "" : ", vae=vae"}, torch_dtype=torch.float16`,
    ")",
    `pipe.load_lora_weights(${text(record.repo ?? "path/to/this/folder")}, weight_name="${ADAPTER_FILE}")`,
    'pipe.to("cuda")',
    "image = pipe(",
    `    ${text(examplePrompt(record))},`,
    '    generator=torch.Generator("cuda").manual_seed(7),',
    ").images[0]",
    'image.save("picture.png")',
  ];
  return codeBlock(lines.join("\n"), "python");
}

function webInterfaces(record: RunRecord): string {
  const file = `${record.name.replaceAll(/[^\w.-]+/g, "_")}.safetensors`;
  const weight = `<lora:${file.replace(/\.safetensors$/, "")}:1>`;
  const place =
    record.repo === undefined
      ? code(KOHYA_FILE)
      : `[${code(KOHYA_FILE)}](https://huggingface.co/${record.repo}/resolve/main/${KOHYA_FILE}?download=true)`;
  return [
    `Take ${place}, which has the names that these programs know, and save it as ${code(file)}:`,
    "",
    `- **ComfyUI:** in ${code("ComfyUI/models/loras/")}; load it with the node *Load LoRA*, both strengths 1.`,
    `- **AUTOMATIC1111:** in ${code("models/Lora/")}; write ${code(`${examplePrompt(record)} ${weight}`)}.`,
  ].join("\n");
}
