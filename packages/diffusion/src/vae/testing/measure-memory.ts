/**
 * Prints as JSON by how many bytes encoding and decoding one picture raise the peak memory of this process:
 * `node measure-memory.js SIDE CHANNELS whole|tiled TILE`. A process of its own, because a peak never falls.
 */
import { readFileSync } from "node:fs";
import { Generator, randn } from "@stillframe/torch";
import { decodeLatents, encodePictures } from "../tiling.js";
import { randomVae } from "./random-vae.js";

const [side, channels, mode, tileSize] = process.argv.slice(2) as [string, string, string, string];
const vae = randomVae({ channels: channels.split(",").map(Number) });
const peak = () => Number(/VmHWM:\s+(\d+)/.exec(readFileSync("/proc/self/status", "utf8"))?.[1]) * 1024;
const memory = { tiling: mode === "tiled", tileSize: Number(tileSize) };
const x = randn([1, 3, Number(side), Number(side)], { generator: new Generator(2) });
// what the engine loads and keeps for itself counts to neither
encodePictures(vae, x.narrow(2, 0, 32).narrow(3, 0, 32).contiguous());
const before = peak();
const began = performance.now();
const { mean } = encodePictures(vae, x, memory);
const encoding = peak() - before;
decodeLatents(vae, mean, memory);
const seconds = (performance.now() - began) / 1000;
console.log(JSON.stringify({ encoding, both: peak() - before, seconds }));
