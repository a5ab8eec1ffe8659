import assert from "node:assert/strict";
import { test } from "node:test";
import { findLeaks, leakSearch } from "./leaks.js";

const search = { secrets: ["a-secret-of-the-environment"], roots: ["/srv/runs/first", "D:\\runs"] };

test("folders of this machine are found, with their line", () => {
  assert.deepEqual(findLeaks("one\ntrained in /srv/runs/first/samples", search), [
    { what: "the path /srv/runs/first", line: 2 },
  ]);
  assert.deepEqual(findLeaks('{"out": "D:\\\\runs\\\\x"}', search), [{ what: "the path D:\\runs", line: 1 }]);
  assert.deepEqual(findLeaks("https://example.org/srv/runs/first", search), []);
  assert.deepEqual(findLeaks("/srv/runs/first-aid", search), []);
});

test("homes of any machine are found", () => {
  assert.deepEqual(findLeaks("see /home/someone/data", search), [{ what: "the path /home/someone", line: 1 }]);
  assert.deepEqual(findLeaks('"C:\\\\Users\\\\Someone\\\\data"', search).length, 1);
  assert.deepEqual(findLeaks("file:///opt/data", search).length, 1);
  assert.deepEqual(findLeaks("the /home page of POST /sdapi/v1/txt2img at https://x.y/home/me", search), []);
});

test("tokens and secrets are found and not repeated", () => {
  const leaks = findLeaks("x hf_abcdefghijklmnopqrstuv\na-secret-of-the-environment", search);
  assert.deepEqual(leaks, [
    { what: "a secret of the environment", line: 2 },
    { what: "an access token", line: 1 },
  ]);
  assert.deepEqual(findLeaks("hf_token is an option", search), []);
});

test("the search knows the environment's secrets, the token and the given folders", () => {
  const found = leakSearch(["/srv/x"], {
    token: "hf_inUse",
    env: { WANDB_API_KEY: "0123456789abcdef", SHORT_TOKEN: "abc", HOME: "/srv/me" },
  });
  assert.deepEqual(found.secrets, ["0123456789abcdef", "hf_inUse"]);
  assert.ok(found.roots.includes("/srv/x") && found.roots.includes("/srv/me") && found.roots.includes(process.cwd()));
});
