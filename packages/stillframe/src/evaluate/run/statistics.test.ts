import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, beforeEach, describe, it } from "node:test";
import { type EvaluateEvent, type EvaluateOptionsInput, parseEvaluateOptions } from "@stillframe/schema";
import { Generator, randn, readSafetensorsHeader, writeSafetensors } from "@stillframe/torch";
import sharp from "sharp";
import { writeParquet } from "../../dataset-parquet/testing/write-parquet.js";
import { HubServer } from "../../hub/testing/hub-server.js";
import { noise, TestHome } from "../../hub/testing/test-home.js";
import { openWorkshop, runCli, type Workshop } from "../../testing/workshop.js";
import { readEvaluation } from "../evaluation.js";
import { type FormulaTensor, formulaWeights } from "../formula-weights.js";
import { readStatistics, writeStatistics } from "../npz.js";
import { gaussianOf } from "../statistics.js";
import { fixture } from "../testing/fixture.js";
import { meanColour } from "../testing/mean-colour.js";
import { runEvaluation } from "../testing/run-evaluation.js";
import type { EvaluateResult, Network } from "./index.js";
import { findNetworks } from "./networks.js";
import { openStatistics } from "./real-pictures.js";

let shop: Workshop;
before(async () => {
  shop = await openWorkshop({ pictures: 8 });
});
after(() => shop.close());

/** An FID Inception with weights by formula. */
function inceptionFile(): string {
  const path = shop.at("inception.safetensors");
  if (existsSync(path)) return path;
  const { tensors } = JSON.parse(readFileSync(fixture("fid/fid_inception_manifest.json"), "utf8")) as {
    tensors: FormulaTensor[];
  };
  const weights = formulaWeights(tensors, { seed: 1 });
  writeSafetensors(path, weights);
  for (const weight of weights.values()) weight.dispose();
  return path;
}

/** A folder of pictures with a gradient each. */
async function paint(name: string, { count, shift }: { count: number; shift: number }): Promise<string> {
  const folder = shop.at(name);
  mkdirSync(folder, { recursive: true });
  for (let i = 0; i < count; i++) {
    const data = Uint8Array.from({ length: 16 * 16 * 3 }, (_, p) => (p * (i + 2) + shift + i * 37) % 256);
    await sharp(data, { raw: { width: 16, height: 16, channels: 3 } })
      .png()
      .toFile(join(folder, `${i}.png`));
  }
  return folder;
}

describe("evaluate, with Inception", () => {
  it("gives FID from the command line, and writes statistics from which it gives the same again", async () => {
    const inception = `--inception=${inceptionFile()}`;
    const generated = [
      `--generated=base=${await paint("base", { count: 6, shift: 3 })}`,
      `--generated=lora=${await paint("lora", { count: 6, shift: 90 })}`,
    ];
    const start = (...flags: string[]) => runCli(["evaluate", ...generated, inception, "--resamples=3", ...flags]);
    const first = await start(`--real=${shop.stills}`, "--write_statistics", `--output_dir=${shop.at("a")}`);
    assert.deepEqual([first.code, first.err], [0, ""]);
    for (const row of ["FID ↓ inception-v3 2048 \\(tensorflow\\)", "FID ↓ inception-v3 2048 \\(clean\\)", "recall ↑"])
      assert.match(first.out, new RegExp(`^${row} +[\\d.]+ +[\\d.]+ `, "m"));
    assert.match(first.out, /FID∞ is not given: extrapolating over 1\/N needs at least 4098 generated pictures/);
    assert.deepEqual(readdirSync(shop.at("a", "statistics")).sort(), ["arms", "real.npz"]);
    assert.deepEqual(readdirSync(shop.at("a", "statistics", "arms")), ["base.npz", "lora.npz"]);
    const { mean, covariance } = readStatistics(shop.at("a", "statistics", "real.npz"));
    assert.deepEqual([mean.shape, covariance.shape], [[2048], [2048, 2048]]);

    const real = shop.at("a", "statistics", "real.npz");
    const second = await start(`--real=${real}`, `--output_dir=${shop.at("b")}`);
    assert.deepEqual([second.code, second.err], [0, ""]);
    assert.match(second.out, /^Statistics of real pictures \(.*real\.npz\); 6 in each arm\.$/m);
    assert.match(second.out, /^statistics of real pictures; 12 pictures in 2 arms: base, lora$/m);
    assert.match(second.out, /^! The real pictures were given as statistics/m);
    const fid = (folder: string) =>
      readEvaluation(shop.at(folder, "evaluation.json")).values.filter(
        (v) => v.metric === "fid" && v.network === "inception-v3 2048 (tensorflow)",
      );
    for (const [i, { arm, value }] of fid("a").entries()) {
      assert.equal(fid("b")[i]?.arm, arm);
      assert.ok(
        Math.abs((fid("b")[i]?.value as number) - value) < 1e-6 * value,
        `${fid("b")[i]?.value} is not ${value}`,
      );
    }
    assert.ok(readEvaluation(shop.at("b", "evaluation.json")).values.every((v) => v.metric === "fid"));
  });

  it("refuses statistics that are not there or of other features", () => {
    const path = shop.at("small.npz");
    writeStatistics(path, gaussianOf(randn([8, 6], { generator: new Generator(1) })));
    assert.throws(
      () => openStatistics(path),
      /expected statistics of the 2048 features of Inception for real but received "6 in .*small\.npz"/,
    );
    assert.throws(() => openStatistics(shop.at("none.npz")), /or an \.npz that exists, for real but received/);
    writeFileSync(shop.at("broken.npz"), "no archive");
    assert.throws(() => openStatistics(shop.at("broken.npz")), /broken\.npz: expected an \.npz archive/);
  });
});

