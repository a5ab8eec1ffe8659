/**
 * Prints as JSON how much memory reading a data set takes at most: `node --expose-gc measure-reading.js FOLDER`. A
 * process of its own, so that the test runner's memory does not count.
 */
import { readingTrainingSet } from "../training-set.js";

const live = () => {
  gc?.();
  const { arrayBuffers, heapUsed } = process.memoryUsage();
  return arrayBuffers + heapUsed;
};
const reading = readingTrainingSet(
  {
    train_data_dir: process.argv[2] as string,
    dataset_name: null,
    dataset_config_name: null,
    image_column: "image",
    caption_column: "text",
    caption_prefix: "",
    max_train_samples: null,
    validation_split: 0,
  },
  1,
);
const before = live();
let most = 0;
let last = await reading.next();
for (let i = 0; !last.done; last = await reading.next()) if (i++ % 16 === 0) most = Math.max(most, live() - before);
const { pictures } = last.value;
const { source } = pictures[3] as { source: () => Promise<Uint8Array> };
console.log(JSON.stringify({ pictures: pictures.length, bytes: (await source()).length, most, kept: live() - before }));
