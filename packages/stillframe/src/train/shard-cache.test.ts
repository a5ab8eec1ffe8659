import assert from "node:assert/strict";
import {
  chmodSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { liveTensors, readSafetensorsHeader, tensor } from "@stillframe/torch";
import { entryKey, ShardCache } from "./shard-cache.js";

const root = mkdtempSync(join(tmpdir(), "shard-cache-"));
after(() => rmSync(root, { recursive: true, force: true }));
let folders = 0;
const newFolder = () => join(root, String(folders++));

const key = (i: number) => entryKey("test", i);
const entry = (i: number) => ({ mean: tensor([[i, i + 0.5]]), std: tensor([[i / 3, 2]]) });
const shards = (folder: string) => readdirSync(folder).filter((f) => f.endsWith(".safetensors"));

/** A folder with entries 0 … n - 1. */
function filled(n: number, shardEntries = 4): string {
  const folder = newFolder();
  const cache = new ShardCache(folder, { shardEntries });
  for (let i = 0; i < n; i++) cache.put(key(i), entry(i));
  cache.flush();
  cache.dispose();
  return folder;
}

/** Which of entries 0 … n - 1 a newly opened cache has, and what it found damaged. */
function found(folder: string, n: number) {
  const cache = new ShardCache(folder);
  const have = Array.from({ length: n }, (_, i) => i).filter((i) => cache.has(key(i)));
  for (const i of have) assert.deepEqual(cache.get(key(i))?.mean?.toArray(), [i, i + 0.5]);
  const damaged = cache.takeDamaged();
  cache.dispose();
  return { have, damaged };
}

describe("ShardCache", () => {
  it("gives back what was put, before and after it is written, and frees all of it", () => {
    const before = liveTensors();
    const folder = newFolder();
    const cache = new ShardCache(folder, { shardEntries: 4 });
    for (let i = 0; i < 6; i++) cache.put(key(i), entry(i));
    assert.equal(shards(folder).length, 1, "four are written, two wait");
    for (let i = 0; i < 6; i++) assert.deepEqual(cache.get(key(i))?.std?.toArray(), [Math.fround(i / 3), 2]);
    assert.equal(cache.get(key(6)), undefined);
    assert.throws(() => cache.put(key(1), entry(1)), /internal: entry [0-9a-f]{40} is in the cache already/);
    cache.flush();
    cache.dispose();
    assert.equal(liveTensors(), before + 2, "but for the two that could not be put");
    assert.deepEqual(found(folder, 7), { have: [0, 1, 2, 3, 4, 5], damaged: [] });
  });

  it("has equal bytes for equal content, in whatever order it was put", () => {
    const [a, b] = [filled(4), newFolder()];
    const cache = new ShardCache(b, { shardEntries: 4 });
    for (const i of [2, 0, 3, 1]) cache.put(key(i), entry(i));
    cache.dispose();
    assert.deepEqual(shards(a), shards(b));
    for (const f of shards(a)) assert.deepEqual(readFileSync(join(a, f)), readFileSync(join(b, f)));
  });

  it("finds every kind of damage, removes that shard alone and reports it", () => {
    const damages: [string, (path: string) => void, RegExp][] = [
      ["cut", (p) => truncateSync(p, readFileSync(p).length - 1), /truncated/],
      ["empty", (p) => truncateSync(p, 0), /only 0 bytes/],
      [
        "one bit of data",
        (p) => flip(p, readFileSync(p).length - 3),
        /bytes of tensor [0-9a-f]{40}\.\w+ are not those/,
      ],
      ["one bit of the header's length", (p) => flip(p, 1), /header/],
      ["one digit of a checksum", digit, /bytes of tensor/],
    ];
    for (const [name, damage, reason] of damages) {
      const folder = filled(8);
      const file = shards(folder)[0] as string;
      const lost = keysOf(join(folder, file));
      damage(join(folder, file));
      const { have, damaged } = found(folder, 8);
      assert.equal(have.length, 4, name);
      assert.ok(
        have.every((i) => !lost.has(key(i))),
        name,
      );
      assert.deepEqual(
        damaged.map((d) => d.file),
        [join(folder, file)],
      );
      assert.match(damaged[0]?.reason as string, reason, name);
      assert.equal(shards(folder).length, 1, name);
      assert.deepEqual(found(folder, 8), { have, damaged: [] }, "the second time nothing is wrong");
    }
  });

  it("makes a damaged shard again with the same name and bytes", () => {
    const folder = filled(4);
    const file = join(folder, shards(folder)[0] as string);
    const whole = readFileSync(file);
    flip(file, whole.length - 1);
    const cache = new ShardCache(folder, { shardEntries: 4 });
    for (let i = 0; i < 4; i++) if (!cache.has(key(i))) cache.put(key(i), entry(i));
    cache.dispose();
    assert.deepEqual(readFileSync(file), whole);
  });

  it("takes in what another process wrote, and an entry that both made once", () => {
    const folder = newFolder();
    const [one, two] = [new ShardCache(folder, { shardEntries: 2 }), new ShardCache(folder, { shardEntries: 3 })];
    for (const i of [0, 1]) one.put(key(i), entry(i));
    assert.equal(two.has(key(0)), false);
    for (const i of [1, 2, 3]) two.put(key(i), entry(i));
    for (const i of [0, 1, 2, 3]) assert.deepEqual(two.get(key(i))?.mean?.toArray(), [i, i + 0.5]);
    one.dispose();
    two.dispose();
    assert.deepEqual(found(folder, 5).have, [0, 1, 2, 3]);
  });

  it("leaves half-written files alone while their writer may live, and removes them later", () => {
    const folder = filled(2);
    const ages: [string, number][] = [
      [`a.safetensors.${process.pid}-0.partial`, 3600],
      ["b.safetensors.4194399-0.partial", 60], // no such process, but young: it may be another machine's
      ["c.safetensors.4194399-0.partial", 3600],
      [`d.safetensors.${process.pid}-0.partial`, 25 * 3600],
      ["notes.txt", 25 * 3600],
    ];
    for (const [name, seconds] of ages) {
      writeFileSync(join(folder, name), "x");
      const then = Date.now() / 1000 - seconds;
      utimesSync(join(folder, name), then, then);
    }
    found(folder, 2);
    const left = readdirSync(folder).filter((f) => !f.endsWith(".safetensors"));
    assert.deepEqual(left.sort(), [ages[0]?.[0], ages[1]?.[0], "notes.txt"]);
  });

  it("says which folder may not be written", {
    skip: process.getuid?.() === 0 ? "root may write anywhere" : false,
  }, () => {
    const folder = newFolder();
    const cache = new ShardCache(folder);
    chmodSync(folder, 0o500);
    cache.put(key(0), entry(0));
    assert.throws(() => cache.flush(), {
      message: `cannot write the cache ${folder}: it may not be written; make room, or give another --cache_dir`,
    });
  });

  it("says when a file stands where the folder should be", () => {
    const folder = newFolder();
    writeFileSync(folder, "");
    assert.throws(
      () => new ShardCache(folder),
      /cannot write the cache .*: EEXIST: .*; make room, or give another --cache_dir/,
    );
  });
});

function flip(path: string, at: number): void {
  const bytes = readFileSync(path);
  bytes[at] = (bytes[at] as number) ^ 4;
  writeFileSync(path, bytes);
}

function digit(path: string): void {
  const bytes = readFileSync(path);
  const at = bytes.indexOf(Buffer.from("checksums")) + 9;
  const first = bytes.subarray(at).findIndex((c, i) => bytes[at + i - 1] === 0x3a && c >= 0x31 && c <= 0x38) + at;
  bytes[first] = (bytes[first] as number) + 1;
  writeFileSync(path, bytes);
}

const keysOf = (path: string): Set<string> =>
  new Set([...readSafetensorsHeader(path).tensors.keys()].map((name) => name.split(".")[0] as string));