describe("evaluate, with real pictures in parquet files", () => {
  it("measures them as it measures the same pictures in a folder", async () => {
    const folder = shop.at("parquet", "data");
    mkdirSync(folder, { recursive: true });
    const names = readdirSync(shop.stills).filter((name) => name.endsWith(".png"));
    const rowAt = (row: number) => ({
      bytes: readFileSync(join(shop.stills, names[row] as string)),
      path: names[row] as string,
      text: `caption ${row}`,
    });
    writeParquet(join(folder, "train-00000-of-00001.parquet"), names.length, { rowAt, rowsPerPage: 3 });
    const options = (name: string, real: string): EvaluateOptionsInput => ({
      real,
      generated: [`base=${shop.at("parquet-base")}`],
      resamples: 4,
      output_dir: shop.at(name),
    });
    await paint("parquet-base", { count: 8, shift: 3 });
    const plain = await runEvaluation(options("from-folder", shop.stills));
    const { result } = await runEvaluation(options("from-parquet", shop.at("parquet")));
    const { evaluation } = result as EvaluateResult;
    assert.equal(evaluation.real.pictures, 8);
    assert.equal(evaluation.real.sha256, plain.result?.evaluation.real.sha256);
    assert.deepEqual(evaluation.values, plain.result?.evaluation.values);
    assert.equal(readdirSync(shop.at("from-parquet", "unpacked", "real")).length, 8);
  });
});

describe("evaluate, where N allows to extrapolate", () => {
  it("shows FID∞ in the table and on the page", async () => {
    // Of 6 features, 14 pictures are enough.
    const inception = (): Network[] => [{ kind: "inception", extractor: meanColour() }];
    const generated = [
      `base=${await paint("n1", { count: 16, shift: 3 })}`,
      `lora=${await paint("n2", { count: 16, shift: 90 })}`,
    ];
    const options = { real: shop.stills, generated, resamples: 4, output_dir: shop.at("infinity") };
    const { result } = await runEvaluation(options, { extractors: inception() });
    const { values, caveats } = (result as EvaluateResult).evaluation;
    const [base, lora] = values.filter((v) => v.metric === "fid_infinity");
    assert.match(
      readFileSync(shop.at("infinity", "evaluation.txt"), "utf8"),
      new RegExp(`^FID∞ ↓ +${base?.value.toFixed(2)} +${lora?.value.toFixed(2)} +-$`, "m"),
    );
    assert.match(
      readFileSync(shop.at("infinity", "evaluation.html"), "utf8"),
      new RegExp(`FID∞ ↓</abbr></th><td>${base?.value.toFixed(2)}</td>`),
    );
    assert.ok(caveats.every((c) => !c.startsWith("FID∞")));
    const few = await runEvaluation(
      { ...options, generated: [`base=${await paint("n3", { count: 8, shift: 3 })}`], output_dir: shop.at("few") },
      { extractors: inception() },
    );
    assert.match(few.result?.evaluation.caveats.join("\n") ?? "", /FID∞ is not given: .* at least 14 .* there are 8\./);
  });
});

