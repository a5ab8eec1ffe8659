import assert from "node:assert/strict";
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { TestFolder } from "../hub/testing/test-home.js";
import { isPublishable } from "./allow-list.js";
import { runFiles } from "./run-files.js";

function write(folder: string, path: string, text = "x"): void {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), text);
}

test("a run's adapter, card and pictures are chosen; everything else stays", async () => {
  using folder = new TestFolder();
  const all = [
    "pytorch_lora_weights.safetensors",
    "style_kohya.safetensors",
    "manifest.json",
    "evaluation.json",
    "run.yaml",
    "events.jsonl",
    ".env",
    "loss.png",
    "token",
    "samples/epoch-1.png",
    "samples/epoch-2.png",
    "samples/notes.txt",
    "checkpoints/step-000500/optimizer.safetensors",
    "logs/events.out.tfevents.1.host",
    "cache/latents.safetensors",
  ];
  for (const path of all) write(folder.path, path);
  symlinkSync("/etc/hostname", join(folder.path, "LICENSE"));
  const { files, kept } = await runFiles(folder.path);
  const chosen = files.map(({ path }) => path);
  assert.deepEqual(chosen, [
    "evaluation.json",
    "loss.png",
    "manifest.json",
    "pytorch_lora_weights.safetensors",
    "samples/epoch-1.png",
    "samples/epoch-2.png",
    "style_kohya.safetensors",
  ]);
  assert.deepEqual(kept, [
    ".env",
    "LICENSE",
    "cache/",
    "checkpoints/",
    "events.jsonl",
    "logs/",
    "run.yaml",
    "samples/notes.txt",
    "token",
  ]);

  write(folder.path, "README.md", "![a](samples/epoch-2.png)");
  const withCard = (await runFiles(folder.path)).files.map(({ path }) => path);
  assert.deepEqual(
    withCard.filter((path) => path.endsWith(".png")),
    ["samples/epoch-2.png"],
  );
  rmSync(join(folder.path, "README.md"));
});

test("the list of what may be sent", () => {
  for (const path of ["README.md", "a.safetensors", "samples/a/b.png", "images/x.webp", "manifest.json"])
    assert.ok(isPublishable(path), path);
  for (const path of [
    "checkpoints/step-1/a.safetensors",
    "logs/a.png",
    "events.jsonl",
    "run.yaml",
    "optimizer.bin",
    "../README.md",
    "/README.md",
    "samples/../x.png",
    "samples/.hidden/x.png",
    ".cache/x.png",
    "samples\\x.png",
    "token",
    "",
  ]) {
    assert.equal(isPublishable(path), false, path);
  }
});
