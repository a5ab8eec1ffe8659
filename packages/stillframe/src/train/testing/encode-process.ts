/**
 * Encodes what a run would, in a process that may be killed: `node encode-process.js OPTIONS.json`. Prints a line for
 * each event, and last how much went through the models.
 */
import { readFileSync } from "node:fs";
import type { TrainOptionsInput } from "@stillframe/schema";
import { loadEncoders, openEncoding } from "./encoding.js";

const options = JSON.parse(readFileSync(process.argv[2] as string, "utf8")) as TrainOptionsInput;
const encoding = await openEncoding(options, loadEncoders(options.pretrained_model_name_or_path));
for await (const event of encoding.source.encode(encoding.plan.steps()))
  process.stdout.write(`${JSON.stringify(event)}\n`);
process.stdout.write(`${JSON.stringify({ type: "done", ...encoding.calls })}\n`);
encoding.dispose();
