import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { parseTrainOptions } from "@stillframe/schema";
import { OutOfMemoryError } from "@stillframe/torch";
import { explainedFailure } from "./run-failure.js";

const options = parseTrainOptions({ pretrained_model_name_or_path: "base", train_data_dir: "stills" });

const systemError = (code: string, path?: string): Error =>
  Object.assign(new Error(`${code}: something, open`), { code, ...(path === undefined ? {} : { path }) });

test("errors of the system, told as what to do", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "stillframe-failure-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const message = (e: unknown) =>
    explainedFailure(e, { outputDir: folder, options }).message.replaceAll(folder, "runs/a");
  assert.match(
    message(systemError("ENOSPC")),
    /^no space is left on the disk of runs\/a \(\d+\.\d MB free\): make room there, then go on with --resume_from_checkpoint=latest$/,
  );
  assert.match(message(systemError("EDQUOT")), /^no space is left/);
  assert.match(
    message(systemError("EACCES", join(folder, "samples"))),
    /^runs\/a\/samples may not be written: allow it, then go on/,
  );
  assert.match(
    message(systemError("ENOENT", join(folder, "x"))),
    /^runs\/a\/x is gone: leave runs\/a as it is while a run writes to it, then go on/,
  );
  assert.match(
    message(new OutOfMemoryError("no memory", "conv2d")),
    /^there is not enough memory; what needs less:\n {2}--gradient_checkpointing\n {2}--train_batch_size=8 with twice/,
  );
  assert.equal(message("a string"), "a string");
});

test("what speaks for itself, or of another place, stays as it is", () => {
  for (const e of [
    new Error("an error"),
    systemError("EACCES", "/models/unet.safetensors"),
    systemError("ENOENT", "/models/x"),
  ])
    assert.equal(explainedFailure(e, { outputDir: "/runs/a", options }), e);
});
