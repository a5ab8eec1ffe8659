import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { clipTextConfig, unetConfig, vaeConfig } from "@stillframe/diffusion";
import { parseTrainOptions, type TrainOptionsInput } from "@stillframe/schema";
import { Generator, liveTensors, OutOfMemoryError, randn, type Tensor, writeSafetensors } from "@stillframe/torch";
import { makeRandomModel } from "../make-model/index.js";
import { SDXL_BASE_CONFIGS } from "../parity/families/sdxl-base-configs.js";
import {
  explainOutOfMemory,
  type MachineSpeed,
  preflight,
  preflightWarning,
  readModelConfigs,
  storedBytes,
} from "./index.js";
import { availableMemory, availableOnGpu, availableOnLinux } from "./machine-memory.js";
import { measureMachine } from "./machine-speed.js";
import { countParameters, type ModelConfigs, trainedLayers } from "./model-configs.js";
import type { StepMeasured, StepMeasurement } from "./testing/measure-step.js";
import { totalOf, unetCost } from "./unet-cost.js";

const sdxl: ModelConfigs = {
  unet: unetConfig(SDXL_BASE_CONFIGS.unet),
  vae: vaeConfig({ ...SDXL_BASE_CONFIGS.vae, sample_size: 1024 }),
  textEncoders: [clipTextConfig(SDXL_BASE_CONFIGS.text_encoder), clipTextConfig(SDXL_BASE_CONFIGS.text_encoder_2)],
};
const speed: MachineSpeed = { convolution: 150e9, matrix: 180e9, stream: 20e9, overhead: 2e-6 };
const options = (more: Partial<TrainOptionsInput> = {}) =>
  parseTrainOptions({
    pretrained_model_name_or_path: "base",
    train_data_dir: "data",
    train_batch_size: 1,
    rank: 16,
    device: "cpu",
    ...more,
  });
const context = { pictures: 1790, captions: 1790, steps: 2240, speed, availableBytes: 24e9 };
const check = (more: Partial<TrainOptionsInput> = {}, other: Partial<typeof context> = {}) =>
  preflight(options(more), sdxl, { ...context, ...other });

const root = mkdtempSync(join(tmpdir(), "preflight-"));
after(() => rmSync(root, { recursive: true, force: true }));

describe("unetCost", () => {
  const cost = (side: number, more = {}) =>
    unetCost(sdxl.unet, {
      batch: 1,
      height: side,
      width: side,
      tokens: 77,
      fusedAttention: true,
      ownKernels: false,
      trained: trainedLayers(sdxl, options()),
      ...more,
    });

  it("is the published 5.98 TFLOP for SDXL at 1024², which leaves attention's own products out, and 0.78 for those", () => {
    const { convolution, matrix, attention } = cost(128).operations;
    assert.ok(Math.abs((convolution + matrix) / 5.98e12 - 1) < 0.002, `${convolution + matrix}`);
    // 4·c·t·(t + 77) for 10 layers at 640 channels on 4096 places and 60 at 1280 on 1024
    const byHand = 4 * (10 * 640 * 4096 * (4096 + 77) + 60 * 1280 * 1024 * (1024 + 77));
    assert.equal(attention, byHand);
  });

  it("grows with the batch in proportion, with the side by its square but for attention", () => {
    const one = cost(32);
    const four = cost(32, { batch: 4 });
    assert.equal(totalOf(four.operations), 4 * totalOf(one.operations));
    assert.equal(
      four.parts.reduce((n, p) => n + p.saved, 0),
      4 * one.parts.reduce((n, p) => n + p.saved, 0),
    );
    assert.equal(cost(64).operations.convolution, 4 * one.operations.convolution);
    assert.ok(cost(64).operations.attention > 8 * one.operations.attention);
  });

  it("knows that nothing is kept before the first adapted layer", () => {
    const { firstTrained, parts } = cost(32);
    // into the network; two residual blocks and a downsampling; one more residual block
    assert.equal(firstTrained, 5);
    assert.equal(cost(32, { trained: "all" }).firstTrained, 0);
    const adapted = (more: Partial<TrainOptionsInput>) =>
      cost(32, { trained: trainedLayers(sdxl, options(more)) }).firstTrained;
    assert.equal(adapted({ target_modules: ["conv_in", "conv2"] }), 0);
    assert.equal(adapted({ target_modules: ["conv2"] }), 1);
    assert.equal(adapted({ target_modules: ["downsamplers.0.conv"] }), 3);
    assert.equal(adapted({ train_text_encoder: true }), 1, "by the pooled state, which every residual block is told");
    assert.equal(parts.length, 1 + 3 + 5 + 4 + 3 + 7 + 7 + 3 + 1);
  });
});

