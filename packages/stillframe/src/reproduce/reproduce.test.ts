import assert from "node:assert/strict";
import { cpSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { type Manifest, type ReproduceOptions, reproduceOptions } from "@stillframe/schema";
import { engineInfo, noGrad, readSafetensors, scope, setThreads, writeSafetensors } from "@stillframe/torch";
import { writeCard } from "../card/write-card.js";
import { fakeTerminal } from "../cli/fake-terminal.test.support.js";
import { library } from "../cli/library.js";
import { main } from "../cli/main.js";
import { HubServer } from "../hub/testing/hub-server.js";
import { TestHome } from "../hub/testing/test-home.js";
import { circle, openWorkshop, type Workshop } from "../testing/workshop.js";
import { fileSha256 } from "../train/file-hash.js";
import { train } from "../train/index.js";
import { type ReproduceEvent, reproduce } from "./index.js";

const ADAPTER = "pytorch_lora_weights.safetensors";
let shop: Workshop;
/** The folder of the run that is made again. */
let first: string;

before(async () => {
  shop = await openWorkshop();
  for await (const _ of train(shop.run("first", { max_train_steps: 2 })));
  first = shop.at("first");
  mkdirSync(shop.at("others"));
  for (const i of [0, 1, 2]) {
    writeFileSync(shop.at("others", `${i}.png`), await circle(i));
    writeFileSync(shop.at("others", `${i}.txt`), "another circle");
  }
});
after(() => shop.close());

const given = (source: string, more: Partial<ReproduceOptions> = {}): ReproduceOptions =>
  reproduceOptions.parse({ source, ...more });

/** The events that are a reproduction's own, by type. */
async function eventsOf(options: ReproduceOptions, control: Parameters<typeof reproduce>[1] = {}) {
  const events: ReproduceEvent[] = [];
  for await (const event of reproduce(options, control)) events.push(event);
  const of = <T extends ReproduceEvent["type"]>(type: T) =>
    events.find((event): event is Extract<ReproduceEvent, { type: T }> => event.type === type);
  return { events, of };
}

/** A copy of the first run's folder with another manifest. */
function copyWith(name: string, change: (manifest: Manifest) => void): string {
  const folder = shop.at(name);
  cpSync(first, folder, { recursive: true });
  const path = join(folder, "manifest.json");
  const manifest = JSON.parse(readFileSync(path, "utf8")) as Manifest;
  change(manifest);
  writeFileSync(path, JSON.stringify(manifest));
  return folder;
}

test("a run is made again, byte for byte, on as many threads as before", async () => {
  const threads = engineInfo().threads;
  setThreads(threads === 1 ? 2 : 1);
  try {
    const { of } = await eventsOf(given(first, { output_dir: shop.at("again") }));
    const checked = of("inputs_checked");
    assert.ok(checked !== undefined && checked.checks.length >= 9);
    assert.deepEqual(
      checked.checks.filter(({ same }) => !same),
      [],
    );
    assert.deepEqual(
      of("reproduction_equal")?.results.map(({ path }) => path),
      [ADAPTER, "kohya_lora.safetensors"],
    );
    assert.equal(await fileSha256(shop.at("again", ADAPTER)), await fileSha256(join(first, ADAPTER)));
    assert.equal(engineInfo().threads, threads === 1 ? 2 : 1, "the caller's number of threads is given back");
  } finally {
    setThreads(threads);
  }
});

test("checking trains nothing and makes no folder", async () => {
  const { events, of } = await eventsOf(
    given(join(first, "manifest.json"), { check_only: true, output_dir: shop.at("no") }),
  );
  assert.ok(of("inputs_checked") !== undefined);
  assert.ok(!events.some(({ type }) => type === "run_started" || type.startsWith("reproduction")));
  assert.throws(() => readFileSync(shop.at("no", "run.yaml")), /ENOENT/);
});

test("other data and another base stop it, and are named", async () => {
  const { of: ofData } = await eventsOf(given(first, { train_data_dir: shop.at("others"), output_dir: shop.at("no") }));
  assert.deepEqual(
    ofData("inputs_differ")?.checks.map(({ what }) => what),
    ["pictures and captions", "pictures to train on"],
  );
  const other = copyWith("other-base", ({ model }) => {
    model.weights[0]!.sha256 = "0".repeat(64);
    model.weights[1]!.path = "nowhere/model.safetensors";
  });
  const { of } = await eventsOf(given(other, { output_dir: shop.at("no") }));
  const found = of("inputs_differ")?.checks.map(({ what, found }) => [
    what.split(":")[0],
    found.length === 64 ? "hash" : found,
  ]);
  assert.deepEqual(found, [
    ["base model", "hash"],
    ["base model", "missing"],
  ]);
});

test("told to, it trains anyway, and the verdict names what was not the same", async () => {
  const source = copyWith("other-hash", ({ data, engine }) => {
    data.content_sha256 = "0".repeat(64);
    engine.version = "9.9";
  });
  const { of } = await eventsOf(given(source, { allow_changes: true, output_dir: shop.at("anyway") }));
  // The hash was the lie: the bytes are the same all the same.
  assert.deepEqual(
    of("reproduction_equal")?.changed.map(({ what }) => what),
    ["libtorch", "pictures and captions"],
  );
});

test("other bytes come with the size of the difference", async () => {
  const folder = shop.at("nudged");
  cpSync(first, folder, { recursive: true });
  const path = join(folder, ADAPTER);
  noGrad(() =>
    scope(() => {
      const { tensors, metadata } = readSafetensors(path);
      const [name = ""] = tensors.keys();
      const nudged = new Map(tensors).set(name, tensors.get(name)!.add(0.5));
      writeSafetensors(`${path}.new`, nudged, { metadata });
    }),
  );
  renameSync(`${path}.new`, path);
  const manifest = JSON.parse(readFileSync(join(folder, "manifest.json"), "utf8")) as Manifest;
  manifest.results[0]!.sha256 = await fileSha256(path);
  writeFileSync(join(folder, "manifest.json"), JSON.stringify(manifest));
  const { of } = await eventsOf(given(folder, { output_dir: shop.at("nudged-again") }));
  const verdict = of("reproduction_differs");
  assert.deepEqual(
    verdict?.results.map(({ same }) => same),
    [false, true],
  );
  assert.equal(verdict?.difference?.changed, 1);
  assert.ok(Math.abs((verdict?.difference?.largest ?? 0) - 0.5) < 1e-6);
  assert.ok((verdict?.difference?.relative ?? 0) > 0);
});

test("a published card is enough, with the places that only this machine knows", async () => {
  writeCard(first, { env: {} });
  await using hub = await HubServer.start();
  hub.addRepo("me/style", {
    "README.md": readFileSync(join(first, "README.md")),
    [ADAPTER]: readFileSync(join(first, ADAPTER)),
  });
  using home = new TestHome(hub);
  const control = { hub: { env: home.env } };
  const { pretrained_model_name_or_path, train_data_dir } = shop.run("x");
  await assert.rejects(
    eventsOf(given("me/style", { check_only: true }), control),
    /expected to find what .*README\.md was made of on this machine: give pretrained_model_name_or_path \(there: .*\) and train_data_dir \(there: .*\)/,
  );
  const places = {
    pretrained_model_name_or_path,
    train_data_dir: train_data_dir as string,
    cache_dir: shop.at("cache"),
  };
  const { of } = await eventsOf(given("me/style", { ...places, output_dir: shop.at("from-card") }), control);
  assert.equal(of("reproduction_equal")?.changed.length, 0);
});

test("a card beside another run's manifest keeps its own", async () => {
  const folder = shop.at("mixed");
  mkdirSync(folder);
  writeCard(first, { env: {} });
  cpSync(join(first, "README.md"), join(folder, "README.md"));
  cpSync(join(first, "manifest.json"), join(folder, "manifest.json"));
  const checks = async () =>
    (await eventsOf(given(join(folder, "README.md"), { check_only: true })))
      .of("inputs_checked")
      ?.checks.every(({ same }) => same);
  assert.equal(await checks(), true, "the file beside it is the same run's, and knows the places");
  const manifest = JSON.parse(readFileSync(join(folder, "manifest.json"), "utf8")) as Manifest;
  writeFileSync(join(folder, "manifest.json"), JSON.stringify({ ...manifest, results: [] }));
  await assert.rejects(checks(), /README\.md was made of on this machine/);
  rmSync(join(folder, "manifest.json"));
  writeFileSync(join(folder, "README.md"), "# A card by hand\n");
  await assert.rejects(
    checks(),
    /README\.md: expected the manifest in the card's part Provenance, or manifest\.json beside the card/,
  );
});

test("an option of another version stops it", async () => {
  const source = copyWith("newer", ({ options }) => {
    options.sharpness = 3;
  });
  const { of } = await eventsOf(given(source, { check_only: true }));
  assert.deepEqual(of("inputs_differ")?.checks, [
    { what: "option sharpness", expected: "3", found: "not known to this version", same: false, decisive: true },
  ]);
});

test("what has no manifest, or no results, is refused", async () => {
  await assert.rejects(
    eventsOf(given("no such thing")),
    /expected a run's folder, its manifest\.json, a model card or organisation\/name on the Hub for source but received "no such thing"/,
  );
  const source = copyWith("unfinished", (manifest) => {
    manifest.results = [];
  });
  await assert.rejects(eventsOf(given(source)), /expected a finished run, whose results can be compared for source/);
});

test("the command tells the checks and the verdict, and ends in 0 or 1", async () => {
  const run = async (...argv: string[]) => {
    const terminal = fakeTerminal({ columns: 200 });
    const code = await main(["reproduce", ...argv], { terminal, library });
    return { code, out: terminal.written(), err: terminal.errors() };
  };
  const checked = await run(first, "--check_only");
  assert.equal(checked.code, 0, checked.err);
  assert.match(
    checked.out,
    /\n(\d+) checks of \1 passed: data, base model and engine against the manifest\.\nThe same training can be run here\.\n$/,
  );
  const differs = await run(first, `--train_data_dir=${shop.at("others")}`);
  assert.equal(differs.code, 1);
  assert.match(differs.out, /\ndiffers: pictures and captions: [0-9a-f]{12} then, [0-9a-f]{12} now\n/);
  assert.match(
    differs.out,
    /Not the same training: pictures and captions, pictures to train on\. Nothing was trained; --allow_changes trains anyway\.\n$/,
  );
  const equal = await run(first, `--output_dir=${shop.at("by-command")}`);
  assert.equal(equal.code, 0, equal.err);
  assert.match(
    equal.out,
    /\nReproduced: pytorch_lora_weights\.safetensors and kohya_lora\.safetensors, byte for byte\.\n$/,
  );
  const other = await run(shop.at("nudged"), `--output_dir=${shop.at("by-command-2")}`);
  assert.equal(other.code, 1);
  assert.match(
    other.out,
    /\nNot the same bytes: pytorch_lora_weights\.safetensors \([0-9a-f]{12} then, [0-9a-f]{12} now\)\n {2}1 of \d+ tensors differ, by .* \(at most 0\.50\)\n {2}All that the manifest names was the same;/,
  );
});
