import assert from "node:assert/strict";
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { after, before, test } from "node:test";
import type { TrainEvent, TrainOptionsInput } from "@stillframe/schema";
import { ones, readSafetensors, writeSafetensors } from "@stillframe/torch";
import { circle, flagsOf, openWorkshop, runCli, type Workshop } from "../testing/workshop.js";
import { train } from "./index.js";

let shop: Workshop;
before(async () => {
  shop = await openWorkshop();
});
after(() => shop.close());

async function message(options: TrainOptionsInput): Promise<string> {
  try {
    for await (const _ of train(options)) {
      // to its end
    }
  } catch (e) {
    return (e as Error).message;
  }
  return assert.fail("expected an error");
}

/** A copy of the base model with one thing wrong. */
function broken(name: string, spoil: (folder: string) => void): Partial<TrainOptionsInput> {
  cpSync(shop.base, shop.at(name), { recursive: true });
  spoil(shop.at(name));
  return { pretrained_model_name_or_path: shop.at(name) };
}
const UNET = "unet/diffusion_pytorch_model.safetensors";

function rewrite(path: string, change: (tensors: Map<string, ReturnType<typeof ones>>) => void): void {
  const { tensors } = readSafetensors(path);
  const copy = new Map([...tensors].map(([k, t]) => [k, t.clone()]));
  change(copy);
  writeSafetensors(path, copy);
}

test("a base that is not there", async () => {
  assert.match(
    await message(shop.run("a", { pretrained_model_name_or_path: "/nowhere/sdxl" })),
    /expected a diffusers folder.* but received "\/nowhere\/sdxl", and there is no such folder/,
  );
});

test("a base of another kind, or without one of its files", async () => {
  assert.match(
    await message(
      shop.run(
        "b",
        broken("kind", (f) => writeFileSync(`${f}/model_index.json`, '{"_class_name":"FluxPipeline"}')),
      ),
    ),
    /expected a StableDiffusionXL pipeline but found "FluxPipeline"/,
  );
  assert.match(
    await message(
      shop.run(
        "b",
        broken("no-config", (f) => rmSync(`${f}/vae/config.json`)),
      ),
    ),
    /vae\/config\.json: there is no such file/,
  );
  const pickled = broken("pickled", (f) => {
    rmSync(`${f}/${UNET}`);
    writeFileSync(`${f}/unet/diffusion_pytorch_model.bin`, "x");
  });
  assert.match(
    await message(shop.run("b", pickled)),
    /diffusion_pytorch_model\.bin can run code when it is read, so it is never loaded: convert it/,
  );
  const variant = broken("variant", (f) => {
    cpSync(`${f}/${UNET}`, `${f}/unet/diffusion_pytorch_model.fp16.safetensors`);
    rmSync(`${f}/${UNET}`);
  });
  assert.match(await message(shop.run("b", variant)), /this folder has --variant=fp16/);
});

test("weights that do not fit: everything wrong is named at once", async () => {
  const spoiled = broken("keys", (f) =>
    rewrite(`${f}/${UNET}`, (t) => {
      t.delete("conv_in.bias");
      t.set("conv_extra.weight", ones([2]));
      t.set("conv_out.bias", ones([5]));
    }),
  );
  assert.match(
    await message(shop.run("c", spoiled)),
    /does not fit the model:\n {2}missing \(1\): conv_in\.bias\n {2}unexpected \(1\): conv_extra\.weight\n {2}wrong shape \(1\): conv_out\.bias \(expected \[4\] but received \[5\]\)/,
  );
});

test("a safetensors file that is truncated or lies", async () => {
  assert.match(
    await message(
      shop.run(
        "d",
        broken("short", (f) => truncateSync(`${f}/${UNET}`, 5000)),
      ),
    ),
    /truncated/,
  );
  const lying = broken("lying", (f) => {
    const bytes = readFileSync(`${f}/${UNET}`);
    bytes.writeBigUInt64LE(2n ** 40n);
    writeFileSync(`${f}/${UNET}`, bytes);
  });
  assert.match(
    await message(shop.run("d", lying)),
    /its header says it is 1099511627776 bytes long, but the file has \d+/,
  );
});

test("a configuration that this UNet is not", async () => {
  const other = broken("config", (f) => {
    const path = `${f}/unet/config.json`;
    writeFileSync(path, JSON.stringify({ ...JSON.parse(readFileSync(path, "utf8")), use_linear_projection: false }));
  });
  assert.match(
    await message(shop.run("e", other)),
    /expected true \(no other is supported\) for use_linear_projection but received false/,
  );
});

test("a rank that is too large, and a target that is no layer", async () => {
  assert.match(
    await message(shop.run("f", { rank: 5000 })),
    /^expected an integer from 1 to 64, the full rank of \S+\.to_\w+ for rank but received 5000$/,
  );
  assert.match(
    await message(shop.run("f", { overwrite_output_dir: true, target_modules: ["to_x"] })),
    /expected names of linear layers or convolutions of Unet for target_modules but received "to_x"/,
  );
});

