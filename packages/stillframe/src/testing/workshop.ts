import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { TrainOptionsInput } from "@stillframe/schema";
import sharp from "sharp";
import { makeRandomModel } from "../make-model/index.js";

/** A temporary folder with a tiny model and captioned pictures, for tests of whole runs. */
export interface Workshop {
  folder: string;
  base: string;
  stills: string;
  at(...parts: string[]): string;
  /** options of a short run; `output_dir` is `at(name)` */
  run(name: string, options?: Partial<TrainOptionsInput>): TrainOptionsInput;
  close(): void;
}

const COLOURS = ["red", "green", "blue", "gold", "purple", "black"];

/** A picture of a circle: `size` pixels, wider than high for odd numbers. */
export async function circle(i: number, size = 48): Promise<Buffer> {
  const width = size + (i % 2) * 16;
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${size}"><rect width="${width}" height="${size}" fill="white"/><circle cx="${12 + i * 4}" cy="24" r="10" fill="${COLOURS[i % COLOURS.length]}"/></svg>`;
  return sharp(Buffer.from(svg)).png().toBuffer();
}

/** Opens a workshop with `pictures` pictures. */
export async function openWorkshop({ pictures = 6 }: { pictures?: number } = {}): Promise<Workshop> {
  const folder = mkdtempSync(join(tmpdir(), "stillframe-test-"));
  const at = (...parts: string[]) => join(folder, ...parts);
  makeRandomModel(at("base"), { seed: 1, size: "tiny" });
  mkdirSync(at("stills"));
  const lines: string[] = [];
  for (let i = 0; i < pictures; i++) {
    writeFileSync(at("stills", `${i}.png`), await circle(i));
    lines.push(JSON.stringify({ file_name: `${i}.png`, text: `a ${COLOURS[i % COLOURS.length]} circle` }));
  }
  writeFileSync(at("stills", "metadata.jsonl"), `${lines.join("\n")}\n`);
  return {
    folder,
    base: at("base"),
    stills: at("stills"),
    at,
    run: (name, options = {}) => ({
      pretrained_model_name_or_path: at("base"),
      train_data_dir: at("stills"),
      output_dir: at(name),
      cache_dir: at("cache"),
      resolution: 32,
      train_batch_size: 2,
      max_train_steps: 4,
      learning_rate: 1e-3,
      lr_warmup_steps: 0,
      seed: 7,
      report_to: "none",
      ...options,
    }),
    close: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** `--name=value` for each option. */
export function flagsOf(options: Record<string, unknown>): string[] {
  return Object.entries(options).map(
    ([name, value]) => `--${name}=${Array.isArray(value) ? value.join(",") : String(value)}`,
  );
}

/** What a process of the program did. */
export interface Finished {
  code: number | null;
  out: string;
  err: string;
}

/**
 * Runs `stillframe` in a process of its own, with one thread.
 *
 * @param killAfterMs SIGKILL after so long; never unless given
 */
export async function runCli(
  argv: readonly string[],
  { killAfterMs }: { killAfterMs?: number } = {},
): Promise<Finished> {
  const bin = fileURLToPath(new URL("../../bin/stillframe.mjs", import.meta.url));
  const child = spawn(process.execPath, [bin, ...argv], {
    env: { ...process.env, STILLFRAME_THREADS: "1", OMP_NUM_THREADS: "1" },
  });
  const text = { out: "", err: "" };
  child.stdout.on("data", (d) => (text.out += String(d)));
  child.stderr.on("data", (d) => (text.err += String(d)));
  const timer = killAfterMs === undefined ? undefined : setTimeout(() => child.kill("SIGKILL"), killAfterMs);
  const code = await new Promise<number | null>((resolve) => child.on("close", resolve));
  clearTimeout(timer);
  return { code, ...text };
}
