#!/usr/bin/env node
import { parseArgs } from "node:util";
import { loadSdxl } from "@stillframe/diffusion";
import { evaluationPrompts } from "./sets.js";
import { drawPrompts } from "./training/draw-prompts.js";
import { sheetOf } from "./training/picture-sheet.js";

/** Draws the first evaluation prompts, from the seeds 0, 1, 2 and so on: nothing is selected. */
const { values: args } = parseArgs({
  options: {
    model: { type: "string", default: "models/pocket/model" },
    count: { type: "string", default: "32" },
    columns: { type: "string", default: "8" },
    output: { type: "string", default: "models/pocket/gallery/base.png" },
  },
});
const prompts = evaluationPrompts(Number(args.count), 0).map((p) => p.base);
const model = loadSdxl(args.model, { dtype: "float32" });
await sheetOf(drawPrompts(model, prompts), { path: args.output, columns: Number(args.columns) });
console.log(prompts.map((p, i) => `${i}: ${p}`).join("\n"));