describe("evaluate, with Inception from the Hub", () => {
  const names = ["HF_ENDPOINT", "HF_HOME", "HF_TOKEN", "HF_HUB_OFFLINE"];
  const before = Object.fromEntries(names.map((name) => [name, process.env[name]]));
  const clear = () => {
    for (const name of names) delete process.env[name];
  };
  beforeEach(clear);
  after(() => {
    clear();
    for (const [name, value] of Object.entries(before)) if (value !== undefined) process.env[name] = value;
  });
  const use = (home: TestHome, hub: HubServer) => {
    process.env.HF_ENDPOINT = hub.endpoint;
    process.env.HF_HOME = join(home.folder, ".cache", "huggingface");
  };
  const find = async (inception: string) => {
    const options = parseEvaluateOptions({
      real: "r",
      generated: ["base=b"],
      inception,
      cache_dir: shop.at("hub-cache"),
    });
    const finding = findNetworks(options, { signal: undefined });
    const events: EvaluateEvent[] = [];
    for (;;) {
      const { value, done } = await finding.next();
      if (done) return { found: value.inception, events };
      events.push(value);
    }
  };

  it("takes safetensors before a .pth, with progress, and the cache without the Hub", async () => {
    await using hub = await HubServer.start();
    using home = new TestHome(hub);
    use(home, hub);
    const bytes = noise(3_000);
    hub.addRepo("org/inception", { "README.md": "x", "inception.safetensors": bytes, "inception.pth": "harmful" });
    const { found, events } = await find("org/inception");
    assert.deepEqual(readFileSync(found?.file as string), bytes);
    assert.equal(found?.sha256, createHash("sha256").update(bytes).digest("hex"));
    assert.ok(events.some((e) => e.type === "preparing" && e.stage === "download"));
    assert.ok(hub.requests.every(({ path }) => !path.includes("inception.pth")));
    process.env.HF_HUB_OFFLINE = "1";
    hub.requests.length = 0;
    assert.deepEqual((await find("org/inception")).found, found);
    assert.equal(hub.requests.length, 0);
  });

  it("converts a .pth with the reader that runs nothing", async () => {
    await using hub = await HubServer.start();
    using home = new TestHome(hub);
    use(home, hub);
    const pth = readFileSync(fixture("pickle/zip.pth"));
    hub.addRepo("org/pth", { "weights.pth": pth });
    const { found } = await find("org/pth");
    assert.equal(found?.sha256, createHash("sha256").update(pth).digest("hex"));
    assert.equal(found?.file, shop.at("hub-cache", "converted", `${found?.sha256}.safetensors`));
    assert.ok(readSafetensorsHeader(found?.file as string).tensors.size > 0);
    hub.addRepo("org/harmful", { "weights.pth": readFileSync(fixture("pickle/os-system.pth")) });
    await assert.rejects(find("org/harmful"), /weights\.pth: /);
  });

  it("says what it found where no single file is Inception's", async () => {
    await using hub = await HubServer.start();
    using home = new TestHome(hub);
    use(home, hub);
    hub.addRepo("org/several", { "a.safetensors": "a", "b.safetensors": "b" });
    await assert.rejects(
      find("org/several"),
      /expected one file of Inception weights in org\/several for inception but received \["a\.safetensors", ?"b\.safetensors"\]/,
    );
    hub.addRepo("org/none", { "config.json": "{}" });
    await assert.rejects(find("org/none"), /expected a \.safetensors or \.pth file in org\/none for inception/);
    await assert.rejects(find("org/missing"), /org\/missing/);
  });
});
