import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { hubSettings } from "./settings.js";
import { TEST_TOKEN, TestHome } from "./testing/test-home.js";
import { readToken, redact } from "./token.js";

test("the token comes from HF_TOKEN, then the old variable, then the token file", () => {
  using home = new TestHome();
  assert.equal(readToken(home.env), undefined);
  mkdirSync(join(home.folder, ".cache/huggingface"), { recursive: true });
  writeFileSync(join(home.folder, ".cache/huggingface/token"), "hf_fromTheFile\n");
  assert.equal(readToken(home.env), "hf_fromTheFile");
  assert.equal(readToken({ ...home.env, HUGGING_FACE_HUB_TOKEN: "hf_old" }), "hf_old");
  assert.equal(readToken({ ...home.env, HUGGING_FACE_HUB_TOKEN: "hf_old", HF_TOKEN: " hf_new\n" }), "hf_new");
  assert.equal(readToken({ ...home.env, HF_TOKEN: " " }), "hf_fromTheFile");
});

test("HF_HOME, HF_TOKEN_PATH and HF_HUB_CACHE move the files", () => {
  using home = new TestHome();
  const elsewhere = join(home.folder, "elsewhere");
  mkdirSync(elsewhere);
  writeFileSync(join(elsewhere, "token"), "hf_elsewhere");
  assert.equal(readToken({ ...home.env, HF_HOME: elsewhere }), "hf_elsewhere");
  assert.equal(readToken({ ...home.env, HF_TOKEN_PATH: join(elsewhere, "token") }), "hf_elsewhere");
  assert.equal(hubSettings({ ...home.env, HF_HOME: elsewhere }).cacheDir, join(elsewhere, "hub"));
  assert.equal(hubSettings({ ...home.env, HF_HUB_CACHE: "~/cache" }).cacheDir, join(home.folder, "cache"));
  assert.equal(hubSettings({ ...home.env, XDG_CACHE_HOME: elsewhere }).cacheDir, join(elsewhere, "huggingface/hub"));
  assert.equal(hubSettings(home.env).cacheDir, home.cacheDir);
});

test("a token of another form is refused without showing it", () => {
  using home = new TestHome();
  assert.throws(
    () => readToken({ ...home.env, HF_TOKEN: "my-secret-password" }),
    (error: Error) => {
      assert.match(error.message, /expected an access token of the form hf_… for HF_TOKEN but received 18 characters/);
      return !error.message.includes("secret");
    },
  );
  assert.throws(() => readToken({ ...home.env, HF_TOKEN: "hf_a\r\nx-injected: 1" }), /expected an access token/);
});

test("the endpoint must be an address without a password", () => {
  assert.equal(hubSettings({}).endpoint, "https://huggingface.co");
  assert.equal(hubSettings({ HF_ENDPOINT: "http://127.0.0.1:80/hub//" }).endpoint, "http://127.0.0.1:80/hub");
  assert.throws(() => hubSettings({ HF_ENDPOINT: "huggingface.co" }), /expected an address that begins with http/);
  assert.throws(
    () => hubSettings({ HF_ENDPOINT: "https://me:hidden@host" }),
    (error: Error) => !error.message.includes("hidden"),
  );
  assert.equal(hubSettings({ HF_HUB_OFFLINE: "yes" }).offline, true);
  assert.equal(hubSettings({ HF_HUB_OFFLINE: "0" }).offline, false);
});

test("redact hides tokens, credentials and the query of addresses", () => {
  const text = `Bearer ${TEST_TOKEN} and ${TEST_TOKEN}, https://storage/x/y?X-Signature=abc123&t=1 "tail"`;
  assert.equal(redact(text), 'Bearer [hidden] and hf_[hidden], https://storage/x/y "tail"');
  assert.equal(redact("it is swordfish", ["swordfish", undefined]), "it is [hidden]");
});