describe("countParameters", () => {
  it("has the numbers of SDXL base 1.0 and of the reference script's adapters", () => {
    const before = liveTensors();
    const counts = countParameters(sdxl, options());
    assert.deepEqual(counts, {
      unet: 2_567_463_684,
      vae: 83_653_863,
      textEncoders: 123_060_480 + 694_659_840,
      trained: 23_224_320,
    });
    assert.equal(countParameters(sdxl, options({ train_text_encoder: true })).trained, 29_646_848);
    assert.equal(countParameters(sdxl, options({ rank: 4 })).trained, 23_224_320 / 4);
    // of [320, 4, 3, 3] and [4, 320, 3, 3], as matrices
    const ends = countParameters(sdxl, options({ rank: 2, target_modules: ["conv_in", "conv_out"] }));
    assert.equal(ends.trained, 2 * (320 + 36 + 4 + 2880));
    assert.equal(countParameters(sdxl, options({ method: "full", rank: 4 })).trained, 2_567_463_684);
    assert.equal(liveTensors(), before);
  });

  it("reads them from a model's folder", () => {
    makeRandomModel(join(root, "model"), { seed: 1, size: "tiny" });
    const configs = readModelConfigs(join(root, "model"));
    assert.deepEqual(readModelConfigs(join(root, "model"), join(root, "model")), configs);
    assert.deepEqual(readModelConfigs(join(root, "model"), join(root, "model", "vae")), configs);
    assert.ok(countParameters(configs, options()).unet > 1e5);
    assert.throws(() => readModelConfigs(join(root, "none")), {
      name: "FileFormatError",
      message: /there is no such file/,
    });
  });
});

