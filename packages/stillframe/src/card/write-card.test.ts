import assert from "node:assert/strict";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { type Manifest, trainOptions } from "@stillframe/schema";
import { marked, type Tokens } from "marked";
import { parse } from "yaml";
import { TestFolder } from "../hub/testing/test-home.js";
import { splitReadme } from "./front-matter.js";
import { frontMatterProblems } from "./hub-rules.js";
import { EVALUATION, MANIFEST, PREFIX, type RunFolderChanges, writeRunFolder } from "./testing/run-folder.js";
import { composeCard, type WriteCardOptions, writeCard } from "./write-card.js";

const env = { HOME: "/nowhere" };

async function cardOf(changes: RunFolderChanges = {}, options: WriteCardOptions = {}) {
  using run = new TestFolder();
  await writeRunFolder(run.path, changes);
  const card = writeCard(run.path, { env, ...options });
  assert.equal(readFileSync(card.path, "utf8"), card.text);
  const { yaml, body } = splitReadme(card.text);
  return { ...card, data: parse(yaml as string) as Record<string, unknown>, body };
}

const withOptions = (options: Partial<Manifest["options"]>): Partial<Manifest> => ({
  options: { ...MANIFEST.options, ...options } as Manifest["options"],
});

test("a whole run has a whole card, with a front matter that the Hub takes", async () => {
  const { sections, leftOut, kept, warnings, data, text } = await cardOf({}, { repo: "me/anime-style" });
  assert.deepEqual(sections, [
    "title",
    "style",
    "samples",
    "usage",
    "evaluation",
    "data",
    "training",
    "machine",
    "limitations",
    "provenance",
  ]);
  assert.deepEqual([leftOut, kept, warnings], [[], [], []]);
  assert.deepEqual(frontMatterProblems(data), []);
  const {
    widget,
    "model-index": index,
    ...rest
  } = data as { widget: unknown[]; "model-index": { name: string; results: unknown[] }[] };
  assert.deepEqual(rest, {
    base_model: "stabilityai/stable-diffusion-xl-base-1.0",
    base_model_relation: "adapter",
    license: "openrail++",
    library_name: "diffusers",
    pipeline_tag: "text-to-image",
    tags: [
      "text-to-image",
      "stable-diffusion-xl",
      "stable-diffusion-xl-diffusers",
      "diffusers",
      "lora",
      "template:sd-lora",
      "stillframe",
    ],
    datasets: ["someone/anime-stills"],
    instance_prompt: "Still from the Anime",
  });
  assert.deepEqual(widget[0], {
    text: `${PREFIX} a boy in a blue jacket`,
    output: { url: "samples/step-002010/0000-seed-11.png" },
  });
  assert.equal(widget.length, 5);
  assert.deepEqual(index, [
    {
      name: "anime-style",
      results: [
        {
          task: { type: "text-to-image", name: "Text to image" },
          dataset: { type: "held-out", name: "held-out" },
          metrics: [
            { type: "fid", value: 99.74, name: "FID (inception, N = 358 generated, 179 real)" },
            { type: "kid", value: 18.7, name: "KID × 1000 (inception, N = 358 generated, 179 real)" },
            { type: "clip_score", value: 30.9, name: "CLIP score (N = 358 generated, 179 real)" },
          ],
        },
      ],
    },
  ]);
  assert.ok(!/undefined|NaN|TODO|\[object/.test(text), "nothing is filled with a leftover of code");
});

test("its Markdown is what it looks like: headings, tables of one width, pictures that are there", async () => {
  const { body } = await cardOf();
  const tokens = marked.lexer(body);
  const headings = tokens.filter((token): token is Tokens.Heading => token.type === "heading");
  assert.deepEqual(
    headings.filter(({ depth }) => depth === 2).map(({ text }) => text),
    [
      "The prefix that the style needs",
      "Samples",
      "How to use it",
      "Evaluation",
      "Training data",
      "Training",
      "Machine, time and energy",
      "Limitations and bias",
      "Provenance",
    ],
  );
  assert.equal(headings.filter(({ depth }) => depth === 1).length, 1);
  const tables = tokens.filter((token): token is Tokens.Table => token.type === "table");
  assert.ok(tables.length >= 14);
  for (const { header, rows } of tables) for (const row of rows) assert.equal(row.length, header.length);
  const cells = (first: string) =>
    tables
      .flatMap(({ rows }) => rows)
      .find((row) => row[0]?.text === first)
      ?.map(({ text }) => text);
  assert.deepEqual(cells("FID ↓"), [
    "FID ↓",
    "117.41<br>[115.31, 119.51]",
    "109.20<br>[107.20, 111.20]",
    "99.74<br>[97.84, 101.64]",
    "**-17.67**<br>[-19.17, -16.17]",
    "61.20 (N = 89)",
  ]);
  assert.deepEqual(cells("caption in tokens"), ["caption in tokens", "14", "52", "96"]);
  assert.equal(cells("base model")?.[1], `![${PREFIX} a boy in a blue jacket](samples/step-000000/0000-seed-11.png)`);
  assert.deepEqual(cells("text encoders"), ["text encoders", "trained, both"]);
  assert.deepEqual(cells("VAE"), [
    "VAE",
    "[madebyollin/sdxl-vae-fp16-fix](https://huggingface.co/madebyollin/sdxl-vae-fp16-fix)",
  ]);
  assert.deepEqual(cells("batch"), ["batch", "1 × 8 accumulated = 8"]);
});

test("every option is in it, by its name", async () => {
  const { body } = await cardOf();
  for (const { name, secret } of trainOptions.specs)
    assert.equal(body.split(`\n| \`${name}\` | `).length, secret === true ? 1 : 2, name);
  assert.match(body, /\| `rank` \| `16` \| `4` \|/);
});

test("the prefix, and examples that use it", async () => {
  const { body } = await cardOf({ manifest: withOptions({ validation_prompt: null }) }, { repo: "me/style" });
  assert.match(
    body,
    /Begin every prompt with\n\n```\nStill from the Anime,\n```\n\n.*1,604 of 1,611 captions of the training data begin with it\./,
  );
  assert.match(body, /--prompt='Still from the Anime, a lighthouse on a cliff'/);
  assert.match(body, /--lora="\$\(npx stillframe pull me\/style\)"/);
  assert.match(body, /prompt: \["Still from the Anime, a lighthouse on a cliff"\]/);
  assert.match(body, /pipe\.load_lora_weights\("me\/style", weight_name="pytorch_lora_weights\.safetensors"\)/);
  assert.match(body, /AutoencoderKL\.from_pretrained\("madebyollin\/sdxl-vae-fp16-fix"/);
  assert.match(body, /<lora:style:1>/);
});

test("what the TypeScript example imports exists", async () => {
  const library = (await import("../index.js")) as Record<string, unknown>;
  const names = /import \{ (.+) \} from "stillframe";/
    .exec((await cardOf({}, { repo: "me/style" })).body)?.[1]
    ?.split(", ");
  assert.deepEqual(names, ["generate", "pull"]);
  for (const name of names ?? []) assert.equal(typeof library[name], "function", name);
});

test("prompts of any kind stay inside their quotation marks", async () => {
  const prompt = `${PREFIX} it's a "sign" | \`back\` $HOME \\ end`;
  const { body, warnings } = await cardOf({ manifest: withOptions({ validation_prompt: prompt }) });
  assert.deepEqual(warnings, []);
  assert.ok(body.includes(`prompt: [${JSON.stringify(prompt)}]`));
  assert.ok(body.includes(`--prompt='${prompt.replaceAll("'", "'\\''")}'`));
  for (const token of marked.lexer(body))
    if (token.type === "table")
      for (const row of (token as Tokens.Table).rows) assert.equal(row.length, (token as Tokens.Table).header.length);
});

test("what is missing is left out with its reason, never filled", async () => {
  const { openings: _o, ...captions } = MANIFEST.data.captions;
  const { picture_sizes: _s, commit: _c, ...data } = MANIFEST.data;
  const { hardware: _h, ...bare } = MANIFEST;
  using run = new TestFolder();
  await writeRunFolder(run.path, { evaluation: null, samples: false });
  const model = { ...MANIFEST.model, name_or_path: "/srv/models/my-base", commit: null };
  writeFileSync(
    join(run.path, "manifest.json"),
    JSON.stringify({ ...bare, model, vae: null, data: { ...data, captions } }),
  );
  for (const name of ["events.jsonl", "loss.png"]) rmSync(join(run.path, name));
  const card = writeCard(run.path, { env });
  assert.deepEqual(card.leftOut, [
    { section: "style", reason: "the manifest does not say how captions begin" },
    { section: "samples", reason: "there are no validation pictures" },
    { section: "evaluation", reason: "there is no evaluation.json" },
  ]);
  const { yaml, body } = splitReadme(card.text);
  const values = parse(yaml as string) as Record<string, unknown>;
  assert.deepEqual(Object.keys(values), ["library_name", "pipeline_tag", "tags"]);
  assert.deepEqual([frontMatterProblems(values), card.warnings], [[], []]);
  assert.ok(!/undefined|NaN|TODO|Gallery|Energy:|width in pixels|mean loss|\/srv/.test(card.text));
  assert.match(body, /for the model `my-base`/);
  assert.match(body, /There is no evaluation: no number here tells/);
  assert.match(body, /The licence of the base model is not known here/);
});

test("a damaged evaluation costs the evaluation and nothing else", async () => {
  using run = new TestFolder();
  await writeRunFolder(run.path);
  writeFileSync(join(run.path, "evaluation.json"), '{"format": "stillframe-evaluation-1"');
  const card = writeCard(run.path, { env });
  assert.deepEqual(
    card.leftOut.map(({ section }) => section),
    ["evaluation"],
  );
  assert.match(card.leftOut[0]?.reason ?? "", /evaluation\.json: it cannot be read as JSON/);
  assert.equal(card.sections.length, 9);
});

test("arms that are no answer to base or adapter are folded away", async () => {
  const { body } = await cardOf({ evaluation: { ...EVALUATION, arms: EVALUATION.arms.slice(0, 3) } });
  assert.ok(!body.includes("Other arms"));
  assert.match(
    (await cardOf()).body,
    /<summary>Other arms<\/summary>\n\n\| {2}\| step 1000 \|[^\n]*\n[^\n]*\n\| FID ↓ \| 103\.30 \|/,
  );
});

test("the card says whether pictures copy training pictures", async () => {
  const copies = EVALUATION.copies;
  assert.ok(copies);
  const said = async (found: number | null) => {
    const changed = { ...copies, threshold: found === null ? null : 0.97, copies: found };
    const { body } = await cardOf({ evaluation: { ...EVALUATION, copies: changed } });
    return body.split("\n").find((line) => line.startsWith("**Copies of training pictures:**"));
  };
  assert.match(
    (await said(0)) ?? "",
    /pictures:\*\* no generated picture counts as one \(similarity from 0\.97 on\)\. The mean/,
  );
  assert.match((await said(1)) ?? "", /pictures:\*\* 1 generated picture counts as one/);
  assert.match((await said(12)) ?? "", /pictures:\*\* 12 generated pictures count as one/);
  assert.match((await said(null)) ?? "", /pictures:\*\* The mean similarity/);
});

test("an evaluation in a folder of its own counts too", async () => {
  using run = new TestFolder();
  await writeRunFolder(run.path, { evaluation: null });
  mkdirSync(join(run.path, "evaluation"));
  writeFileSync(join(run.path, "evaluation/evaluation.json"), JSON.stringify(EVALUATION));
  assert.ok(writeCard(run.path, { env }).sections.includes("evaluation"));
});

test("a run that has not ended says so", async () => {
  const manifest = { results: [], timing: { ...MANIFEST.timing, finished: null } };
  const { body, leftOut } = await cardOf({ manifest });
  assert.match(body, /\*\*This training has not ended:\*\* 2,010 is how many steps are planned/);
  assert.deepEqual(
    leftOut.map(({ section }) => section),
    ["usage", "machine"],
  );
});

test("full fine-tuning is no adapter", async () => {
  const adapter = { ...MANIFEST.adapter, method: "full" as const, rank: null, alpha: null };
  const { data } = await cardOf({ manifest: { adapter } });
  assert.equal(data.base_model_relation, "finetune");
  assert.ok(!(data.tags as string[]).some((tag) => tag.includes("lora")));
});

test("energy is an estimate from the board's power, or from what the person says, and says so", async () => {
  assert.match(
    (await cardOf()).body,
    /\*\*Energy: about 2\.3 kWh\.\*\* This is an estimate and was not measured: 700 W \(the GPU's published board power\)/,
  );
  assert.match(
    (await cardOf({}, { watts: 300 })).body,
    /about 1 kWh.*300 W \(the power of the machine as the author gives it\)/,
  );
  const hardware = { processor: "a", cores: 2, memory_bytes: 1, accelerator: null };
  assert.ok(!(await cardOf({ manifest: { hardware } })).body.includes("Energy:"));
});

test("writing again changes nothing, and what the command line said once is remembered", async () => {
  using run = new TestFolder();
  await writeRunFolder(run.path);
  const first = writeCard(run.path, { env, repo: "me/style", watts: 300 });
  assert.equal(writeCard(run.path, { env }).text, first.text);
  assert.match(first.text, /npx stillframe reproduce me\/style/);
});

test("a person's sections, edits and keys survive a rewrite", async () => {
  using run = new TestFolder();
  await writeRunFolder(run.path, { evaluation: null });
  const path = join(run.path, "README.md");
  const { text } = writeCard(run.path, { env });
  const mine = text
    .replace("library_name: diffusers", "language: en\nlibrary_name: diffusers")
    .replace("license: openrail++", "license: mit")
    .replace("50 denoising steps", "50 careful steps")
    .replace("<!-- stillframe:begin usage", "## Story\n\nHow it came to be.\n\n<!-- stillframe:begin usage");
  writeFileSync(path, mine);
  writeFileSync(join(run.path, "evaluation.json"), JSON.stringify(EVALUATION));
  const again = writeCard(run.path, { env });
  assert.deepEqual(again.kept, ["samples", "front matter: license"]);
  assert.match(again.text, /\nlicense: mit\n/);
  assert.match(again.text, /\nlanguage: en\n/);
  assert.ok(again.text.includes("How it came to be.") && again.text.includes("50 careful steps"));
  assert.match(again.text, /## How to use it[\s\S]*## Evaluation[\s\S]*## Training data/);
  assert.equal(writeCard(run.path, { env }).text, again.text);
  const anew = writeCard(run.path, { env, regenerate: true });
  assert.deepEqual(anew.kept, []);
  assert.ok(
    anew.text.includes("license: openrail++") &&
      !anew.text.includes("careful") &&
      anew.text.includes("How it came to be."),
  );
});

test("a README that Stillframe did not write keeps its title and text", async () => {
  using run = new TestFolder();
  await writeRunFolder(run.path);
  writeFileSync(join(run.path, "README.md"), "# My pictures\n\nHello.\n");
  const card = writeCard(run.path, { env });
  assert.match(card.text, /-->\n\n# My pictures\n\nHello\.\n\n<!-- stillframe:begin style/);
  assert.ok(!card.sections.includes("title"));
  writeFileSync(join(run.path, "README.md"), "```sh\n# a comment\n```\n");
  assert.ok(writeCard(run.path, { env }).sections.includes("title"));
});

test("the folders of this machine are not in it; what a person wrote of them is told", async () => {
  using run = new TestFolder();
  await writeRunFolder(run.path, {
    manifest: {
      ...withOptions({ output_dir: run.path, cache_dir: `${run.path}/cache`, train_data_dir: "/srv/stills" }),
      data: { ...MANIFEST.data, name_or_path: "/srv/stills", commit: null },
    },
  });
  const card = writeCard(run.path, { env });
  assert.ok(!card.text.includes(run.path) && !card.text.includes("/srv"));
  assert.deepEqual(card.warnings, []);
  writeFileSync(card.path, `${card.text}\nMade in ${run.path}.\n`);
  assert.match(
    composeCard(run.path, { env }).warnings[0] ?? "",
    /^line \d+ holds the path .*: publishing refuses that$/,
  );
  writeFileSync(card.path, card.text.replace("license: openrail++", "license: free"));
  assert.match(composeCard(run.path, { env }).warnings.join(), /the Hub would refuse the front matter: license: /);
});

test("what is no run is refused with the reason", () => {
  using folder = new TestFolder();
  assert.throws(
    () => writeCard(folder.path),
    /expected the folder of a training run for run but received .*: no manifest\.json is in it/,
  );
  assert.throws(() => writeCard(join(folder.path, "no")), /nothing is there/);
  writeFileSync(join(folder.path, "manifest.json"), "{");
  assert.throws(() => writeCard(folder.path), /manifest\.json: expected JSON/);
  assert.throws(() => writeCard(join(folder.path, "manifest.json")), /it is a file/);
});
