import { execFile } from "node:child_process";
import { availableParallelism, cpus, totalmem } from "node:os";
import { promisify } from "node:util";
import type { Manifest } from "@stillframe/schema";

/** What a manifest says of the machine. */
export type Hardware = NonNullable<Manifest["hardware"]>;

const ASK_MS = 10_000;

/**
 * This machine, as far as it tells of itself.
 *
 * @param device where is computed: `cpu`, `mps`, `cuda` or `cuda:N`
 */
export async function hardwareOf(device: string): Promise<Hardware> {
  const processor = cpus()[0]?.model.trim() || "unknown";
  const accelerator = device === "mps" ? `${processor} GPU` : device.startsWith("cuda") ? await gpuName(device) : null;
  return { processor, cores: availableParallelism(), memory_bytes: totalmem(), accelerator };
}

/** The GPU's name by its driver; what is visible to this process counts, as in libtorch. */
async function gpuName(device: string): Promise<string> {
  const index = Number(device.split(":")[1] ?? 0);
  const visible = process.env.CUDA_VISIBLE_DEVICES?.split(",")[index]?.trim();
  try {
    const which = ["--query-gpu=name", "--format=csv,noheader", `--id=${visible || index}`];
    const { stdout } = await promisify(execFile)("nvidia-smi", which, { timeout: ASK_MS });
    return stdout.split("\n")[0]?.trim() || "NVIDIA GPU";
  } catch {
    // A container without the tool: the kind is known all the same.
    return "NVIDIA GPU";
  }
}
