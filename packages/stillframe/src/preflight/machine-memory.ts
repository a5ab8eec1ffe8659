import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { freemem } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const read = (path: string): string | null => {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return null; // another system, or another version of its control groups
  }
};

/** The value of `name` in lines such as `MemAvailable:  123 kB` or `inactive_file 123`. */
function field(text: string | null, name: string): number | null {
  const value = new RegExp(`^${name}:?\\s+(\\d+)`, "m").exec(text ?? "")?.[1];
  return value === undefined ? null : Number(value);
}

/** A limit of bytes as a file has it; null for `max`, and for a number that stands for none. */
function limitIn(path: string): number | null {
  const text = read(path)?.trim();
  const bytes = text === undefined || !/^\d+$/.test(text) ? null : Number(text);
  return bytes === null || bytes > 2 ** 60 ? null : bytes;
}

/** Paths of a control group and of those that it is in, from `/a/b` up to `/`. */
function upwards(path: string): string[] {
  const parts = path.split("/").filter((p) => p !== "" && p !== "..");
  return Array.from({ length: parts.length + 1 }, (_, i) => `/${parts.slice(0, parts.length - i).join("/")}`);
}

/** What a limit leaves: page cache that is not in use is given back before anything is refused. */
function headroom(folder: string, files: { limit: string; usage: string; stat: string; idle: string }): number | null {
  const limit = limitIn(join(folder, files.limit));
  if (limit === null) return null;
  const used = Number(read(join(folder, files.usage)) ?? 0);
  return Math.max(0, limit - Math.max(0, used - (field(read(join(folder, files.stat)), files.idle) ?? 0)));
}

const VERSION_2 = { limit: "memory.max", usage: "memory.current", stat: "memory.stat", idle: "inactive_file" };
const VERSION_1 = {
  limit: "memory.limit_in_bytes",
  usage: "memory.usage_in_bytes",
  stat: "memory.stat",
  idle: "total_inactive_file",
};

/**
 * Bytes that a process can still take on Linux: what the kernel calls available, or what the tightest control group
 * (a container's limit) leaves, whichever is less.
 *
 * @param root where the system's files are; `/` but for tests
 */
export function availableOnLinux(root = "/"): number | null {
  const machine = field(read(join(root, "proc/meminfo")), "MemAvailable");
  const groups = (read(join(root, "proc/self/cgroup")) ?? "").split("\n").flatMap((line) => {
    const [, controllers, path] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    if (path === undefined || controllers === undefined) return [];
    if (controllers === "") return upwards(path).map((p) => headroom(join(root, "sys/fs/cgroup", p), VERSION_2));
    if (!controllers.split(",").includes("memory")) return [];
    return upwards(path).map((p) => headroom(join(root, "sys/fs/cgroup/memory", p), VERSION_1));
  });
  const all = [machine === null ? null : machine * 1024, ...groups].filter((n) => n !== null);
  return all.length === 0 ? null : Math.min(...all);
}

/** The number, or the name, of a GPU among those that the process may see. */
function gpuId(device: string, visible: string | undefined): string {
  const index = Number(device.split(":")[1] ?? 0);
  const ids = (visible ?? "").split(",").filter((id) => id !== "");
  return ids[index]?.trim() ?? String(index);
}

/** Free bytes of an NVIDIA GPU, by the driver's own tool; null where that cannot be told. */
export async function availableOnGpu(device: string, tool = "nvidia-smi"): Promise<number | null> {
  const id = gpuId(device, process.env.CUDA_VISIBLE_DEVICES);
  const query = ["--query-gpu=memory.free", "--format=csv,noheader,nounits", `--id=${id}`];
  try {
    const { stdout } = await promisify(execFile)(tool, query, { timeout: 10_000 });
    const mebibytes = Number(stdout.trim());
    return stdout.trim() !== "" && Number.isFinite(mebibytes) ? mebibytes * 2 ** 20 : null;
  } catch {
    return null; // no such tool, or no such GPU: then nothing is claimed
  }
}

/** Bytes that are free for a run on `device`; null where that cannot be told. */
export async function availableMemory(device: string): Promise<number | null> {
  if (device.startsWith("cuda")) return availableOnGpu(device);
  if (process.platform === "linux") return availableOnLinux();
  // on macOS what is free says little: most of what is in use is given back on demand
  return process.platform === "darwin" ? null : freemem();
}
