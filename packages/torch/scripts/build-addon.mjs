// Builds the addon on the libtorch that was found. Does nothing when the last build had the same inputs.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { findLibtorch, WAYS_TO_GET_LIBTORCH } from "./find-libtorch.mjs";

const PACKAGE = dirname(dirname(fileURLToPath(import.meta.url)));
const NATIVE = join(PACKAGE, "native");
const BUILD = join(PACKAGE, "build");
const ADDON = join(BUILD, "torch.node");
const RECORD = join(BUILD, "build.json");

function inputsHash(torch, command) {
  const hash = createHash("sha256").update(JSON.stringify([torch, command]));
  for (const f of readdirSync(NATIVE).sort()) hash.update(f).update(readFileSync(join(NATIVE, f)));
  return hash.digest("hex");
}

function compilerCommand(torch, output) {
  const headers = createRequire(import.meta.url)("node-api-headers").include_dir;
  const [major, minor] = torch.version.split(".").map(Number);
  const modern = major > 2 || (major === 2 && minor >= 9);
  const mac = process.platform === "darwin";
  const libraries = ["-ltorch", "-ltorch_cpu", "-lc10"];
  if (torch.cuda) libraries.push("-ltorch_cuda", "-lc10_cuda");
  return [
    process.env.CXX ?? "c++",
    ...[`-std=c++${modern ? 20 : 17}`, "-O2", "-DNDEBUG", "-fPIC", "-fvisibility=hidden", "-w"],
    `-D_GLIBCXX_USE_CXX11_ABI=${torch.cxx11Abi}`,
    ...[headers, torch.include, join(torch.include, "torch/csrc/api/include")].map((d) => `-I${d}`),
    join(NATIVE, "addon.cc"),
    ...["-shared", "-o", output, `-L${torch.lib}`, `-Wl,-rpath,${torch.lib}`],
    // libtorch_cuda registers its kernels when it is loaded; nothing refers to it by name, so it must not be dropped
    ...(mac ? ["-undefined", "dynamic_lookup"] : ["-Wl,--no-as-needed"]),
    ...libraries,
  ];
}

/**
 * @param {{ log?: (line: string) => void }} [options]
 * @returns {{ built: boolean, torch: import("./find-libtorch.mjs").Libtorch }}
 */
export function buildAddon({ log = console.log } = {}) {
  const torch = findLibtorch();
  if (!torch) throw new Error(WAYS_TO_GET_LIBTORCH);
  const partial = join(BUILD, `torch.${process.pid}.node`);
  const command = compilerCommand(torch, partial);
  const inputs = inputsHash(torch, compilerCommand(torch, ADDON));
  if (existsSync(ADDON) && existsSync(RECORD) && JSON.parse(readFileSync(RECORD, "utf8")).inputs === inputs)
    return { built: false, torch };
  mkdirSync(BUILD, { recursive: true });
  log(
    `building the engine on libtorch ${torch.version} from ${torch.source} (${torch.lib}); this takes about half a minute`,
  );
  const result = spawnSync(command[0], command.slice(1), { stdio: ["ignore", "inherit", "inherit"] });
  if (result.error?.code === "ENOENT")
    throw new Error(
      `there is no C++ compiler (${command[0]}). On Debian: apt-get install g++; on macOS: xcode-select --install`,
    );
  if (result.status !== 0) throw new Error(`the addon did not compile; the command was\n  ${command.join(" ")}`);
  renameSync(partial, ADDON);
  writeFileSync(RECORD, `${JSON.stringify({ inputs, torch }, null, 2)}\n`);
  return { built: true, torch };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  try {
    const { built, torch } = buildAddon();
    console.log(`${built ? "built" : "up to date"}: ${ADDON} (libtorch ${torch.version})`);
  } catch (e) {
    console.error(e.message);
    process.exitCode = 1;
  }
}
