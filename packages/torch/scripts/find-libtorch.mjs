// Where is libtorch? LIBTORCH, an installed Python torch, or the system's package.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

/**
 * @typedef {object} Libtorch
 * @property {string} source where it was found, in words
 * @property {string} version for instance `1.13.0`
 * @property {string} include folder that holds `ATen/` and `torch/`
 * @property {string} lib folder that holds `libtorch_cpu`
 * @property {boolean} cuda whether `libtorch_cuda` is there
 * @property {number} cxx11Abi 0 or 1: which C++ string ABI it was built with
 */

const MULTIARCH = { x64: "x86_64-linux-gnu", arm64: "aarch64-linux-gnu" };
const library = (lib, name) => ["so", "dylib"].some((ext) => existsSync(join(lib, `lib${name}.${ext}`)));

function at(source, include, lib, cxx11Abi = 1) {
  // since 2.9 the numbers are in headeronly, and the old file only includes the new one
  const header = ["torch/headeronly/version.h", "torch/csrc/api/include/torch/version.h"]
    .map((f) => join(include, f))
    .find((f) => existsSync(f));
  if (!header || !library(lib, "torch_cpu")) return null;
  const text = readFileSync(header, "utf8");
  const part = (name) => new RegExp(`#define TORCH_VERSION_${name}\\s+(\\d+)`).exec(text)?.[1];
  const parts = [part("MAJOR"), part("MINOR"), part("PATCH")];
  if (parts.includes(undefined)) throw new Error(`expected the version of libtorch in ${header} but it is not there`);
  const version = parts.join(".");
  return { source, version, include, lib, cuda: library(lib, "torch_cuda"), cxx11Abi };
}

function fromEnvironment() {
  const root = process.env.LIBTORCH;
  if (!root) return null;
  const found = at("LIBTORCH", join(root, "include"), join(root, "lib"), Number(process.env.LIBTORCH_CXX11_ABI ?? 1));
  if (!found) throw new Error(`LIBTORCH is ${root}, but there is no include/ and lib/ of libtorch in it`);
  return found;
}

function fromPython() {
  for (const python of [process.env.STILLFRAME_PYTHON, "python3", "python"]) {
    if (!python) continue;
    const code =
      "import importlib.util as u; s=u.find_spec('torch'); p=s.submodule_search_locations[0] if s else ''; " +
      "import sys; sys.path.insert(0,p) if p else None; print(p)";
    const found = spawnSync(python, ["-c", code], { encoding: "utf8", timeout: 60_000 });
    const root = found.status === 0 ? found.stdout.trim() : "";
    if (!root) continue;
    const abiProbe = spawnSync(python, ["-c", "import torch; print(int(torch._C._GLIBCXX_USE_CXX11_ABI))"], {
      encoding: "utf8",
      timeout: 120_000,
    });
    const result = at(
      `Python's torch (${python})`,
      join(root, "include"),
      join(root, "lib"),
      Number(abiProbe.stdout?.trim() || 1),
    );
    if (result) return result;
  }
  return null;
}

function fromSystem() {
  const triplet = MULTIARCH[process.arch];
  const places = [
    ["/usr/include", `/usr/lib/${triplet}`],
    ["/usr/local/include", "/usr/local/lib"],
    ["/opt/homebrew/include", "/opt/homebrew/lib"],
    ["/opt/libtorch/include", "/opt/libtorch/lib"],
  ];
  for (const [include, lib] of places) {
    const found = existsSync(lib) ? at("the system", include, lib) : null;
    if (found) return found;
  }
  return null;
}

/**
 * The libtorch to build on: `LIBTORCH` if it is set; else one with CUDA if there is one; else the system's;
 * else Python's.
 *
 * @returns {Libtorch | null}
 */
export function findLibtorch() {
  const chosen = fromEnvironment();
  if (chosen) return chosen;
  const system = fromSystem();
  if (system?.cuda) return system;
  const python = fromPython();
  if (python?.cuda) return python;
  return system ?? python;
}

/** Ways to get libtorch, for a message. */
export const WAYS_TO_GET_LIBTORCH = `libtorch was not found. Any one of these will do; then run \`npm run setup\` again:
  1. Debian or Ubuntu:  apt-get install libtorch-dev libopenblas0-openmp
  2. a Python that has torch on the PATH (this is the way to CUDA):  pip install torch
  3. an unpacked libtorch folder, with include/ and lib/ in it:  LIBTORCH=/path/to/libtorch npm run setup
  4. macOS:  brew install pytorch`;