test("an unknown option, with the nearest known one", async () => {
  const { code, err } = await runCli(["train", ...flagsOf(shop.run("g")), "--train_batchsize=2"]);
  assert.equal(code, 2);
  assert.match(err, /unknown option --train_batchsize: did you mean --train_batch_size\?/);
  assert.ok(!existsSync(shop.at("g")));
});

test("a broken line of captions, named by file and line", async () => {
  mkdirSync(shop.at("lines"));
  writeFileSync(shop.at("lines", "0.png"), await circle(0));
  writeFileSync(shop.at("lines", "metadata.jsonl"), '{"file_name": "0.png", "text": "a"}\n{"file_name": "0.png", \n');
  assert.match(await message(shop.run("h", { train_data_dir: shop.at("lines") })), /lines\/metadata\.jsonl: line 2: /);
});

test("pictures that cannot be used are skipped, with a reason each, and counted", async () => {
  const folder = shop.at("awkward");
  mkdirSync(folder);
  writeFileSync(shop.at("secret.png"), await circle(1));
  const files: Record<string, Buffer | null> = {
    "good.png": await circle(0),
    "truncated.png": (await circle(1)).subarray(0, 120),
    "empty.png": Buffer.alloc(0),
    "text.png": Buffer.from("this is no picture"),
    "missing.png": null,
  };
  for (const [name, bytes] of Object.entries(files)) if (bytes !== null) writeFileSync(`${folder}/${name}`, bytes);
  symlinkSync(shop.at("secret.png"), `${folder}/link.png`);
  const names = [...Object.keys(files), "../secret.png", "link.png"];
  writeFileSync(
    `${folder}/metadata.jsonl`,
    names.map((file_name) => JSON.stringify({ file_name, text: "a circle" })).join("\n"),
  );
  const events: TrainEvent[] = [];
  for await (const e of train(shop.run("i", { train_data_dir: folder, max_train_steps: 1, train_batch_size: 1 })))
    events.push(e);
  const prepared = events.find((e) => e.type === "data_prepared");
  assert.ok(prepared?.type === "data_prepared");
  assert.equal(prepared.pictures, 1);
  assert.equal(
    prepared.skipped.reduce((n, s) => n + s.count, 0),
    6,
  );
  const reasons = prepared.skipped.map((s) => `${s.examples.join()}: ${s.reason}`).join("\n");
  assert.match(reasons, /empty\.png.*empty/);
  assert.match(reasons, /missing\.png.*not exist/);
  assert.match(reasons, /\.\.\/secret\.png.*leaves/);
  assert.match(reasons, /text\.png.*not a picture/);
});

test("no usable picture at all", async () => {
  const folder = shop.at("nothing");
  mkdirSync(folder);
  writeFileSync(`${folder}/metadata.jsonl`, '{"file_name": "gone.png", "text": "a"}\n');
  assert.match(
    await message(shop.run("j", { train_data_dir: folder })),
    /expected at least one usable picture for train_data_dir but received "none in .*skipped: 1 × /,
  );
});

test("the folder of another run is left alone", async () => {
  for await (const _ of train(shop.run("mine", { max_train_steps: 1 }))) {
    // to its end
  }
  const before = readFileSync(shop.at("mine", "manifest.json"), "utf8");
  assert.match(
    await message(shop.run("mine", { max_train_steps: 2 })),
    /expected a new folder for output_dir but received ".*mine", which holds another run; choose another --output_dir, or give --overwrite_output_dir/,
  );
  assert.equal(readFileSync(shop.at("mine", "manifest.json"), "utf8"), before);
  mkdirSync(shop.at("private"));
  writeFileSync(shop.at("private", "diary.txt"), "dear diary");
  assert.match(
    await message(shop.run("private")),
    /expected a new or empty folder for output_dir but received ".*private", which holds diary\.txt/,
  );
  assert.equal(readFileSync(shop.at("private", "diary.txt"), "utf8"), "dear diary");
});

test("a checkpoint made with other options", async () => {
  for await (const _ of train(shop.run("ranks", { max_train_steps: 2, checkpointing_steps: 1 }))) {
    // to its end
  }
  assert.match(
    await message(shop.run("ranks", { max_train_steps: 4, rank: 8, resume_from_checkpoint: "latest" })),
    /expected 4, as in the checkpoint .*step-000002, for rank but received 8/,
  );
  assert.match(
    await message(shop.run("ranks", { resume_from_checkpoint: "step-000099" })),
    /expected latest, or the folder of a checkpoint \(there are: step-000001, step-000002\) for resume_from_checkpoint/,
  );
});
