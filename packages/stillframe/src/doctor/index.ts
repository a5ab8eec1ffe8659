import { existsSync, readFileSync, statfsSync } from "node:fs";
import { availableParallelism, cpus, freemem, release, totalmem, type } from "node:os";
import { fileURLToPath } from "node:url";
import { EngineUnavailableError } from "@stillframe/torch/errors";
import { version } from "../version.js";

/** Something that `doctor` looked at. */
export interface Fact {
  name: string;
  value: string;
}
/** Something that is wrong, and what to do about it. */
export interface Problem {
  problem: string;
  remedy: string;
  /** whether nothing works until it is done */
  fatal: boolean;
}
export interface Diagnosis {
  facts: Fact[];
  problems: Problem[];
}

const GIB = 2 ** 30;
const gib = (bytes: number): string => `${(bytes / GIB).toFixed(1)} GiB`;
/** Below this a matrix product of one core is not what an optimized BLAS does. */
const SLOW_GFLOPS_PER_CORE = 10;
const LITTLE_MEMORY = 4 * GIB;
const LITTLE_DISK = 2 * GIB;

function machine(): { facts: Fact[]; problems: Problem[] } {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  const oldNode = major < 20 || (major === 20 && minor < 19);
  const disk = statfsSync(process.cwd());
  const free = disk.bavail * disk.bsize;
  const problems: Problem[] = [];
  if (oldNode)
    problems.push({
      problem: `Node.js ${process.versions.node} is too old`,
      remedy: "install Node.js 20.19 or later",
      fatal: true,
    });
  if (freemem() < LITTLE_MEMORY)
    problems.push({
      problem: `only ${gib(freemem())} of memory are free`,
      remedy: "close other programs; full-size SDXL needs about 12 GiB at least",
      fatal: false,
    });
  if (free < LITTLE_DISK)
    problems.push({
      problem: `only ${gib(free)} are free on this disk`,
      remedy: "free some space: checkpoints and caches go there",
      fatal: false,
    });
  return {
    facts: [
      { name: "Stillframe", value: version },
      { name: "system", value: `${osName()} (${type()} ${release()}, ${process.arch})` },
      { name: "Node.js", value: process.versions.node },
      { name: "processor", value: `${cpus()[0]?.model.trim() ?? "unknown"}, ${availableParallelism()} cores` },
      { name: "memory", value: `${gib(freemem())} free of ${gib(totalmem())}` },
      { name: "disk", value: `${gib(free)} free here` },
    ],
    problems,
  };
}

function osName(): string {
  const file = "/etc/os-release";
  if (!existsSync(file)) return process.platform;
  return /^PRETTY_NAME="?(.+?)"?$/m.exec(readFileSync(file, "utf8"))?.[1] ?? process.platform;
}

/** What the build of the addon noted of the libtorch that it was built on. */
function builtOn(): { version: string; source: string; lib: string; cuda: boolean } | null {
  const record = fileURLToPath(new URL("../build/build.json", import.meta.resolve("@stillframe/torch/errors")));
  if (!existsSync(record)) return null;
  return (
    JSON.parse(readFileSync(record, "utf8")) as {
      torch: { version: string; source: string; lib: string; cuda: boolean };
    }
  ).torch;
}

const BLAS = /(libopenblas[\w.-]*|libmkl[\w.-]*|libblas[\w.-]*|libblis[\w.-]*|Accelerate)/;

/** The BLAS that is really loaded: Debian lets any be put in the place of the reference one. */
function loadedBlas(): string {
  if (!existsSync("/proc/self/maps")) return "unknown";
  const paths = new Set(
    [...readFileSync("/proc/self/maps", "utf8").matchAll(/\s(\/\S+)$/gm)]
      .map((m) => m[1] as string)
      .filter((p) => BLAS.test(p)),
  );
  const [path] = [...paths];
  return path ?? "inside libtorch";
}

/** Speed of float32 matrix products, in 10^9 operations a second: the best of a few, since others may be working too. */
async function matrixSpeed(): Promise<number> {
  const { noGrad, randn, scope } = await import("@stillframe/torch");
  const n = 768;
  let best = 0;
  noGrad(() =>
    scope(() => {
      const [a, b] = [randn([n, n]), randn([n, n])];
      for (let i = 0; i < 8; i++) {
        const start = performance.now();
        scope(() => a.mm(b).select(0, 0).select(0, 0).item());
        best = Math.max(best, (2 * n ** 3) / ((performance.now() - start) * 1e6));
      }
    }),
  );
  return best;
}

async function engine(): Promise<{ facts: Fact[]; problems: Problem[] }> {
  const { engineInfo } = await import("@stillframe/torch");
  const info = engineInfo();
  const built = builtOn();
  const gflops = await matrixSpeed();
  const blas = loadedBlas();
  const problems: Problem[] = [];
  const perCore = gflops / info.threads;
  if (perCore < SLOW_GFLOPS_PER_CORE)
    problems.push({
      problem: `matrix products run at ${gflops.toFixed(0)} GFLOP/s on ${info.threads} threads, which is slow (BLAS: ${blas})`,
      remedy: /openblas|mkl|inside/.test(blas)
        ? "close other programs and look again"
        : "apt-get install libopenblas0-openmp: the reference BLAS is about 30 times slower",
      fatal: false,
    });
  if (/openblas/.test(blas) && /pthread/.test(blas))
    problems.push({
      problem: "OpenBLAS's pthread build fights with libtorch's threads: a training step can take ten times as long",
      remedy: "apt-get install libopenblas0-openmp",
      fatal: false,
    });
  const { OPENBLAS_CORETYPE: kernels } = process.env;
  if (kernels !== undefined)
    problems.push({
      problem: `OPENBLAS_CORETYPE=${kernels} is set: OpenBLAS uses these kernels, which may be half as fast as its own choice`,
      remedy: "unset it, unless results are to be equal on different machines",
      fatal: false,
    });
  if (built?.cuda && info.cudaDevices === 0)
    problems.push({
      problem: "this libtorch has CUDA, but no GPU can be used",
      remedy: "check the driver with nvidia-smi, and CUDA_VISIBLE_DEVICES",
      fatal: false,
    });
  return {
    facts: [
      {
        name: "libtorch",
        value: built === null ? info.libtorch : `${info.libtorch}, from ${built.source} (${built.lib})`,
      },
      {
        name: "devices",
        value:
          info.cudaDevices > 0
            ? `cpu, ${Array.from({ length: info.cudaDevices }, (_, i) => `cuda:${i}`).join(", ")}`
            : "cpu",
      },
      {
        name: "BLAS",
        value: `${blas}: ${gflops.toFixed(0)} GFLOP/s on ${info.threads} ${info.threads === 1 ? "thread" : "threads"}`,
      },
      { name: "own kernels", value: info.kernels === "none" ? "none for this processor: libtorch's" : info.kernels },
    ],
    problems,
  };
}

/** Looks at the machine and the engine, and says what to do about what is wrong. */
export async function diagnose(): Promise<Diagnosis> {
  const m = machine();
  try {
    const e = await engine();
    return { facts: [...m.facts, ...e.facts], problems: [...m.problems, ...e.problems] };
  } catch (error) {
    if (!(error instanceof EngineUnavailableError)) throw error;
    return {
      facts: m.facts,
      problems: [...m.problems, { problem: error.message, remedy: "npm run setup", fatal: true }],
    };
  }
}
