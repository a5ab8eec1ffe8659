import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { readSafetensors, tensor } from "@stillframe/torch";
import { strToU8, unzipSync, zipSync } from "fflate";
import { readNpz, readStatistics, writeStatistics } from "./npz.js";
import { gaussianOf } from "./statistics.js";
import { fixture, largestDifference } from "./testing/fixture.js";

const scratch = mkdtempSync(join(tmpdir(), "npz-"));
after(() => rmSync(scratch, { recursive: true, force: true }));
const gaussian = gaussianOf(readSafetensors(fixture("distances/distances.safetensors")).tensors.get("real")!);

/** An archive with one array `mu` of these bytes. */
function archive(name: string, header: string, body: Uint8Array): string {
  const path = join(scratch, name);
  const head = strToU8(header, true);
  const mu = new Uint8Array([0x93, ...strToU8("NUMPY"), 1, 0, head.length, 0, ...head, ...body]);
  writeFileSync(path, zipSync({ "mu.npy": mu }));
  return path;
}

describe("readStatistics", () => {
  it("reads what numpy wrote, compressed", () => {
    const { mean, covariance } = readStatistics(fixture("distances/compressed.npz"));
    assert.ok(largestDifference(mean, gaussian.mean) < 1e-14);
    assert.ok(largestDifference(covariance, gaussian.covariance) < 1e-14);
    assert.deepEqual([mean.dtype, covariance.dtype], ["float64", "float64"]);
  });

  it("reads float32 and Fortran order, stored", () => {
    const { mean, covariance } = readStatistics(fixture("distances/stored.npz"));
    assert.ok(largestDifference(mean, gaussian.mean) < 1e-7);
    assert.ok(largestDifference(covariance, gaussian.covariance) < 1e-14);
  });

  it("turns an array in Fortran order the right way round", () => {
    const path = archive(
      "fortran.npz",
      "{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3), }",
      new Uint8Array(Float32Array.of(1, 4, 2, 5, 3, 6).buffer),
    );
    assert.deepEqual(readNpz(path, ["mu"]).get("mu"), { shape: [2, 3], data: Float64Array.of(1, 2, 3, 4, 5, 6) });
  });

  it("refuses what is no statistics", () => {
    assert.throws(
      () => readStatistics(fixture("distances/objects.npz")),
      /array mu: expected numbers of type <f8 or <f4 but they are \|O/,
    );
    const f8 = (shape: string) => `{'descr': '<f8', 'fortran_order': False, 'shape': ${shape}, }`;
    assert.throws(
      () => readStatistics(archive("one.npz", f8("(1,)"), new Uint8Array(8))),
      /there is no array sigma in it/,
    );
    assert.throws(
      () => readNpz(archive("short.npz", f8("(2,)"), new Uint8Array(8)), ["mu"]),
      /array mu: expected 16 bytes of numbers but it has 8/,
    );
    assert.throws(
      () => readNpz(archive("header.npz", "{'descr': '<f8'}", new Uint8Array(8)), ["mu"]),
      /array mu: its header is damaged/,
    );
    writeFileSync(join(scratch, "text.npz"), "mean and covariance");
    assert.throws(
      () => readStatistics(join(scratch, "text.npz")),
      /text\.npz: expected an \.npz archive but invalid zip data/,
    );
    writeFileSync(join(scratch, "other.npz"), zipSync({ "mu.npy": strToU8("not an array") }));
    assert.throws(
      () => readNpz(join(scratch, "other.npz"), ["mu"]),
      /array mu: expected numpy's format but it begins with other bytes/,
    );
  });

  it("refuses shapes that do not belong together, and NaN", () => {
    const path = join(scratch, "shapes.npz");
    writeStatistics(path, { mean: gaussian.mean.narrow(0, 0, 3), covariance: gaussian.covariance });
    assert.throws(() => readStatistics(path), /expected mu \[d\] and sigma \[d, d\] but they are \[3\] and \[12, 12\]/);
    writeStatistics(path, {
      mean: tensor([Number.NaN], { dtype: "float64" }),
      covariance: tensor([[1]], { dtype: "float64" }),
    });
    assert.throws(() => readStatistics(path), /expected finite statistics/);
  });
});

describe("writeStatistics", () => {
  it("writes what it reads, and nothing beside it", () => {
    const folder = mkdtempSync(join(scratch, "written-"));
    const path = join(folder, "real.npz");
    writeStatistics(path, gaussian);
    const { mean, covariance } = readStatistics(path);
    assert.deepEqual(mean.data(), gaussian.mean.data());
    assert.deepEqual(covariance.data(), gaussian.covariance.data());
    assert.deepEqual(readdirSync(folder), ["real.npz"]);
  });

  it("writes numpy's format: the header ends in a line feed, the numbers begin at a multiple of 64", () => {
    const path = join(scratch, "format.npz");
    writeStatistics(path, gaussian);
    const mu = unzipSync(readFileSync(path))["mu.npy"]!;
    const length = mu[8]! + mu[9]! * 256;
    assert.equal((10 + length) % 64, 0);
    assert.equal(mu[9 + length], 10);
    assert.equal(mu.length, 10 + length + 12 * 8);
  });
});
