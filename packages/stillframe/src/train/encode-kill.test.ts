import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, before, it } from "node:test";
import { fileURLToPath } from "node:url";
import type { TrainEvent, TrainOptionsInput } from "@stillframe/schema";
import { readSafetensors } from "@stillframe/torch";
import { openWorkshop, type Workshop } from "../testing/workshop.js";

type Line = TrainEvent | { type: "done"; vae: number; captions: number };

let shop: Workshop;
before(async () => {
  shop = await openWorkshop({ pictures: 24 });
});
after(() => shop.close());

const SCRIPT = fileURLToPath(new URL("./testing/encode-process.js", import.meta.url));
const env = { ...process.env, STILLFRAME_THREADS: "1", OMP_NUM_THREADS: "1" };

const options = (cache: string): TrainOptionsInput =>
  shop.run("run", {
    cache_dir: shop.at(cache),
    num_train_epochs: 8,
    max_train_steps: null,
    random_flip: true,
    dataloader_num_workers: 1,
  });

/** Runs the encoding in a process of its own; `watch` sees each line and may kill it. */
async function encode(cache: string, watch: (line: Line, child: ChildProcess) => void = () => {}): Promise<Line[]> {
  const file = shop.at(`${cache}.json`);
  writeFileSync(file, JSON.stringify(options(cache)));
  const child = spawn(process.execPath, [SCRIPT, file], { env, stdio: ["ignore", "pipe", "inherit"] });
  const lines: Line[] = [];
  const ended = new Promise((resolve) => child.on("close", resolve));
  for await (const text of createInterface({ input: child.stdout as NodeJS.ReadableStream })) {
    const line = JSON.parse(text) as Line;
    lines.push(line);
    watch(line, child);
  }
  await ended;
  return lines;
}

/** Every tensor of every shard, as text. */
function entries(cache: string): Map<string, string> {
  const all = new Map<string, string>();
  for (const f of readdirSync(shop.at(cache), { recursive: true, withFileTypes: true })) {
    if (!f.name.endsWith(".safetensors")) continue;
    for (const [name, tensor] of readSafetensors(join(f.parentPath, f.name)).tensors) {
      const { buffer } = tensor.data();
      all.set(name, Buffer.from(buffer).toString("base64"));
      tensor.dispose();
    }
  }
  return all;
}

const done = (lines: readonly Line[]) => lines.find((l) => l.type === "done");
const warnings = (lines: readonly Line[]) => lines.filter((l) => l.type === "warning");

it("a killed encoding goes on where its last shard ended, and comes to the same bytes", async () => {
  const whole = await encode("whole");
  const expected = entries("whole");
  const total = whole.filter((l) => l.type === "preparing" && l.stage === "encode_pictures").length - 1;
  assert.ok(total > 50, `${total}`);
  let kills = 0;
  let made = 0;
  // at a count each, and some milliseconds later: in the middle of a picture, or of the writing of a shard
  for (const [count, delay] of [
    [4, 0],
    [24, 0],
    [17, 1],
    [3, 0],
    [16, 2],
    [18, 0],
  ] as const) {
    let seen = 0;
    const lines = await encode("killed", (line, child) => {
      if (line.type !== "preparing" || !line.stage.startsWith("encode_")) return;
      seen += 1;
      if (seen === count) setTimeout(() => child.kill("SIGKILL"), delay);
    });
    assert.deepEqual(warnings(lines), []);
    if (done(lines) === undefined) kills += 1;
    const shards = entries("killed").size;
    assert.ok(shards >= made, "nothing that was written is lost");
    made = shards;
  }
  assert.ok(kills >= 4, `${kills} of 6 were killed before their end`);
  const last = await encode("killed");
  assert.deepEqual(warnings(last), []);
  assert.deepEqual(entries("killed"), expected);
  assert.deepEqual(done(await encode("killed")), { type: "done", vae: 0, captions: 0 });
});

it("two processes at once make one cache", async () => {
  const both = await Promise.all([encode("shared"), encode("shared")]);
  for (const lines of both) assert.deepEqual([warnings(lines), done(lines)?.type], [[], "done"]);
  assert.deepEqual(entries("shared"), entries("whole"));
  assert.deepEqual(done(await encode("shared")), { type: "done", vae: 0, captions: 0 });
});
