import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";

interface Stage {
  inputs?: unknown;
  after?: string[];
  output?: string;
  work: () => Promise<void> | void;
}
interface Stages {
  begun: boolean;
  worked: boolean;
  at(...parts: string[]): string;
  run(name: string, stage: Stage): Promise<boolean>;
}
interface Task {
  name: string;
  needs: string[];
  work: () => Promise<void>;
}
const scripts = (file: string): Promise<unknown> => import(new URL(`../../../scripts/${file}`, import.meta.url).href);
const { Stages } = (await scripts("stages.mjs")) as {
  Stages: new (folder: string, options: { maker: string; fresh?: boolean }) => Stages;
};
const { doAll } = (await scripts("experiments/pool.mjs")) as { doAll: (tasks: Task[], jobs: number) => Promise<void> };

const folder = mkdtempSync(join(tmpdir(), "stages-"));
after(() => rmSync(folder, { recursive: true, force: true }));
const open = (name: string, fresh = false) => new Stages(join(folder, name), { maker: "test", fresh });

/** A stage that adds a line to its file each time that it works. */
const adding = (stages: Stages, name: string, line: string, more: Partial<Stage> = {}) =>
  stages.run(name, {
    ...more,
    work: () => writeFileSync(stages.at(name), `${line}\n`, { flag: "a" }),
  });

test("a stage is done once, and again when its inputs or those of a stage before it change", async () => {
  const lines = () => readFileSync(open("chain").at("second"), "utf8");
  const both = async (first: number, second: number) => {
    const stages = open("chain");
    await adding(stages, "first", "one", { inputs: first });
    await adding(stages, "second", `${first} ${second}`, { inputs: second, after: ["first"] });
    return stages.worked;
  };
  assert.equal(await both(1, 1), true);
  assert.equal(await both(1, 1), false);
  assert.equal(lines(), "1 1\n");
  await both(1, 2);
  assert.equal(lines(), "1 2\n", "what other inputs made is removed");
  await both(2, 2);
  assert.equal(lines(), "2 2\n");
  rmSync(open("chain").at("second"));
  assert.equal(await both(2, 2), true, "what was deleted is made again");
  assert.equal(open("chain", true).begun, false);
  assert.ok(!existsSync(open("chain").at("first")));
});

test("a stage that failed finds what it had left, unless its inputs changed", async () => {
  const failing = (inputs: number) =>
    open("failing").run("half", {
      inputs,
      work: () => {
        mkdirSync(open("failing").at("half"), { recursive: true });
        writeFileSync(open("failing").at("half", String(inputs)), "");
        throw new Error("stopped");
      },
    });
  await assert.rejects(failing(1), /stopped/);
  let found = false;
  const look = (inputs: number, file: string) =>
    open("failing").run("half", {
      inputs,
      work: () => {
        found = existsSync(open("failing").at("half", file));
      },
    });
  await look(1, "1");
  assert.equal(found, true);
  await assert.rejects(failing(2), /stopped/);
  await look(3, "2");
  assert.equal(found, false);
});

test("a folder that something else filled is refused, and a damaged record too", () => {
  mkdirSync(join(folder, "other"));
  writeFileSync(join(folder, "other", "thesis"), "");
  assert.throws(() => open("other", true), /holds something that test did not make: choose another --output_dir/);
  mkdirSync(join(folder, "damaged"));
  writeFileSync(join(folder, "damaged", ".stillframe-test.json"), "{");
  assert.throws(() => open("damaged"), /is damaged: start anew with --fresh/);
  assert.equal(open("damaged", true).begun, false);
});

test("tasks wait for what they need, at most so many at a time; after a failure nothing more begins", async () => {
  const told: string[] = [];
  let running = 0;
  let most = 0;
  const task = (name: string, needs: string[] = [], fails = false): Task => ({
    name,
    needs,
    work: async () => {
      most = Math.max(most, ++running);
      await new Promise((done) => setTimeout(done, 5));
      running--;
      if (fails) throw new Error(`${name} failed`);
      told.push(name);
    },
  });
  await doAll([task("c", ["a", "b"]), task("a"), task("b"), task("d")], 2);
  assert.equal(most, 2);
  assert.ok(told.indexOf("c") > told.indexOf("a") && told.indexOf("c") > told.indexOf("b"));
  assert.deepEqual([...told].sort(), ["a", "b", "c", "d"]);
  told.length = 0;
  await assert.rejects(doAll([task("a", [], true), task("b"), task("c")], 2), /a failed/);
  assert.deepEqual(told, ["b"]);
  await assert.rejects(doAll([task("a", ["b"]), task("b", ["a"])], 2), /wait for each other: a, b/);
});