describe("preflight", () => {
  it("for SDXL in fp32 is mostly weights at 256², and grows by activations", async () => {
    const [small, middle, large] = await Promise.all([256, 512, 1024].map((resolution) => check({ resolution })));
    assert.ok(small && middle && large);
    assert.ok(small.memoryBytes > 11.5e9 && small.memoryBytes < 14e9, `${small.memoryBytes}`);
    assert.ok(middle.memoryBytes > 14e9 && middle.memoryBytes < 21e9, `${middle.memoryBytes}`);
    assert.ok(large.memoryBytes > 24e9 && !large.fits);
    for (const p of [small, middle, large])
      assert.ok(Math.abs(p.parts.reduce((n, part) => n + part.bytes, 0) - p.memoryBytes) < 1);
    assert.deepEqual([small.fits, small.worst], [true, "step"]);
    assert.ok(small.stepSeconds < middle.stepSeconds && middle.stepSeconds < large.stepSeconds);
    assert.equal(small.totalSeconds, 2240 * small.stepSeconds + small.encodeSeconds);
  });

  it("names each knob that helps, with its effect, and none that is turned already", async () => {
    const { advice, fits, memoryBytes } = await check({
      resolution: 1024,
      train_batch_size: 4,
      gradient_accumulation_steps: 2,
    });
    assert.equal(fits, false);
    const flags = advice.map((a) => a.split(":")[0]);
    assert.deepEqual(flags.slice(0, 2), [
      "--gradient_checkpointing",
      "--train_batch_size=1 --gradient_accumulation_steps=8",
    ]);
    assert.ok(
      flags.includes("--mixed_precision=bf16") &&
        flags.includes("--resolution=768") &&
        flags.includes("--resolution=512"),
    );
    assert.ok(!flags.includes("--vae_tiling"), "the VAE is not what is in the way");
    const now = Math.round(memoryBytes / 1e9);
    assert.match(
      advice[0] as string,
      new RegExp(`^--gradient_checkpointing: [\\d.]+ GB instead of ${now} GB, a step takes 1\\.[3-7] × as long$`),
    );
    const turned = await check(
      { resolution: 512, gradient_checkpointing: true, use_8bit_adam: true, mixed_precision: "bf16" },
      { availableBytes: 1e9 },
    );
    for (const a of turned.advice)
      assert.doesNotMatch(a, /^--(gradient_checkpointing|use_8bit_adam|mixed_precision|train_batch_size)/);
  });

  it("says what is enough together when no single change is, and when nothing is", async () => {
    const together = async (availableBytes: number) =>
      (await check({ resolution: 1024, train_batch_size: 4 }, { availableBytes })).advice.at(-1) as string;
    assert.match(
      await together(12.5e9),
      /^together --gradient_checkpointing --train_batch_size=1 --gradient_accumulation_steps=4 .*: [\d.]+ GB$/,
    );
    assert.match(await together(3e9), /^even together .* need [\d.]+ GB: this takes another machine/);
  });

  it("halves the weights in bf16, and counts what is trained by its kind", async () => {
    const part = async (name: string, more: Partial<TrainOptionsInput>) =>
      (await check({ resolution: 256, ...more })).parts.find((p) => p.name === name)?.bytes as number;
    assert.equal(await part("the UNet's weights", {}), 4 * 2_567_463_684);
    assert.equal(await part("the UNet's weights", { mixed_precision: "bf16" }), 2 * 2_567_463_684);
    assert.equal(
      await part("the UNet's weights", { mixed_precision: "fp16" }),
      2 * 2_567_463_684,
      "rounded, and widened for each use where there is no fp16",
    );
    assert.equal(await part("the optimizer's state", {}), 8 * 23_224_320);
    assert.ok((await part("the optimizer's state", { use_8bit_adam: true })) < 2.2 * 23_224_320);
    assert.equal(await part("trained values and gradients", { use_ema: true }), 12 * 23_224_320);
    assert.equal(await part("the VAE's weights", { cache_latents: false }), 4 * 83_653_863);
  });

  it("sees the VAE where it is the largest, and names its knob", async () => {
    const bf16 = { mixed_precision: "bf16", gradient_checkpointing: true, resolution: 1024 } as const;
    const p = await check({ ...bf16, validation_prompt: "a cat" }, { availableBytes: 10e9 });
    assert.equal(p.worst, "validation");
    assert.ok(
      p.advice.some((a) => a.startsWith("--vae_tiling: ")),
      p.advice.join("\n"),
    );
  });

  it("warns of what does not fit with the largest parts, and of nothing else", async () => {
    const p = await check({ resolution: 1024 });
    assert.match(
      preflightWarning(p) as string,
      /^this run needs about [\d.]+ GB of memory \(activations [\d.]+ GB, the UNet's weights 10\.3 GB, .*\) and 24\.0 GB are free\n {2}--gradient_checkpointing: /,
    );
    assert.equal(preflightWarning(await check({ resolution: 256 })), null);
    assert.equal(preflightWarning({ ...p, availableBytes: null, fits: true }), null);
  });

  it("counts weights as they are kept: half of float32 where the file's numbers survive it", async () => {
    const of = async (more: Partial<TrainOptionsInput>, stored?: 2 | 4) =>
      (
        await preflight(options({ resolution: 256, ...more }), sdxl, {
          ...context,
          ...(stored === undefined ? {} : { stored: { unet: stored, textEncoders: stored } }),
        })
      ).parts.find((p) => p.name === "the UNet's weights")?.bytes;
    const numbers = countParameters(sdxl, options()).unet;
    assert.deepEqual(
      [
        await of({}),
        await of({}, 4),
        await of({}, 2),
        await of({ mixed_precision: "fp16" }),
        await of({ method: "full" }, 2),
      ],
      [4, 4, 2, 2, 4].map((bytes) => bytes * numbers),
    );
  });

  it("tries the numbers of a file, and takes half-precision files as they are", () => {
    const folder = (name: string) => {
      mkdirSync(join(root, name), { recursive: true });
      return join(root, name);
    };
    const weight = randn([300, 300], { generator: new Generator(1) });
    const write = (name: string, tensors: [string, Tensor][]) => {
      writeSafetensors(join(folder(name), "model.safetensors"), tensors);
      return storedBytes(join(root, name), { stem: "model" });
    };
    const half = weight.to("float16");
    assert.equal(
      write("wide", [
        ["w", weight],
        ["b", randn([5000])],
      ]),
      4,
    );
    assert.equal(
      write("survives", [
        ["w", half.to("float32")],
        ["b", randn([5000])],
      ]),
      2,
    );
    assert.equal(write("narrow", [["w", half]]), 2);
    assert.equal(
      write("mixed", [
        ["w", half.to("float32")],
        ["v", randn([900, 900])],
      ]),
      4,
    );
  });

  it("measures the machine and asks the system when it is not told", async () => {
    const configs = readModelConfigs(join(root, "model"));
    const p = await preflight(options({ resolution: 64 }), configs, { pictures: 6, captions: 6, steps: 4 });
    assert.ok(p.fits && p.memoryBytes < 2e9 && p.stepSeconds > 0 && p.stepSeconds < 30);
    assert.deepEqual(p.availableBytes === null, (await availableMemory("cpu")) === null);
    const own = measureMachine({ device: "cpu", dtype: "float32" });
    assert.ok(
      own.matrix > 1e9 && own.convolution > 1e9 && own.stream > 1e8 && own.overhead > 1e-8 && own.overhead < 1e-3,
    );
  });
});

describe("the estimate beside real steps", () => {
  const measured = (more: Partial<StepMeasurement>): StepMeasured => {
    const measurement: StepMeasurement = {
      channels: [96, 192],
      heads: [3, 6],
      transformers: [1, 2],
      layers: 2,
      context: 256,
      batch: 1,
      side: 16,
      checkpointing: false,
      precision: "no",
      targets: null,
      ...more,
    };
    const script = fileURLToPath(new URL("./testing/measure-step.js", import.meta.url));
    const env = { ...process.env, STILLFRAME_THREADS: "1", OMP_NUM_THREADS: "1" };
    return JSON.parse(
      execFileSync(process.execPath, [script, JSON.stringify(measurement)], { env, encoding: "utf8" }),
    ) as StepMeasured;
  };

  for (const [name, more] of [
    ["a small model", {}],
    ["a small model, batch 8", { batch: 8 }],
    ["adapters on convolutions", { batch: 4, targets: ["to_q", "conv1", "conv2", "conv_shortcut", "conv"] }],
    [
      "SDXL's proportions, checkpointing",
      { channels: [64, 128, 256], heads: [1, 2, 4], transformers: [0, 2, 4], side: 32, batch: 2, checkpointing: true },
    ],
  ] as const)
    it(`${name}: memory within 0.6 to 2 times, time within 0.3 to 3 times`, () => {
      const m = measured(more as Partial<StepMeasurement>);
      const [memory, time] = [m.estimatedBytes / m.bytes, m.estimatedSeconds / m.seconds];
      assert.ok(memory > 0.6 && memory < 2, `memory × ${memory}: ${JSON.stringify(m)}`);
      // the machine may do other things between the two measurements
      assert.ok(time > 0.3 && time < 3, `time × ${time}: ${JSON.stringify(m)}`);
    });
});

describe("available memory", () => {
  const place = (name: string, files: Record<string, string>): string => {
    const folder = join(root, name);
    for (const [path, content] of Object.entries(files)) {
      mkdirSync(join(folder, path, ".."), { recursive: true });
      writeFileSync(join(folder, path), content);
    }
    return folder;
  };
  const meminfo = "MemTotal:       64000000 kB\nMemFree:  1000 kB\nMemAvailable:   20000000 kB\n";

  it("is the machine's where there is no tighter limit", () => {
    assert.equal(availableOnLinux(place("plain", { "proc/meminfo": meminfo })), 20_000_000 * 1024);
    const unlimited = {
      "proc/self/cgroup": "0::/\n",
      "sys/fs/cgroup/memory.max": "max\n",
      "sys/fs/cgroup/memory.current": "5",
    };
    assert.equal(availableOnLinux(place("unlimited", { "proc/meminfo": meminfo, ...unlimited })), 20_000_000 * 1024);
    assert.equal(availableOnLinux(place("nothing", { "some/file": "" })), null);
  });

  it("is what the tightest control group leaves, idle page cache given back", () => {
    const group = {
      "proc/meminfo": meminfo,
      "proc/self/cgroup": "0::/box/inner\n",
      "sys/fs/cgroup/box/memory.max": "8000000000",
      "sys/fs/cgroup/box/memory.current": "3000000000",
      "sys/fs/cgroup/box/memory.stat": "anon 1000000000\ninactive_file 1500000000\n",
      "sys/fs/cgroup/box/inner/memory.max": "max",
    };
    assert.equal(availableOnLinux(place("group2", group)), 8e9 - 1.5e9);
    const old = {
      "proc/meminfo": meminfo,
      "proc/self/cgroup": "11:cpu,cpuacct:/x\n7:memory:/x\n",
      "sys/fs/cgroup/memory/x/memory.limit_in_bytes": "4000000000",
      "sys/fs/cgroup/memory/x/memory.usage_in_bytes": "1000000000",
      "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712",
    };
    assert.equal(availableOnLinux(place("group1", old)), 3e9);
  });

  it("asks a GPU's driver, and claims nothing where there is none", async () => {
    const tool = join(root, "smi");
    writeFileSync(tool, '#!/bin/sh\ncase "$*" in *--id=GPU-7*) echo 2048;; *) echo 1024;; esac\n');
    chmodSync(tool, 0o755);
    delete process.env.CUDA_VISIBLE_DEVICES;
    assert.equal(await availableOnGpu("cuda", tool), 2 ** 30);
    process.env.CUDA_VISIBLE_DEVICES = "GPU-3,GPU-7";
    assert.equal(await availableOnGpu("cuda:1", tool), 2 ** 31);
    delete process.env.CUDA_VISIBLE_DEVICES;
    assert.equal(await availableOnGpu("cuda", join(root, "no-such-tool")), null);
  });
});

describe("explainOutOfMemory", () => {
  const error = new OutOfMemoryError("aten::conv2d: can't allocate memory", "aten::conv2d");
  it("names the knobs, with the preflight's numbers where there are some", () => {
    assert.equal(
      explainOutOfMemory(error, options({ train_batch_size: 4 })),
      "there is not enough memory; what needs less:\n  --gradient_checkpointing\n  --train_batch_size=2 with twice the --gradient_accumulation_steps\n  --mixed_precision=bf16\n  --use_8bit_adam\n  a --resolution below 1024",
    );
    assert.equal(
      explainOutOfMemory(error, options(), { advice: ["--x: 1 GB"] }),
      "there is not enough memory; what needs less:\n  --x: 1 GB",
    );
    assert.match(explainOutOfMemory(new Error("step 3", { cause: error }), options()) as string, /not enough memory/);
  });

  it("leaves other errors alone", () => {
    assert.equal(explainOutOfMemory(new Error("no"), options()), null);
    assert.equal(explainOutOfMemory("no", options()), null);
  });
});
