import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { quoted, resumeCommand, withoutOptions } from "./command-line.js";

test("quoting is read back by a shell", () => {
  const words = ["plain/path.yaml", '--prompt=a boy\'s "cat" & $HOME', "two words", "", "`x`", "a\nb", "--rank=4"];
  const echo = `for word in ${quoted(words)}; do printf '%s\\0' "$word"; done`;
  assert.deepEqual(execFileSync("sh", ["-c", echo], { encoding: "utf8" }).split("\0").slice(0, -1), words);
  assert.equal(quoted(["--prompt=a cat", "--rank=4"]), "--prompt='a cat' --rank=4");
});

test("options leave with their values, in either spelling", () => {
  const argv = ["--a=1", "--hub-token", "secret", "--b", "--hub_token=secret", "--c"];
  assert.deepEqual(withoutOptions(argv, ["hub_token"]), ["--a=1", "--b", "--c"]);
});

test("going on with a run repeats neither its token nor what contradicts", () => {
  const argv = [
    "--train_data_dir=my pictures",
    "--hub_token=hf_x",
    "--overwrite_output_dir",
    "--resume_from_checkpoint",
    "runs/a/checkpoints/step-000020",
    "--rank=4",
  ];
  const start = "npx stillframe train --train_data_dir='my pictures' --rank=4";
  assert.equal(resumeCommand(argv, false), `${start} --resume_from_checkpoint=latest`);
  assert.equal(resumeCommand(argv, true), `${start} --no-overwrite_output_dir --resume_from_checkpoint=latest`);
});
