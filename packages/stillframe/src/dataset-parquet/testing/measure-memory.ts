/**
 * Prints as JSON how much memory streaming a data set takes at most: `node --expose-gc measure-memory.js FOLDER`.
 * A process of its own, so that the test runner's memory does not count.
 */
import { ParquetDataset } from "../parquet-dataset.js";

const dataset = await ParquetDataset.open({ folder: process.argv[2]! });
const live = () => {
  gc!();
  const { arrayBuffers, heapUsed } = process.memoryUsage();
  return arrayBuffers + heapUsed;
};
const before = live();
let most = 0;
let rows = 0;
let bytes = 0;
for await (const picture of dataset.pictures()) {
  rows++;
  bytes += picture.bytes.length;
  if (rows % 16 === 0) most = Math.max(most, live() - before);
}
console.log(JSON.stringify({ rows, bytes, most }));
