import assert from "node:assert/strict";
import { test } from "node:test";
import { scrubPaths, scrubText } from "./scrub.js";

test("a path becomes its last part", () => {
  for (const [path, name] of [
    ["/home/me/stills", "stills"],
    ["/home/me/my stills/", "my stills"],
    ["~/models/sdxl", "sdxl"],
    ["C:\\Users\\Me\\stills", "stills"],
    ["\\\\server\\share\\stills", "stills"],
    ["../data/stills", "stills"],
    ["./run", "run"],
    ["file:///home/me/a.png", "a.png"],
  ] as const) {
    assert.equal(scrubText(path), `local:${name}`);
  }
});

test("paths inside a text are replaced one by one", () => {
  assert.equal(
    scrubText("stillframe train --data=/home/me/a --out /tmp/run (see ~/notes.txt)"),
    "stillframe train --data=local:a --out local:run (see local:notes.txt)",
  );
  assert.equal(scrubText("/a/b and /c/d"), "local:b and local:d");
});

test("names on the Hub, addresses and other texts stay", () => {
  for (const text of [
    "stabilityai/stable-diffusion-xl-base-1.0",
    "https://huggingface.co/org/name",
    "1/2",
    "image/png",
    "a.b",
    "",
  ]) {
    assert.equal(scrubText(text), text);
  }
});

test("nested values and keys are scrubbed and equal names stay apart", () => {
  assert.deepEqual(
    scrubPaths({ files: { "/a/x.png": "1", "/b/x.png": "2" }, list: ["/a/b", 3, null, true], n: { deep: "/q/r" } }),
    { files: { "local:x.png": "1", "local:x.png#2": "2" }, list: ["local:b", 3, null, true], n: { deep: "local:r" } },
  );
});
