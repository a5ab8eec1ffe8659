import assert from "node:assert/strict";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { readSafetensors, type Tensor, tensor, writeSafetensors } from "@stillframe/torch";
import { families } from "./families/index.js";
import type { Family } from "./family.js";
import { parityCommand } from "./parity-command.js";
import { formatReport, type ParityReport, type Row } from "./parity-report.js";
import { runParity } from "./run-parity.js";

const FIXTURES = fileURLToPath(new URL("../../fixtures/parity/", import.meta.url));
const TRAJECTORIES = "schedulers/trajectories.safetensors";

const temporary: string[] = [];
after(() => {
  for (const folder of temporary) rmSync(folder, { recursive: true, force: true });
});

/** A copy of the schedulers' vectors, which need no model. */
function copy(): string {
  const folder = mkdtempSync(join(tmpdir(), "parity-test-"));
  temporary.push(folder);
  cpSync(join(FIXTURES, "schedulers"), join(folder, "schedulers"), { recursive: true });
  return folder;
}

/** Writes the trajectories again with some of them changed. */
function rewrite(folder: string, change: (tensors: Map<string, Tensor>) => void): void {
  const path = join(folder, TRAJECTORIES);
  const tensors = new Map([...readSafetensors(path).tensors].map(([name, t]) => [name, t.clone()]));
  change(tensors);
  writeSafetensors(path, tensors);
}

/** A family without checks. */
const later: Family = { name: "later", owns: (file) => file.startsWith("later/") };
const check = (folder: string, options: { partial?: boolean } = {}): Promise<ParityReport> =>
  runParity(folder, { families: families.filter((f) => f.name === "schedulers").concat(later), ...options });
const failures = (report: ParityReport): Row[] => report.rows.filter((row) => row.status === "FAIL");

describe("runParity on the vectors that the repository carries", () => {
  it("reproduces every one of them", async () => {
    const report = await runParity(FIXTURES, { partial: true });
    assert.deepEqual(
      failures(report).map((row) => `${row.file} ${row.quantity} ${row.detail ?? row.absolute}`),
      [],
    );
    const checked = (file: string) => report.rows.some((row) => row.file.includes(file) && row.status === "pass");
    for (const { name } of families.filter((f) => f.check !== undefined && !["model", "fid"].includes(f.name)))
      assert.ok(checked(name === "manifests" ? "manifests/" : name), `${name} was checked`);
  });
});

describe("runParity", () => {
  it("passes on vectors as they are, and says which are not yet checked", async () => {
    const folder = copy();
    mkdirSync(join(folder, "later"));
    writeFileSync(join(folder, "later", "later.json"), '{"distance": 1}');
    const report = await check(folder);
    assert.deepEqual(failures(report), []);
    assert.equal(report.count("not yet checked"), 1);
    assert.ok(report.passed);
  });

  it("fails on a number that is off", async () => {
    const folder = copy();
    rewrite(folder, (tensors) => {
      const name = [...tensors.keys()].find((n) => n.endsWith(".trajectory")) as string;
      tensors.set(name, (tensors.get(name) as Tensor).mul(1.001));
    });
    const [row, ...others] = failures(await check(folder));
    assert.equal(others.length, 0);
    assert.match(row?.quantity ?? "", /\.trajectory$/);
    assert.ok((row?.relative ?? 0) > 5e-4);
  });

  it("fails on a tensor of another shape", async () => {
    const folder = copy();
    rewrite(folder, (tensors) => tensors.set("heun.10.sigmas", tensor([1, 2, 3])));
    const [row] = failures(await check(folder));
    assert.match(row?.detail ?? "", /^expected shape \[3\] but the result has \[20\]$/);
  });

  it("fails on a missing file, unless some of the vectors are all there is", async () => {
    const folder = copy();
    rmSync(join(folder, TRAJECTORIES));
    const [row] = failures(await check(folder));
    assert.deepEqual([row?.file, row?.detail], [TRAJECTORIES, "there is no such file"]);
    const partial = await check(folder, { partial: true });
    assert.deepEqual(failures(partial), []);
    assert.ok(partial.rows.some((r) => r.file === TRAJECTORIES && r.status === "absent"));
  });

  it("fails on a tensor, a quantity and a file that no check knows, also in part of a set", async () => {
    const folder = copy();
    rewrite(folder, (tensors) => tensors.set("heun.10.mystery", tensor([1])));
    const path = join(folder, "schedulers", "schedulers.json");
    writeFileSync(
      path,
      readFileSync(path, "utf8").replace("{", '{"mystery": {"number": 3, "remark": "of no account"},'),
    );
    writeFileSync(join(folder, "mystery.safetensors"), "");
    for (const partial of [false, true]) {
      const report = await check(folder, { partial });
      assert.deepEqual(
        failures(report)
          .map((row) => row.quantity)
          .sort(),
        ["(file)", "heun.10.mystery", "mystery/number"],
      );
    }
  });

  it("fails on a broken file, and goes on with the others", async () => {
    const folder = copy();
    writeFileSync(join(folder, TRAJECTORIES), "no tensors");
    const report = await check(folder);
    assert.ok(failures(report).some((row) => /header says/.test(row.detail ?? "")));
    assert.ok(report.rows.some((row) => row.file === "schedulers/forward.safetensors" && row.status === "pass"));
  });

  it("wants a folder", async () => {
    await assert.rejects(
      runParity("/no/such/folder"),
      /expected a folder of reference vectors for vectors but received/,
    );
  });
});

describe("parityCommand", () => {
  const run = async (...argv: string[]): Promise<{ status: number; text: string }> => {
    const lines: string[] = [];
    const status = await parityCommand(argv, (text) => lines.push(text));
    return { status, text: lines.join("\n") };
  };

  it("prints the table and gives 0 or 1", async () => {
    const folder = copy();
    const good = await run("--vectors", folder, "--only", "schedulers");
    assert.equal(good.status, 0);
    assert.match(good.text, /^file .*quantity .*abs error .*rel error .*tolerance .*result\n/);
    rmSync(join(folder, TRAJECTORIES));
    const bad = await run("--vectors", folder, "--only", "schedulers");
    assert.equal(bad.status, 1);
    assert.match(bad.text, /schedulers\/trajectories\.safetensors \(file\): there is no such file/);
  });

  it("explains itself", async () => {
    assert.match((await run()).text, /expected a folder for --vectors but received nothing\n\nusage: npm run parity/);
    assert.equal((await run("--vectors", FIXTURES, "--only", "nothing")).status, 1);
    assert.equal((await run("--help")).status, 0);
  });

  it("reports what formatReport makes of the report", async () => {
    const folder = copy();
    assert.equal((await run("--vectors", folder, "--only", "fid")).status, 1, "nothing was checked");
    const report = await runParity(folder, { only: ["schedulers"] });
    assert.equal((await run("--vectors", folder, "--only", "schedulers")).text, formatReport(report));
  });
});
