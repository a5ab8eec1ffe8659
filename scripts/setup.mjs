// Makes a fresh checkout ready: packages, libtorch, the addon, the build; ends in `doctor`. Does nothing the second time.
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const QUIET = process.argv.includes("--quiet");
const say = (line) => console.log(line);

class SetupError extends Error {}

function run(command, args, { what, env = {} }) {
  const result = spawnSync(command, args, {
    cwd: ROOT,
    stdio: ["ignore", "pipe", "pipe"],
    encoding: "utf8",
    env: { ...process.env, ...env },
    maxBuffer: 1 << 28,
  });
  if (result.error || result.status !== 0)
    throw new SetupError(
      `${what} failed: ${command} ${args.join(" ")}\n${result.error?.message ?? ""}${result.stdout ?? ""}${result.stderr ?? ""}`.trimEnd(),
    );
  return result.stdout;
}

function checkNode() {
  const [major, minor] = process.versions.node.split(".").map(Number);
  if (major < 20 || (major === 20 && minor < 19))
    throw new SetupError(`Stillframe needs Node.js 20.19 or later; this is ${process.versions.node}`);
}

/** npm writes what it installed to node_modules/.package-lock.json: newer than the lock file means nothing to do. */
function installPackages() {
  const done = join(ROOT, "node_modules/.package-lock.json");
  const lock = join(ROOT, "package-lock.json");
  if (existsSync(done) && statSync(done).mtimeMs >= statSync(lock).mtimeMs) return;
  say("installing packages from the lock file");
  // not `npm ci`: it refuses a lock file that lacks a binary for some other platform, which a registry may not have
  run("npm", ["install", "--no-save", "--no-audit", "--no-fund"], { what: "installing packages" });
}

const onDebian = () => existsSync("/etc/debian_version") && spawnSync("apt-get", ["--version"]).status === 0;
const mayInstall = () => process.getuid?.() === 0 && process.env.STILLFRAME_NO_APT === undefined;

/** The file behind the BLAS that Debian's libtorch loads. */
function debianBlas() {
  const link = ["x86_64-linux-gnu", "aarch64-linux-gnu"]
    .map((t) => `/usr/lib/${t}/libblas.so.3`)
    .find((f) => existsSync(f));
  return link === undefined ? null : spawnSync("readlink", ["-f", link], { encoding: "utf8" }).stdout.trim();
}

function apt(packages) {
  say(`installing ${packages.join(", ")} from Debian's packages`);
  const env = { DEBIAN_FRONTEND: "noninteractive" };
  run("apt-get", ["update"], { what: "updating the package list", env });
  run("apt-get", ["install", "-y", "--no-install-recommends", ...packages], { what: "installing packages", env });
}

async function findOrInstallLibtorch() {
  const { findLibtorch, WAYS_TO_GET_LIBTORCH } = await import("../packages/torch/scripts/find-libtorch.mjs");
  const found = findLibtorch();
  const needed = [];
  if (found === null) needed.push("libtorch-dev");
  if (spawnSync(process.env.CXX ?? "c++", ["--version"]).status !== 0) needed.push("g++");
  // Debian's libtorch takes whichever BLAS there is; the reference one is about thirty times slower
  const debians = found === null || found.lib.startsWith("/usr/lib/");
  if (debians && onDebian() && !(debianBlas() ?? "").includes("openblas-openmp")) needed.push("libopenblas0-openmp");
  if (needed.length === 0) return;
  if (onDebian() && mayInstall()) {
    apt(needed);
    return;
  }
  if (found === null) throw new SetupError(WAYS_TO_GET_LIBTORCH);
  say(`not installed (this needs root): apt-get install ${needed.join(" ")}`);
}

/** Sources newer than the last build, by tsc's own record. */
function build() {
  const packages = ["packages/schema", "packages/torch", "packages/diffusion", "packages/stillframe", "models/pocket"];
  const newest = (folder) =>
    Math.max(
      ...readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true }).map(
        (f) => statSync(join(f.parentPath ?? f.path, f.name)).mtimeMs,
      ),
    );
  const stamp = join(ROOT, "node_modules/.stillframe-build");
  const sources = Math.max(
    ...packages.map((p) => newest(`${p}/src`)),
    statSync(join(ROOT, "tsconfig.base.json")).mtimeMs,
  );
  const built = packages.every((p) => existsSync(join(ROOT, p, "dist/index.js")));
  if (built && existsSync(stamp) && Number(readFileSync(stamp, "utf8")) === sources) return;
  say("building");
  run(join(ROOT, "node_modules/.bin/tsc"), ["-b"], { what: "building" });
  writeFileSync(stamp, String(sources));
}

try {
  checkNode();
  installPackages();
  await findOrInstallLibtorch();
  const { buildAddon } = await import("../packages/torch/scripts/build-addon.mjs");
  buildAddon({ log: say });
  build();
  if (!QUIET) {
    const doctor = spawnSync(process.execPath, [join(ROOT, "packages/stillframe/bin/stillframe.mjs"), "doctor"], {
      stdio: "inherit",
    });
    process.exitCode = doctor.status ?? 1;
  }
} catch (e) {
  console.error(e instanceof SetupError ? e.message : (e.stack ?? String(e)));
  process.exitCode = 1;
}
